"""A download of an audience: ask the export API for a file, wait for it, hand it over."""

from __future__ import annotations

import json
from collections.abc import Callable

import streamlit as st

from dashboard import formats, rules, state
from dashboard.client import ApiError, Json
from dashboard.components import guarded, notice
from dashboard.views.audience_parts import withheld_lines
from dashboard.views.network_asks import asks, choices

GENERAL = ("csv", "jsonl", "parquet")
MODES = {"full": "Everybody", "delta": "Changes since the last file"}
SHAPES = {"file": "File to upload", "api": "Requests of its API"}


def panel(audience: str, exportable: int | None) -> None:
    """Choose a network, see what it asks for, make the file, download it. `exportable`: members who may leave."""
    key = f"export-{audience}"
    networks = {str(one["name"]): one for one in state.ask(state.api().networks)}
    names = sorted(networks, key=lambda name: (name not in GENERAL, str(networks[name]["title"])))
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        name = st.selectbox(
            "For", names, format_func=lambda one: str(networks[one]["title"]), key=f"{key}-kind", width=280
        )
        mode = st.selectbox("Who", list(MODES), format_func=MODES.__getitem__, key=f"{key}-mode", width=240)
        shapes = [str(one) for one in networks[name]["shapes"]]
        shape = st.selectbox("As", shapes, format_func=SHAPES.__getitem__, key=f"{key}-shape-{name}", width=200)
        chosen = choices(networks[name], f"{key}-{name}") if shape == "file" or name == "openrtb" else {}
        if st.button("Make the file", type="primary", key=f"{key}-start"):
            _start(audience, key, name, mode, shape, chosen)
    asks(networks[name], exportable)
    progress(key, result)


def progress(key: str, finished: Callable[[Json], None], nothing: str = "No file was made.") -> None:
    """How the export that the session holds under `key` goes on, if there is one; `finished` draws a finished one."""
    if key in st.session_state:
        waiting = st.session_state[key].get("state") == "running"
        st.fragment(_progress, run_every=1 if waiting else None)(key, finished, nothing)


def _start(audience: str, key: str, network: str, mode: str, shape: str, options: Json) -> None:  # noqa: PLR0917
    try:
        st.session_state[key] = state.api().start_export(audience, network, mode, shape, options)
    except ApiError as refusal:
        st.session_state[key] = {"state": "failed", "error": refusal.sentence}


@guarded
def _progress(key: str, finished: Callable[[Json], None], nothing: str) -> None:
    export: Json = st.session_state[key]
    if export.get("state") == "running":
        export = st.session_state[key] = state.api().export(str(export["id"]))
        if export.get("state") != "running":
            st.rerun(scope="app")
        notice("info", "Working on it …", "You may go on; the result will be here.")
    elif export.get("state") == "failed":
        notice("bad", nothing, _why(export))
    else:
        if "counts" not in export:
            export = state.api().export(str(export["id"]))
        finished(export)


def _why(export: Json) -> str:
    error = export.get("error")
    if isinstance(error, dict):
        error = error.get("message")
    why = rules.sentence(str(error or "the reason is in the log of the service"))
    return why if why.endswith(".") else f"{why}."


def result(export: Json) -> None:
    """What is in the file, who is not, and the file itself."""
    counts = export.get("counts") or {}
    written = int(counts.get("written", 0))
    held_back = withheld_lines(counts.get("withheld"))
    removed = int(counts.get("removed", 0))
    taken_back = f" {formats.number(removed)} are taken back." if removed else ""
    notice(
        "good",
        f"{formats.number(written)} people are in the file.{taken_back}",
        f"Withheld: {' '.join(held_back)}" if held_back else "",
    )
    for warning in export.get("warnings") or []:
        notice("warn", rules.sentence(str(warning)), "The network may refuse the list or show it to nobody.")
    offer(str(export["id"]))


def offer(id: str) -> bytes:
    """Buttons to save the file of a finished export and its manifest; gives what is in the file."""
    name, kind, content = state.ask(state.api().export_file, id)
    manifest = state.ask(state.api().export_manifest, id)
    with st.container(horizontal=True, gap="small"):
        _save("Download", name, kind, content, f"download-{id}", primary=True)
        if len(manifest.get("files", [])) == 1:  # a zip has its own inside
            told = json.dumps(manifest, indent=2, sort_keys=True).encode()
            _save("Manifest", f"{name.partition('.')[0]}.manifest.json", "application/json", told, f"manifest-{id}")
    return content


def _save(label: str, name: str, kind: str, content: bytes, key: str, *, primary: bool = False) -> None:
    st.download_button(
        label,
        content,
        file_name=name,
        mime=kind,
        icon=":material/download:" if primary else ":material/fact_check:",
        type="primary" if primary else "secondary",
        help=None if primary else "By which rule the file was made, when, how many were withheld and why; its SHA-256",
        key=key,
        on_click="ignore",
    )
