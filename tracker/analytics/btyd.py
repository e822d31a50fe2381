"""Who will buy again, and for how much: BG/NBD and Gamma-Gamma, fitted by maximum likelihood.

P. Fader, B. Hardie, K. L. Lee (2005), "Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD Model,
Marketing Science 24(2); P. Fader, B. Hardie (2013), The Gamma-Gamma Model of Monetary Value. Pure: numbers in and out.
A buyer is x purchases after the first, the last of them at t_x and observed until T, both since the first purchase.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

_FAR = 12.0  # logarithms of parameters stay within this: e^12 is no shape or scale of a shop
_LOOSE = 2.0  # standard deviation of the parameters' logarithms around a plain shop's, where the data say nothing


@dataclass(frozen=True)
class Fit:
    """The likeliest parameters, and what their logarithms may be: normal with `centre` and `covariance`.

    The likeliest may be at an edge (nobody ever leaves), where no spread can be read off. So `centre` is the peak and
    `covariance` the curvature of the likelihood times a prior so wide (a factor of 7 to either side) that it matters
    only where the data say next to nothing.
    """

    parameters: tuple[float, ...]
    centre: Numbers
    covariance: Numbers

    def draws(self, chance: np.random.Generator, times: int) -> Numbers:
        """Parameters as uncertain as the data leave them, one row a draw."""
        logs = chance.multivariate_normal(self.centre, self.covariance, size=times)
        drawn: Numbers = np.exp(np.clip(logs, -_FAR, _FAR))
        return drawn


@dataclass(frozen=True)
class Histories:
    """Buyers; times in weeks (any unit would do)."""

    x: Numbers
    t_x: Numbers
    T: Numbers


@dataclass(frozen=True)
class Spendings:
    """How many purchases of each buyer have a value above 0, and its mean."""

    n: Numbers
    mean: Numbers


def fit_purchases(told: Histories) -> Fit:
    """r, alpha, a, b of BG/NBD."""
    again = told.x > 0

    def loglik(logs: Numbers) -> float:
        r, alpha, a, b = np.exp(logs)
        x = told.x
        fixed = _lgamma(r + x) - math.lgamma(r) + r * math.log(alpha)
        fixed += math.lgamma(a + b) + _lgamma(b + x) - math.lgamma(b) - _lgamma(a + b + x)
        living = -(r + x) * np.log(alpha + told.T)
        gone = np.where(
            again, np.log(a / np.where(again, b + x - 1, 1.0)) - (r + x) * np.log(alpha + told.t_x), -np.inf
        )
        return float(np.mean(fixed + np.logaddexp(living, gone)))

    return _likeliest(loglik, (1.0, float(np.mean(told.T)) + 1e-9, 1.0, 2.0), len(told.x))


def fit_values(told: Spendings) -> Fit:
    """p, q, gamma of Gamma-Gamma."""
    n, mean = told.n, told.mean

    def loglik(logs: Numbers) -> float:
        p, q, gamma = np.exp(logs)
        shape = p * n
        each = _lgamma(shape + q) - _lgamma(shape) - math.lgamma(q) + q * math.log(gamma)
        each += (shape - 1) * np.log(mean) + shape * np.log(n) - (shape + q) * np.log(gamma + n * mean)
        return float(np.mean(each))

    return _likeliest(loglik, (2.0, 2.0, float(np.mean(mean))), len(n))


def alive(parameters: tuple[float, ...], told: Histories) -> Numbers:
    """The chance of each buyer to be a customer still."""
    r, alpha, a, b = parameters
    again = told.x > 0
    odds = a / np.where(again, b + told.x - 1, 1.0) * ((alpha + told.T) / (alpha + told.t_x)) ** (r + told.x)
    chance: Numbers = 1 / (1 + np.where(again, odds, 0.0))
    return chance


def expected_purchases(parameters: tuple[float, ...], told: Histories, ahead: float) -> Numbers:
    """Each buyer's expected number of purchases in the time `ahead` (equation 10 of the paper)."""
    r, alpha, a, b = parameters
    if abs(a - 1) < 1e-5:  # the equation divides by a - 1; its limit is what it gives beside it
        a = 1 + 1e-5
    z = ahead / (alpha + told.T + ahead)
    series = _hypergeometric(r + told.x, b + told.x, a + b + told.x - 1, z)
    left = 1 - ((alpha + told.T) / (alpha + told.T + ahead)) ** (r + told.x) * series
    count: Numbers = (a + b + told.x - 1) / (a - 1) * left * alive(parameters, told)
    return count


def expected_value(parameters: tuple[float, ...], told: Spendings) -> Numbers:
    """The expected value of each buyer's next purchases; 0 of who never spent anything."""
    p, q, gamma = parameters
    under = np.where(told.n > 0, p * told.n + q - 1, 1.0)
    value: Numbers = np.where(told.n > 0, p * (gamma + told.n * told.mean) / under, 0.0)
    return value


def future(
    chance: np.random.Generator, parameters: Numbers, told: Histories, ahead: float
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """One possible future: who is a customer still, and how often each buys in the time `ahead`.

    Given that a buyer lives at T, their rate is Gamma(r + x, alpha + T) and their chance to leave after a purchase is
    Beta(a, b + x), independently, which follows from the likelihood.
    """
    r, alpha, a, b = (float(one) for one in parameters)
    living = chance.random(len(told.x)) < alive((r, alpha, a, b), told)
    rate = chance.gamma(r + told.x, 1 / (alpha + told.T))
    leaving = np.clip(chance.beta(a, b + told.x), 1e-12, 1.0)
    bought = np.minimum(chance.poisson(np.minimum(rate * ahead, 1e9)), chance.geometric(leaving))
    return living, np.where(living, bought, 0)


def future_value(
    chance: np.random.Generator, parameters: Numbers, told: Spendings, purchases: NDArray[np.int64]
) -> Numbers:
    """What so many purchases of each buyer come to in one possible future."""
    p, q, gamma = (float(one) for one in parameters)
    scale = chance.gamma(q + p * told.n, 1 / (gamma + told.n * told.mean))
    spent = chance.gamma(np.maximum(p * purchases, 1e-12)) / np.maximum(scale, 1e-300)
    value: Numbers = np.where((purchases > 0) & (told.n > 0), spent, 0.0)
    return value


def _likeliest(loglik: Callable[[Numbers], float], start: tuple[float, ...], observed: int) -> Fit:
    """`loglik` is the mean of `observed` buyers, as a function of the parameters' logarithms."""
    first = np.log(start)

    def held(logs: Numbers) -> float:
        return loglik(logs) - float(np.sum((logs - first) ** 2)) / (2 * _LOOSE**2 * observed)

    centre = _climb(held, first)
    _, bend = _derivatives(held, centre, held(centre))
    values, vectors = np.linalg.eigh(-bend * observed)
    covariance = (vectors / np.maximum(values, 1 / _LOOSE**2)) @ vectors.T
    return Fit(tuple(float(one) for one in np.exp(_climb(loglik, centre))), centre, covariance)


def _climb(of: Callable[[Numbers], float], start: Numbers) -> Numbers:
    """The highest point of a function, by Newton's method, damped until it climbs."""
    at, best, damping = start, of(start), 1e-3
    for _ in range(200):
        slope, bend = _derivatives(of, at, best)
        values, vectors = np.linalg.eigh(-bend)
        if np.max(np.abs(slope)) < 1e-8:
            break
        while damping < 1e8:
            step = vectors @ (vectors.T @ slope / (np.abs(values) + damping))
            there = np.clip(at + step * min(1.0, 1.0 / float(np.max(np.abs(step)))), -_FAR, _FAR)
            reached = of(there)
            if reached > best:
                break
            damping *= 10
        else:
            break
        at, best, damping = there, reached, max(damping / 30, 1e-12)
    return at


def _derivatives(of: Callable[[Numbers], float], at: Numbers, here: float) -> tuple[Numbers, Numbers]:
    """Gradient and Hessian by central differences."""
    size, h = len(at), 1e-3
    steps = np.eye(size) * h
    up, down = [of(at + one) for one in steps], [of(at - one) for one in steps]
    bend = np.empty((size, size))
    for i in range(size):
        bend[i, i] = (up[i] - 2 * here + down[i]) / h**2
        for j in range(i):
            both = of(at + steps[i] + steps[j]) + of(at - steps[i] - steps[j])
            bend[i, j] = bend[j, i] = (both - up[i] - down[i] - up[j] - down[j] + 2 * here) / (2 * h**2)
    return (np.array(up) - np.array(down)) / (2 * h), bend


def _lgamma(of: Numbers) -> Numbers:
    distinct, where = np.unique(of, return_inverse=True)
    told: Numbers = np.array([math.lgamma(one) for one in distinct])[where]
    return told


def _hypergeometric(a: Numbers, b: Numbers, c: Numbers, z: Numbers) -> Numbers:
    """Gauss's 2F1 for 0 <= z < 1, by its series."""
    term = np.ones_like(z)
    total = term.copy()
    for k in range(100_000):
        term = term * (a + k) * (b + k) / ((c + k) * (k + 1)) * z
        total = total + term
        if np.all(np.abs(term) <= 1e-13 * np.abs(total)):
            break
    return total
