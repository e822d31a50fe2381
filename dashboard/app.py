"""The dashboard: `streamlit run dashboard/app.py`, or `tracker dashboard`, which passes the options of `launch.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from dashboard import sidebar, state
from dashboard.components import guarded
from dashboard.views import (
    alerts,
    audience,
    audience_edit,
    audiences,
    channels,
    contact_rules,
    customers,
    destinations,
    funnel,
    health,
    install,
    outreach,
    overview,
    paths,
    person,
    pixel,
    retention,
    schedules,
    sign_in,
    trends,
    value,
)

HERE = Path(__file__).parent


class Entry(NamedTuple):
    """A page of the navigation; one without an icon is reached by links only."""

    key: str
    draw: Callable[[], None]
    title: str
    path: str
    icon: str | None = None

    def made(self, signed_in: bool) -> st.Page:
        """The page, or the sign-in in its place: whoever signs in is where they wanted to be."""
        return st.Page(
            self.draw if signed_in else sign_in.page,
            title=self.title if signed_in else "Sign in",
            icon=self.icon,
            url_path=self.path,
            default=self.key == "overview",
            visibility="visible" if self.icon else "hidden",
        )


def to_overview() -> None:
    """The address `/overview`: Streamlit answers the default page at `/` alone."""
    st.switch_page(state.pages()["overview"], query_params=st.query_params.to_dict())


PAGES = (
    Entry("overview", overview.page, "Overview", "", ":material/monitoring:"),
    Entry("overview_by_name", to_overview, "Overview", "overview"),
    Entry("trends", trends.page, "Trends", "trends", ":material/show_chart:"),
    Entry("funnel", funnel.page, "Funnel", "funnel", ":material/filter_alt:"),
    Entry("retention", retention.page, "Retention", "retention", ":material/event_repeat:"),
    Entry("paths", paths.page, "Paths", "paths", ":material/route:"),
    Entry("channels", channels.page, "Channels", "channels", ":material/hub:"),
    Entry("customers", customers.page, "Customers", "customers", ":material/person_search:"),
    Entry("value", value.page, "Lifetime value", "lifetime-value", ":material/savings:"),
    Entry("person", person.page, "Person", "person"),
    Entry("audiences", audiences.page, "Audiences", "audiences", ":material/group:"),
    Entry("audience", audience.page, "Audience", "audience"),
    Entry("audience_edit", audience_edit.page, "Edit an audience", "audience-edit"),
    Entry("outreach", outreach.page, "Outreach", "outreach", ":material/call:"),
    Entry("destinations", destinations.page, "Destinations", "destinations", ":material/send:"),
    Entry("contact_rules", contact_rules.page, "Contact rules", "contact-rules", ":material/rule:"),
    Entry("alerts", alerts.page, "Alerts", "alerts", ":material/notifications:"),
    Entry("schedules", schedules.page, "Scheduled reports", "scheduled-reports", ":material/schedule_send:"),
    Entry("health", health.page, "Data health", "data-health", ":material/fact_check:"),
    Entry("install", install.page, "Install", "install", ":material/code:"),
    Entry("pixel", pixel.page, "Pixel settings", "pixel-settings", ":material/tune:"),
)


def main() -> None:
    """One run of the script: the frame, then the chosen page."""
    mark = HERE / "static" / "mark.svg"
    st.set_page_config(page_title="Journey Tracker", page_icon=str(mark), layout="wide", menu_items={})
    st.html(HERE / "style.css")
    st.logo(str(HERE / "static" / "logo.svg"), size="large", icon_image=str(mark))
    signed_in = bool(state.token())
    pages = {page.key: page.made(signed_in) for page in PAGES}
    st.session_state["_pages"] = pages
    chosen = st.navigation(list(pages.values()), position="sidebar" if signed_in else "hidden", expanded=True)
    if signed_in:
        if chosen == pages["overview_by_name"]:
            to_overview()  # before the sidebar: what the query says becomes its widgets' and cannot be handed on then
        frame(chosen)
    else:
        chosen.run()


@guarded
def frame(chosen: st.Page) -> None:
    """The sidebar's site and period, then the page."""
    sidebar.draw()
    chosen.run()


main()
