"""The dashboard: `streamlit run dashboard/app.py`, or `tracker dashboard`, which passes the options of `launch.py`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard import sidebar, state
from dashboard.components import guarded
from dashboard.views import audience, audiences, funnel, health, install, overview, sign_in

HERE = Path(__file__).parent


def main() -> None:
    """One run of the script: the frame, then the chosen page."""
    mark = HERE / "static" / "mark.svg"
    st.set_page_config(page_title="Journey Tracker", page_icon=str(mark), layout="wide", menu_items={})
    st.html(HERE / "style.css")
    st.logo(str(HERE / "static" / "logo.svg"), size="large", icon_image=str(mark))
    if not state.token():
        st.navigation([st.Page(sign_in.page, title="Sign in")], position="hidden").run()
        return
    pages = {
        "overview": st.Page(
            overview.page, title="Overview", icon=":material/monitoring:", url_path="overview", default=True
        ),
        "funnel": st.Page(funnel.page, title="Funnel", icon=":material/filter_alt:", url_path="funnel"),
        "audiences": st.Page(audiences.page, title="Audiences", icon=":material/group:", url_path="audiences"),
        "audience": st.Page(audience.page, title="Audience", url_path="audience", visibility="hidden"),
        "health": st.Page(health.page, title="Data health", icon=":material/fact_check:", url_path="data-health"),
        "install": st.Page(install.page, title="Install", icon=":material/code:", url_path="install"),
    }
    st.session_state["_pages"] = pages
    chosen = st.navigation(list(pages.values()))
    frame(chosen)


@guarded
def frame(chosen: st.Page) -> None:
    """The sidebar's site and period, then the page."""
    sidebar.draw()
    chosen.run()


main()
