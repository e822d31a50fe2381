"""BG/NBD and Gamma-Gamma: the published figures of CDNOW, and worlds whose parameters are known."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tracker.analytics import btyd, predicted

PACKAGE = "lifetimes==0.11.3"  # ships the CDNOW summaries of Fader and Hardie
HOME = Path(__file__).parents[2] / ".build" / "lifetimes"
PURCHASES = (0.243, 4.414, 0.793, 2.426)  # Fader, Hardie, Lee (2005), table 2
VALUES = (6.25, 3.74, 15.44)  # Fader, Hardie (2013), page 4


@pytest.fixture
def cdnow():
    """Reads one of the package's tables as columns of numbers."""
    if not list(HOME.glob("*.whl")):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(HOME), PACKAGE]
        if subprocess.run(pip, check=False, timeout=120).returncode:
            pytest.skip(f"{PACKAGE} cannot be downloaded")
    [wheel] = HOME.glob("*.whl")

    def columns(table, *names):
        text = zipfile.ZipFile(wheel).read(f"lifetimes/datasets/{table}.csv").decode()
        rows = list(csv.DictReader(io.StringIO(text)))
        return (np.array([float(row[name]) for row in rows]) for name in names)

    return columns


def test_cdnow_has_the_published_parameters(cdnow):
    told = btyd.Histories(*cdnow("cdnow_customers_summary", "frequency", "recency", "T"))
    assert len(told.x) == 2357
    assert btyd.fit_purchases(told).parameters == pytest.approx(PURCHASES, rel=0.01)
    n, mean = cdnow("cdnow_customers_summary_with_transactions", "x", "zbar")
    assert btyd.fit_values(btyd.Spendings(n[n > 0], mean[n > 0])).parameters == pytest.approx(VALUES, rel=0.01)


def one_buyer(x, t_x, observed):
    return btyd.Histories(np.array([float(x)]), np.array([float(t_x)]), np.array([float(observed)]))


def test_the_papers_buyer():
    assert btyd.expected_purchases(PURCHASES, one_buyer(2, 30.43, 38.86), 39.0) == pytest.approx([1.226], abs=5e-4)
    assert btyd.alive(PURCHASES, one_buyer(0, 0, 38.86)) == [1.0]  # nobody leaves before the second purchase


def test_expectations_are_the_means_of_the_futures():
    chance = np.random.default_rng(1)
    many = np.ones(40_000)
    for parameters, x in (((0.5, 4.0, 1.0, 2.4), 3.0), ((0.8, 2.0, 0.4, 0.5), 0.0), ((2.0, 9.0, 1.7, 3.0), 7.0)):
        told = btyd.Histories(many * x, many * (8.0 if x else 0.0), many * 12.0)
        living, bought = btyd.future(chance, np.array(parameters), told, 20.0)
        assert np.mean(living) == pytest.approx(btyd.alive(parameters, told)[0], abs=0.01)
        wanted = btyd.expected_purchases(parameters, told, 20.0)[0]
        assert np.mean(bought) == pytest.approx(wanted, rel=0.05)
        spent = btyd.Spendings(many * 4.0, many * 30.0)
        worth = btyd.future_value(chance, np.array([6.0, 4.0, 15.0]), spent, bought)
        assert np.mean(worth) == pytest.approx(wanted * btyd.expected_value((6.0, 4.0, 15.0), spent)[0], rel=0.05)


def world(chance, buyers, purchases, values, ahead):
    """Histories that the models are true of, and what really came after: alive, purchases, value."""
    r, alpha, a, b = purchases
    p, q, gamma = values
    rows, after = [], np.zeros(3)
    for _ in range(buyers):
        observed = chance.uniform(10, 60)
        rate, leaving = chance.gamma(r, 1 / alpha), chance.beta(a, b)
        scale = chance.gamma(q, 1 / gamma)
        times, living, at = [0.0], True, 0.0
        while living and (at := at + chance.exponential(1 / max(rate, 1e-9))) < observed + ahead:
            living = chance.random() >= leaving
            times.append(at)
            if at < observed and not living:
                break
        paid = chance.gamma(p, 1 / scale, size=len(times))
        seen = [one for one in times if one < observed]
        left = len(seen) == len(times) and not living
        after += (not left, len(times) - len(seen), paid[len(seen) :].sum())
        rows.append((len(seen) - 1, seen[-1], observed, len(seen), paid[: len(seen)].mean()))
    return np.array(rows, dtype=float), after


def test_intervals_hold_what_really_came_nine_times_of_ten():
    chance = np.random.default_rng(7)
    worlds, held = 15, np.zeros(3)
    for _ in range(worlds):
        rows, after = world(chance, 250, (0.6, 5.0, 0.8, 2.4), (6.0, 4.0, 15.0), 30.0)
        told, spent = btyd.Histories(*rows[:, :3].T), btyd.Spendings(*rows[:, 3:].T)
        said = predicted.forecast(told, spent, 30.0, len(rows))
        parts = [said[name] for name in ("alive", "purchases", "value")]
        assert all(part["low"] <= part["expected"] <= part["high"] for part in parts)
        held += [part["low"] <= real <= part["high"] for part, real in zip(parts, after, strict=True)]
    assert all(one >= 11 for one in held), held  # fewer has a chance of 1 in 75 where nine tenths are true
    assert sum(held) < 3 * worlds  # intervals that always hold would say too little


def test_what_cannot_be_told_stays_finite_and_wide():
    """Nobody ever leaves: the chance to leave cannot be told from none, and the answer is still one."""
    chance = np.random.default_rng(3)
    x = chance.poisson(6.0, size=200).astype(float)
    told = btyd.Histories(x, np.where(x > 0, 39.5, 0.0), np.full(200, 40.0))
    said = predicted.forecast(told, btyd.Spendings(np.zeros(200), np.zeros(200)), 40.0, 400)
    assert said["money_model"] is said["value"] is said["ltv"] is None
    assert 380 < said["alive"]["expected"] <= 400
    assert said["purchases"]["low"] < 2 * x.sum() * 1.05
    assert said["alive"]["high"] - said["alive"]["low"] > 1  # that nobody leaves is likeliest, not certain
    assert all(np.isfinite(list(said["model"].values())))
    assert all(np.isfinite(list(said["purchases"].values())))
