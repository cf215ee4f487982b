"""The documents as pages for people: Chinese first, everything escaped, nothing loaded but the map's own font."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

STYLE = """
body{margin:0 auto;max-width:64rem;padding:1.5rem;color:#222;
  font:16px/1.6 "Noto Sans SC Variable","Noto Sans SC",system-ui,sans-serif}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}a{color:#1f5f8b}code,pre{font-size:.9rem}
table{border-collapse:collapse;width:100%;display:block;overflow-x:auto}
th,td{border-bottom:1px solid #ddd;padding:.3rem .6rem;text-align:left;vertical-align:top}
th{background:#f4f4f0;position:sticky;top:0}nav{margin-bottom:1rem}pre{overflow-x:auto;background:#f7f7f4;padding:1rem}
.quiet{color:#666}.rows td{max-width:20rem;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
"""
_LONGEST_CELL = 200
_RELS = {
    "self": "本页 · this page",
    "alternate": "其他格式 · other form",
    "service-desc": "接口定义 · API definition",
    "service-doc": "接口说明 · API documentation",
    "conformance": "符合的标准 · conformance",
    "data": "数据集 · collections",
    "items": "要素 · features",
    "next": "下一页 · next",
    "collection": "数据集 · collection",
    "up": "上一级 · up",
}


def landing_page(document: Mapping[str, Any]) -> str:
    """The landing page."""
    return _page(document["title"], [f"<p>{_text(document['description'])}</p>", _links(document["links"])])


def conformance_page(document: Mapping[str, Any]) -> str:
    """The conformance classes."""
    items = "".join(f"<li><code>{_text(uri)}</code></li>" for uri in document["conformsTo"])
    return _page("符合的标准 · Conformance", [f"<ul>{items}</ul>", _links(document["links"])])


def collections_page(document: Mapping[str, Any]) -> str:
    """The collections."""
    rows = [
        (_anchor(_href(one, "self"), one["title"]), _text(one["id"]), _text(one.get("numberOfFeatures", "")),
         _text(one["description"]))
        for one in document["collections"]
    ]  # fmt: skip
    table = _table(("名称 · title", "id", "要素 · features", "说明 · description"), rows)
    return _page("数据集 · Collections", [table, _links(document["links"])])


def collection_page(document: Mapping[str, Any]) -> str:
    """One collection."""
    extent = ", ".join(f"{value:.5f}" for value in document["extent"]["spatial"]["bbox"][0])
    facts = [
        ("id", _text(document["id"])),
        ("要素数 · features", _text(document.get("numberOfFeatures", ""))),
        ("范围 · extent", _text(extent)),
        ("来源 · sources", _text(document["attribution"])),
        ("坐标系 · systems", "<br>".join(_text(uri) for uri in document["crs"])),
    ]
    return _page(
        document["title"], [f"<p>{_text(document['description'])}</p>", _table((), facts), _links(document["links"])]
    )


def schema_page(document: Mapping[str, Any]) -> str:
    """Queryables, sortables or schema of a collection."""
    rows = [
        (_text(name), _text(one.get("title", "")), _text(one.get("type", one.get("format", "")) ),
         _text(" · ".join(map(str, one.get("enum", [])))))
        for name, one in document["properties"].items()
    ]  # fmt: skip
    heads = ("属性 · property", "名称 · title", "类型 · type", "取值 · values")
    return _page(f"{document['title']} · {document['$id'].rpartition('/')[2]}", [_table(heads, rows)])


def items_page(title: str, document: Mapping[str, Any]) -> str:
    """A page of features."""
    features = document["features"]
    names = list(dict.fromkeys(name for feature in features for name in feature["properties"]))
    rows = [
        (
            _anchor(f"items/{feature['id']}?f=html", str(feature["id"])),
            *(_text(_cell(feature["properties"].get(name))) for name in names),
        )
        for feature in features
    ]
    counts = f"{document['numberReturned']} / {document.get('numberMatched', '?')}"
    base = '<p class="quiet">' + _text(f"要素 · features: {counts}") + "</p>"
    table = _table(("id", *map(_text, names)), rows)
    return _page(title, [base, f'<div class="rows">{table}</div>', _links(document["links"])])


def feature_page(title: str, document: Mapping[str, Any]) -> str:
    """One feature."""
    rows = [(_text(name), _text(_cell(value))) for name, value in document["properties"].items()]
    shape = (document["geometry"] or {}).get("type", "无 · none")
    heading = f"{title} · {document['id']}"
    return _page(heading, [_table((), [("几何 · geometry", _text(shape)), *rows]), _links(document["links"])])


def document_page(document: Mapping[str, Any]) -> str:
    """Any other document, as its JSON with its links."""
    shown = {key: value for key, value in document.items() if key != "links"}
    text = json.dumps(shown, ensure_ascii=False, indent=1)
    title = str(document.get("title") or document.get("id") or "geoplan")
    return _page(title, [_links(document.get("links", ())), f"<pre>{_text(text)}</pre>"])


def api_page(document: Mapping[str, Any]) -> str:
    """The API definition as a list of its addresses and parameters."""
    parts = [f"<p>{_text(document['info']['description'])}</p>"]
    for path, item in document["paths"].items():
        methods = [method for method in ("get", "post", "put", "patch", "delete") if method in item]
        parts += [_operation(document, path, method, item) for method in methods]
    return _page(f"{document['info']['title']} API", parts)


def _operation(document: Mapping[str, Any], path: str, method: str, item: Mapping[str, Any]) -> str:
    operation = item[method]
    rows = []
    for parameter in (*item.get("parameters", ()), *operation.get("parameters", ())):
        one = _resolved(document, parameter)
        rows.append((f"<code>{_text(one['name'])}</code>", _text(one["in"]), _text(one.get("description", ""))))
    table = _table(("参数 · parameter", "位置 · in", "说明 · description"), rows) if rows else ""
    return f"<h2><code>{method.upper()} {_text(path)}</code></h2><p>{_text(operation.get('summary', ''))}</p>{table}"


def _resolved(document: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a local reference points at."""
    reference = value.get("$ref")
    if reference is None:
        return value
    found: Any = document
    for step in str(reference).removeprefix("#/").split("/"):
        found = found[step]
    resolved: Mapping[str, Any] = found
    return resolved


def _page(title: str, parts: Iterable[str]) -> str:
    body = "".join(parts)
    return (
        f'<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>{_text(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="/vendor/noto-sans-sc/index.css"><style>{STYLE}</style></head>'
        f"<body><h1>{_text(title)}</h1>{body}</body></html>"
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; heads and cells are HTML already."""
    head = f"<tr>{''.join(f'<th>{one}</th>' for one in heads)}</tr>" if heads else ""
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{head}{lines}</table>"


def _links(links: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        (_anchor(one["href"], str(one.get("title") or one["href"])), _text(_RELS.get(one["rel"], one["rel"])),
         _text(one.get("type", "")))
        for one in links if not one.get("templated")
    ]  # fmt: skip
    return f"<h2>链接 · Links</h2>{_table((), rows)}"


def _href(document: Mapping[str, Any], rel: str) -> str:
    """Address of a document's page."""
    href: str = next(one["href"] for one in document["links"] if one["rel"] == rel)
    return href.replace("f=json", "f=html")


def _anchor(href: str, words: str) -> str:
    # Only addresses that the service made itself.
    return f'<a href="{html.escape(href, quote=True)}">{_text(words)}</a>'


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"


def _text(value: Any) -> str:
    return html.escape(str(value), quote=True)
