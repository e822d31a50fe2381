"""The container files, read by the linters that read them elsewhere: hadolint and the Compose specification."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import compose_spec
import pytest

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
SECRET = re.compile(r"\$\{(\w+)(:?[-?])?([^}]*)\}")


def interpolated(text: str, values: dict[str, str]) -> str:
    """What Docker Compose does with `${NAME:-default}` and `${NAME:?message}`."""

    def put(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if values.get(name):
            return values[name]
        if kind and kind.endswith("?"):
            raise KeyError(name)
        return rest if kind else ""

    return SECRET.sub(put, text)


@pytest.fixture(name="compose")
def _compose() -> dict[str, Any]:
    text = interpolated(
        (DOCKER / "compose.yml").read_text(), {"CLICKHOUSE_PASSWORD": "x" * 32, "TRACKER_ADMIN_TOKEN": "y" * 32}
    )
    options = compose_spec.PyOptions()
    options.apply_merge = True
    compose = options.from_yaml(text)
    compose.validate()
    return compose.to_dict()


def test_hadolint_has_nothing_to_say() -> None:
    found = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), DOCKER / "Dockerfile"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.stdout + found.stderr == ""


def test_compose_follows_the_specification(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {"collector", "engine", "dashboard", "clickhouse"}


def test_there_is_no_default_password() -> None:
    text = (DOCKER / "compose.yml").read_text()
    secrets = [match for match in SECRET.finditer(text) if "PASSWORD" in match[1] or "TOKEN" in match[1]]
    assert {match[1] for match in secrets} == {"CLICKHOUSE_PASSWORD", "TRACKER_ADMIN_TOKEN"}
    assert all(match[2] == ":?" for match in secrets)
    for missing in ("CLICKHOUSE_PASSWORD", "TRACKER_ADMIN_TOKEN"):
        given = {"CLICKHOUSE_PASSWORD": "x", "TRACKER_ADMIN_TOKEN": "y"} | {missing: ""}
        with pytest.raises(KeyError, match=missing):
            interpolated(text, given)


def test_only_the_collector_is_published_to_the_world(compose: dict[str, Any]) -> None:
    published = {
        name: [str(port) for port in service.get("ports", [])] for name, service in compose["services"].items()
    }
    assert published["clickhouse"] == []
    assert all("127.0.0.1" in port for name in ("engine", "dashboard") for port in published[name])
    assert len(published["collector"]) == 1


def test_every_service_has_a_health_check_and_ours_are_locked_down(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"], name
        if name != "clickhouse":
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]


def test_the_image_does_not_run_as_root() -> None:
    lines = (DOCKER / "Dockerfile").read_text().splitlines()
    last_stage = lines[max(at for at, line in enumerate(lines) if line.startswith("FROM")) :]
    users = [line.split()[1] for line in last_stage if line.startswith("USER")]
    assert users and not any(user.split(":")[0] in {"root", "0"} for user in users)


def test_every_variable_of_the_container_files_is_a_setting() -> None:
    from dataclasses import fields

    from tracker.config import PREFIX, Settings

    known = {PREFIX + field.name.upper() for field in fields(Settings)}
    for name in ("compose.yml", "Dockerfile", "env.example"):
        used = set(re.findall(r"\bTRACKER_[A-Z_]+\b", (DOCKER / name).read_text()))
        assert used - known == set(), name


def test_files_that_are_mounted_and_copied_exist(compose: dict[str, Any]) -> None:
    mounted = re.findall(r"- \./(\S+?):", (DOCKER / "compose.yml").read_text())
    assert mounted
    for name in mounted:
        ET.parse(DOCKER / name)
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DOCKER / "Dockerfile").read_text(), re.MULTILINE)
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    for name in " ".join(copied).split():
        assert (ROOT / name).exists()
        assert f"!{name.removeprefix('./')}" in ignore
