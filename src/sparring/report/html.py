"""HTML that cannot be injected into: what is no ``Html`` already is text, and is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping

VOID = ("img", "input", "meta")
"""Elements that have no end tag."""


class Html(str):
    """Text that is HTML already."""


def escaped(text: object) -> Html:
    """Anything as HTML: escaped, unless it is HTML already."""
    return text if isinstance(text, Html) else Html(html.escape(str(text)))


def joined(parts: Iterable[object]) -> Html:
    """Parts one behind the other, each escaped unless it is HTML."""
    return Html("".join(map(escaped, parts)))


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """One element. ``class_`` and ``stroke_width`` stand for ``class`` and ``stroke-width``; True is a bare attribute,
    and what is None or False is left out."""
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
    said = "".join(
        f" {key}" if value is True else f' {key}="{html.escape(str(value))}"'
        for key, value in given.items()
        if value is not None and value is not False
    )
    return Html(f"<{name}{said}>" if name in VOID else f"<{name}{said}>{joined(children)}</{name}>")


def table(head: Iterable[object], rows: Iterable[Iterable[object]], numbers: Iterable[int] = ()) -> Html:
    """A table that scrolls by itself where the page is narrow; columns ``numbers`` hold numbers."""
    aligned = dict.fromkeys(numbers, "number")
    heading = tag("tr", *(tag("th", cell, scope="col", class_=aligned.get(i)) for i, cell in enumerate(head)))
    body = [
        tag("tr", *(_cell(cell, first=i == 0, class_=aligned.get(i)) for i, cell in enumerate(row))) for row in rows
    ]
    return tag("div", tag("table", tag("thead", heading), tag("tbody", *body)), class_="scrolls", tabindex=0)


def _cell(content: object, *, first: bool, class_: str | None) -> Html:
    return tag("th", content, scope="row") if first else tag("td", content, class_=class_)


def facts(values: Mapping[str, object]) -> Html:
    """Names and what they are, as a description list."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in values.items()))
