"""Curves as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sparring.report.html import Html, tag

Curve = list[tuple[float, float]]
"""(step, value), in order."""
POINTS = 300
"""Points that are drawn of a curve, about."""
WIDTH, HEIGHT = 360, 210
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 10, 26
COLOURS = 4
DECADES = 30
"""Values that span a larger factor than this are drawn on a logarithmic scale."""


def read_curves(rows: Sequence[Mapping[str, Any]]) -> dict[str, Curve]:
    """Every finite number of metrics.jsonl by its name, as it went from step to step."""
    curves: dict[str, Curve] = {}
    for row in rows:
        if _number(row["step"]):
            for name, value in row.items():
                if name != "step" and _number(value):
                    curves.setdefault(name, []).append((float(row["step"]), float(value)))
    return curves


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def thinned(curve: Curve, points: int = POINTS) -> Curve:
    """A curve of about so many points: of each stretch the lowest and the highest one, so that no peak is lost."""
    if len(curve) <= points:
        return curve
    stretches = points // 2
    kept: Curve = []
    for i in range(stretches):
        part = curve[i * len(curve) // stretches : (i + 1) * len(curve) // stretches]
        kept += sorted({min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1])})
    return [curve[0], *kept, curve[-1]]


def chart(title: str, curves: Mapping[str, Curve]) -> Html:
    """A figure of one or more curves over the same axes, with its scale, its legend and each curve's last value."""
    values = [y for curve in curves.values() for _, y in curve]
    logarithmic = min(values) > 0 and max(values) > DECADES * min(values)
    scale = math.log10 if logarithmic else float
    xs = _range([x for curve in curves.values() for x, _ in curve])
    ys = _range([scale(y) for y in values])

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (x - xs[0]) / (xs[1] - xs[0]) * (WIDTH - LEFT - RIGHT)
        down = TOP + (ys[1] - y) / (ys[1] - ys[0]) * (HEIGHT - TOP - BOTTOM)
        return round(across, 1), round(down, 1)

    lines = [
        tag(
            "polyline", class_=f"s{i % COLOURS}", points=" ".join("{},{}".format(*place(x, scale(y))) for x, y in drawn)
        )
        for i, curve in enumerate(curves.values())
        if (drawn := thinned(curve))
    ]
    axes = [*_rows(ys, place, xs[0], logarithmic), *_columns(xs, place, ys[0])]
    said = f"{title}: {len(curves)} curves over the steps" if len(curves) > 1 else f"{title} over the steps"
    drawing = tag("svg", *axes, *lines, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=said)
    legend = tag("ul", *(_entry(i, name, curve) for i, (name, curve) in enumerate(curves.items())), class_="legend")
    heading = tag("h3", title, " (logarithmic scale)" if logarithmic else "")
    return tag("figure", heading, drawing, legend)


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = (abs(low) or 1.0) / 2
    return (low, high) if low < high else (low - margin, high + margin)


def _rows(ys: tuple[float, float], place: Any, x: float, logarithmic: bool) -> list[Html]:
    """Horizontal lines at round values, or at powers of ten."""
    marks: list[Html] = []
    for y in ticks(*ys):
        _, down = place(x, y)
        label = short(10**y if logarithmic else y)
        marks += [
            tag("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=down, y2=down),
            tag("text", label, x=LEFT - 6, y=down + 4, text_anchor="end"),
        ]
    return marks


def short(value: float) -> str:
    """A number in few signs."""
    return f"{value:.4g}" if value == 0 or abs(value) >= 1e5 or abs(value) < 1e-3 else f"{float(f'{value:.3g}'):g}"


def _columns(xs: tuple[float, float], place: Any, y: float) -> list[Html]:
    """The steps below, at round numbers."""
    return [
        tag("text", f"{x:.7g}", x=across, y=HEIGHT - 8, text_anchor="end" if across > WIDTH - 40 else "middle")
        for x in ticks(*xs)
        for across in place(x, y)[:1]
    ]


def ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers from low to high: multiples of 1, 2 or 5 times a power of ten."""
    raw = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(f * power for f in (1, 2, 5, 10) if f * power >= raw)
    return [round(i * step, 12) for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _entry(i: int, name: str, curve: Curve) -> Html:
    line = tag("polyline", class_=f"s{i % COLOURS}", points="0,4 30,4")
    return tag("li", tag("svg", line, viewBox="0 0 30 8", aria_hidden="true"), f"{name}, last {curve[-1][1]:.4g}")
