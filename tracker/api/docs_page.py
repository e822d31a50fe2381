"""`GET /docs`: the OpenAPI document as one readable page. No script, nothing loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #2f6fed; }
body { font: 15px/1.55 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem 6rem; }
h1 { font-size: 1.6rem; margin-bottom: .25rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
details { border: 1px solid var(--line); border-radius: 8px; margin: .5rem 0; }
summary { cursor: pointer; padding: .6rem .9rem; display: flex; gap: .75rem; align-items: baseline; flex-wrap: wrap; }
details > div { padding: 0 .9rem .9rem; }
code, pre { font: 13px/1.5 ui-monospace, monospace; }
pre { background: var(--soft); padding: .75rem; overflow-x: auto; border-radius: 6px; }
.method { font-weight: 700; color: var(--accent); min-width: 4rem; }
.what { opacity: .8; }
table { border-collapse: collapse; width: 100%; }
td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
nav a { margin-right: 1rem; }
"""


def policy() -> str:
    """The page's Content-Security-Policy: its own style, by hash, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def render(document: dict[str, Any]) -> str:
    """The page for an OpenAPI document."""
    info, schemas = document["info"], document["components"]["schemas"]
    tags = [tag["name"] for tag in document["tags"]]
    sections = "".join(_section(tag, document["paths"], schemas) for tag in tags)
    links = "".join(f'<a href="#{_anchor(tag)}">{escape(tag)}</a>' for tag in tags)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{_prose(info['description'])}</p>"
        "<p>Send <code>Authorization: Bearer TOKEN</code>. Roles, each including those before it: viewer, analyst, "
        'export, admin. The document for programs is <a href="/openapi.json">openapi.json</a>.</p>'
        f"<nav>{links}</nav>{sections}{_errors(schemas)}</body></html>"
    )


def _section(tag: str, paths: dict[str, Any], schemas: dict[str, Any]) -> str:
    inside = "".join(
        _operation(method, path, operation, schemas)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if tag in operation["tags"]
    )
    return f'<h2 id="{_anchor(tag)}">{escape(tag)}</h2>{inside}'


def _operation(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    parts = [f"<p>{_prose(operation['description'])}</p>"]
    if parameters := operation.get("parameters"):
        rows = "".join(_parameter(parameter) for parameter in parameters)
        parts.append(f"<h4>Parameters</h4><table>{rows}</table>")
    if "requestBody" in operation:
        parts.append("<h4>Body</h4>" + _schema(operation["requestBody"]["content"]["application/json"], schemas))
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            content = response["content"]
            parts.append(f"<h4>Answer {status}</h4><p><code>{escape(' · '.join(content))}</code></p>")
            parts.append(_schema(next(iter(content.values())), schemas))
    return (
        f'<details><summary><span class="method">{method.upper()}</span><code>{escape(path)}</code>'
        f'<span class="what">{escape(operation["summary"])}</span></summary><div>{"".join(parts)}</div></details>'
    )


def _parameter(parameter: dict[str, Any]) -> str:
    kind = parameter["schema"]
    need = "required" if parameter["required"] else f"default {json.dumps(kind.get('default'))}"
    words = " ".join(filter(None, (str(kind.get("description", "")), f"({need}, in {parameter['in']})")))
    return f"<tr><td><code>{escape(parameter['name'])}</code></td><td>{escape(words)}</td></tr>"


def _schema(media: dict[str, Any], schemas: dict[str, Any]) -> str:
    schema = media["schema"]
    named = schemas.get(schema.get("$ref", "").rpartition("/")[2])
    if named is None:
        return ""
    about = f"<p>{_prose(named['description'])}</p>" if "description" in named else ""
    if not named.get("properties"):
        return about
    return f"{about}<pre>{escape(json.dumps(_example(named, schemas), indent=2, ensure_ascii=False))}</pre>"


def _example(schema: dict[str, Any], schemas: dict[str, Any], depth: int = 0) -> Any:
    """A value that shows the shape: defaults and examples where there are some, the type's name where not."""
    if "$ref" in schema:
        return _example(schemas[schema["$ref"].rpartition("/")[2]], schemas, depth)
    if "default" in schema and schema["default"] not in (None, [], {}):
        return schema["default"]
    if schema.get("examples"):
        return schema["examples"][0]
    if "enum" in schema:
        return "|".join(str(word) for word in schema["enum"])
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return _example(schema[key][0], schemas, depth)
    kind = schema.get("type")
    if kind == "object" and depth < 5:
        return {name: _example(inner, schemas, depth + 1) for name, inner in schema.get("properties", {}).items()}
    if kind == "array" and depth < 5:
        return [_example(schema.get("items", {}), schemas, depth + 1)]
    return kind or "any"


def _errors(schemas: dict[str, Any]) -> str:
    shape = escape(json.dumps(_example(schemas["Error"], schemas), indent=2))
    return f'<h2 id="errors">Errors</h2><p>Every answer from 400 on:</p><pre>{shape}</pre>'


def _prose(text: str) -> str:
    """Escaped text, with what stands between back-ticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _anchor(tag: str) -> str:
    return tag.lower().replace(" ", "-")
