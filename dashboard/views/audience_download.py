"""A download of an audience: ask the export API for a file, wait for it, hand it over."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, rules, state
from dashboard.client import ApiError, Json
from dashboard.components import guarded, notice
from dashboard.views.audience_parts import withheld_lines

KINDS = {"csv": "CSV (spreadsheet)", "jsonl": "JSON lines"}


def panel(audience: str) -> None:
    """Choose a format, make the file, download it."""
    key = f"export-{audience}"
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        kind = st.selectbox("Format", list(KINDS), format_func=KINDS.__getitem__, key=f"{key}-kind", width=280)
        if st.button("Make the file", type="primary", key=f"{key}-start"):
            _start(audience, kind, key)
    if key in st.session_state:
        waiting = st.session_state[key].get("state") == "running"
        st.fragment(_progress, run_every=1 if waiting else None)(key)


def _start(audience: str, kind: str, key: str) -> None:
    try:
        st.session_state[key] = state.api().start_export(audience, kind)
    except ApiError as refusal:
        st.session_state[key] = {"state": "failed", "error": refusal.sentence}


@guarded
def _progress(key: str) -> None:
    export: Json = st.session_state[key]
    if export.get("state") == "running":
        export = st.session_state[key] = state.api().export(str(export["id"]))
        if export.get("state") != "running":
            st.rerun(scope="app")
        notice("info", "The file is being made …", "You may go on; it will be here.")
    elif export.get("state") == "failed":
        notice("bad", "No file was made.", _why(export))
    else:
        _finished(export)


def _why(export: Json) -> str:
    error = export.get("error")
    if isinstance(error, dict):
        error = error.get("message")
    why = rules.sentence(str(error or "the reason is in the log of the service"))
    return why if why.endswith(".") else f"{why}."


def _finished(export: Json) -> None:
    id = str(export["id"])
    if "counts" not in export:
        export = state.api().export(id)
    counts = export.get("counts") or {}
    written = int(counts.get("written", 0))
    held_back = withheld_lines(counts.get("withheld"))
    notice(
        "good",
        f"{formats.number(written)} people are in the file.",
        f"Withheld: {' '.join(held_back)}" if held_back else "",
    )
    name, kind, content = state.ask(state.api().export_file, id)
    st.download_button(
        "Download",
        content,
        file_name=name,
        mime=kind,
        icon=":material/download:",
        type="primary",
        key=f"download-{id}",
        on_click="ignore",
    )
