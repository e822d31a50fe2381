from __future__ import annotations

from pathlib import Path

import pytest

from tracker.config import BadSetting, Settings, default_workers


def test_defaults_need_nothing(tmp_path: Path) -> None:
    settings = Settings.read({"data": tmp_path}, {})
    assert (settings.port, settings.api_port, settings.dashboard_port) == (8080, 8081, 8501)
    assert settings.worker_count == default_workers() >= 1
    assert settings.catalog == f"sqlite:///{tmp_path}/catalog.sqlite"
    assert settings.data == tmp_path


def test_a_flag_wins_over_environment_over_file_over_default(tmp_path: Path) -> None:
    (tmp_path / "tracker.toml").write_text("port = 1001\napi_port = 1002\ndashboard_port = 1003\nsegment_seconds = 1\n")
    env = {"TRACKER_PORT": "2001", "TRACKER_API_PORT": "2002", "TRACKER_SHOP_PORT": ""}
    settings = Settings.read({"data": tmp_path, "port": 3001, "workers": None}, env)
    found = (settings.port, settings.api_port, settings.dashboard_port, settings.shop_port, settings.segment_seconds)
    assert found == (3001, 2002, 1003, 8090, 1)


def test_the_file_is_the_one_of_the_data_folder_that_the_environment_names(tmp_path: Path) -> None:
    (tmp_path / "tracker.toml").write_text("port = 1001\n")
    assert Settings.read({}, {"TRACKER_DATA": str(tmp_path)}).port == 1001
    assert Settings.read({"data": tmp_path / "other"}, {"TRACKER_DATA": str(tmp_path)}).port == 8080


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"TRACKER_PORT": "http"}, "TRACKER_PORT must be a whole number"),
        ({"TRACKER_PORT": "0"}, "port between 1 and 65535"),
        ({"TRACKER_PORT": "70000"}, "port between 1 and 65535"),
        ({"TRACKER_WORKERS": "17"}, "TRACKER_WORKERS"),
        ({"TRACKER_DASHBOARD": "maybe"}, "TRACKER_DASHBOARD must be 1 or 0"),
        ({"TRACKER_SEGMENT_SECONDS": "soon"}, "TRACKER_SEGMENT_SECONDS must be a number"),
        ({"TRACKER_SEGMENT_SECONDS": "nan"}, "TRACKER_SEGMENT_SECONDS"),
        ({"TRACKER_SPOOL_MAX_BYTES": "1"}, "TRACKER_SPOOL_MAX_BYTES"),
        ({"TRACKER_LOG_LEVEL": "loud"}, "auto, debug, info, warning, error"),
        ({"TRACKER_CLICKHOUSE_URL": "mysql://u:p@h/d"}, "clickhouse://"),
        ({"TRACKER_PUBLIC_URL": "shop.example"}, "https://"),
        ({"TRACKER_TRUSTED_PROXIES": "10.0.0.0/8,proxy"}, "TRACKER_TRUSTED_PROXIES"),
        ({"TRACKER_ADMIN_TOKEN": "short"}, "20 characters"),
    ],
)
def test_a_bad_value_is_named_with_what_it_should_be(tmp_path: Path, env: dict[str, str], says: str) -> None:
    with pytest.raises(BadSetting) as caught:
        Settings.read({"data": tmp_path}, env)
    assert says in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("port = 'x'", "port must be a whole number"),
        ("port = true", "port must be a whole number"),
        ("dashboard = 1", "dashboard must be 1 or 0"),
        ("prot = 1", "no such setting: prot"),
        ("data = '/'", "no such setting: data"),
        ("port = ", "cannot read"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "tracker.toml").write_text(text)
    with pytest.raises(BadSetting) as caught:
        Settings.read({"data": tmp_path}, {})
    assert says in caught.value.message
    assert str(tmp_path) in caught.value.message


def test_secrets_are_not_repeated_in_error_texts(tmp_path: Path) -> None:
    for name in ("TRACKER_CLICKHOUSE_URL", "TRACKER_CATALOG_URL", "TRACKER_ADMIN_TOKEN"):
        with pytest.raises(BadSetting) as caught:
            Settings.read({"data": tmp_path}, {name: "ftp://me:hidden@h/d" if name.endswith("URL") else "hidden"})
        assert "hidden" not in caught.value.message


def test_a_child_process_reads_the_same_settings_back(tmp_path: Path) -> None:
    given = {
        "data": tmp_path,
        "port": 1234,
        "dashboard": False,
        "segment_seconds": 0.25,
        "public_url": "https://e.example",
    }
    settings = Settings.read(given, {})
    assert Settings.read({}, settings.environment()) == settings


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8080"), ("0.0.0.0", "http://127.0.0.1:8080"), ("::1", "http://[::1]:8080")],
)
def test_urls_for_people_can_be_reached(host: str, url: str) -> None:
    assert Settings(host=host).collector_url == url
