"""What a lesson gives: a claim, figures that were expected beside those that were found, and a picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from PIL.Image import Image

from sparring.data.plots import to_image

REAL, FAKE, JUDGE, BEST, OTHER = "#1f6fb4", "#e0641c", "#2b8a3e", "#6b6b6b", "#8e44ad"
"""Colours of the data, of the generator, of a discriminator, of what is best, and of what is beside them."""


class Check(NamedTuple):
    """One figure of a lesson: what theory says, and what was found by other means."""

    what: str
    theory: float
    found: float
    tolerance: float
    """Largest absolute difference."""

    @property
    def holds(self) -> bool:
        """Whether both agree."""
        return math.isfinite(self.found) and abs(self.theory - self.found) <= self.tolerance


@dataclass(frozen=True)
class Lesson:
    """One result of the theory, checked."""

    title: str
    text: str
    """What a learner reads beside the picture."""
    figures: tuple[Check, ...]
    draw: Callable[[Any], None]
    """Draws on an empty matplotlib figure."""
    size: tuple[float, float] = (11.0, 4.4)

    @property
    def holds(self) -> bool:
        """Whether every figure does."""
        return all(figure.holds for figure in self.figures)

    def picture(self) -> Image:
        """The picture, RGB."""
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=self.size, dpi=110, layout="constrained")
        self.draw(canvas)
        canvas.suptitle(self.title, fontsize=13)
        return to_image(canvas)

    def table(self) -> str:
        """The figures as lines of text: what, theory, found, difference and its limit."""
        width = max(len(figure.what) for figure in self.figures)
        head = f"{'':{width}}  {'theory':>14}  {'found':>14}  {'difference':>10}  {'allowed':>8}"
        return "\n".join([head, *(line(figure, width) for figure in self.figures)])


def line(figure: Check, width: int) -> str:
    """One line of the table."""
    difference = abs(figure.theory - figure.found)
    mark = "" if figure.holds else "  FAILS"
    return (
        f"{figure.what:{width}}  {figure.theory:14.9f}  {figure.found:14.9f}  {difference:10.1e}  "
        f"{figure.tolerance:8.2g}{mark}"
    )
