"""The full command line of the dashboard, so that every launcher starts the same thing."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent


def argv(port: int, host: str) -> list[str]:
    """The command that serves the dashboard at host:port; needs `TRACKER_API_URL` (and a token) in its environment."""
    options = {
        "server.port": port,
        "server.address": host,
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.runOnSave": "false",
        "server.enableStaticServing": "true",
        "server.enableXsrfProtection": "true",
        "server.enableCORS": "true",
        "server.maxUploadSize": 1,
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": "false",
        "global.developmentMode": "false",
        "logger.level": "warning",
        "theme.base": HERE / "theme.toml",
    }
    flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return [sys.executable, "-m", "streamlit", "run", str(HERE / "app.py"), *flags]
