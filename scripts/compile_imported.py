"""Import what the processes import, so that its bytecode lies ready: pip is told to compile nothing.

Compiling all that the dependencies ship takes pip as long as unpacking it, and most of it is never imported.
"""

from __future__ import annotations

import importlib
import pkgutil

import dashboard
import tracker

OF_THE_DASHBOARD = ["streamlit.web.bootstrap", "streamlit.web.cli", "plotly.graph_objects", "pandas", "pyarrow"]

for package in (tracker, dashboard):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
for name in OF_THE_DASHBOARD:
    importlib.import_module(name)
