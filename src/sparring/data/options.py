"""What a user can say about the data: size, channels, value range, the parts, and a toy's parameters."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal, get_args, get_type_hints

from sparring.errors import UsageError
from sparring.settings import LARGEST_SEED

LARGEST = 1e6
"""Toys: larger numbers than this leave float32 and plots no digits to work with."""

MOST_POINTS = 10**7


@dataclass(frozen=True)
class DataOptions:
    """How data is read; ``--set NAME=VALUE`` changes each field, the defaults are the stated policies.

    Raises ``UsageError`` for a value that makes no sense; whether an option fits the data at all is checked on opening.
    """

    size: str = "auto"
    """Images: ``64`` (square), ``64x48`` (height x width) or ``auto``: the size that at least half of the images have,
    else a square of the power of two below the median smaller side; at most 128 on the longer side."""
    fit: Literal["crop", "pad", "squash"] = "crop"
    """Images of another shape: scaled to cover and cut at the centre, scaled to fit on white, or stretched."""
    channels: Literal["auto", "1", "3"] = "auto"
    """Images: 1 (grey), 3 (colour) or ``auto``: 1 if all images are grey, else 3."""
    range: str = "auto"
    """Arrays: which values mean black and white, as ``0..4095``; ``auto``: whole numbers 0..255 (or 16-bit), floats
    0..1 or -1..1."""
    holdout: float | None = None
    """Images without a test part of their own: the share held out as one, 0 to 0.5 (default 0.1)."""
    validation: Literal["apart", "train"] = "apart"
    """Images: the share that would choose the best checkpoint is held out, or trains like the others."""
    labels_per_class: int | None = None
    """Images: how many of each class show their labels to training, drawn by ``labels_seed``; the others go unlabelled
    (default: all show them)."""
    labels_seed: int = 0
    """Images: which labels are shown."""
    points: int | None = None
    """Toys: how many training points are drawn (default 100 000)."""
    mu: float | None = None
    """The toy ``gaussian``: its mean (default -1)."""
    sigma: float | None = None
    """Toys: the standard deviation of a mode or of the noise (default: each toy's own)."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        hints = get_type_hints(type(self))
        for name in ("fit", "channels", "validation"):
            _one_of(name, getattr(self, name), get_args(hints[name]))
        self.height_width()
        self.black_and_white()
        _check(self.holdout is None or 0 <= self.holdout <= 0.5, "holdout", self.holdout, "a share from 0 to 0.5")
        points = self.points is None or 1 <= self.points <= MOST_POINTS
        _check(points, "points", self.points, "a whole number, 1 or more, 10 million at most")
        few = self.labels_per_class
        _check(few is None or few >= 1, "labels_per_class", few, "a whole number, 1 or more")
        seeds = f"a whole number from 0 to {LARGEST_SEED}"
        _check(0 <= self.labels_seed <= LARGEST_SEED, "labels_seed", self.labels_seed, seeds)
        _check(self.mu is None or abs(self.mu) <= LARGEST, "mu", self.mu, "a number from -1e6 to 1e6")
        _check(self.sigma is None or 0 < self.sigma <= LARGEST, "sigma", self.sigma, "a number above 0, 1e6 at most")

    def height_width(self) -> tuple[int, int] | None:
        """The size asked for as (height, width) in pixels, or None for ``auto``."""
        if self.size == "auto":
            return None
        match = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", self.size)
        _check(match is not None, "size", self.size, "auto, a side such as 64, or height x width such as 64x48")
        assert match is not None
        height = int(match[1])
        width = int(match[2] or match[1])
        _check(min(height, width) >= 1 and max(height, width) <= 4096, "size", self.size, "sides from 1 to 4096 pixels")
        return height, width

    def black_and_white(self) -> tuple[float, float] | None:
        """The values of arrays that mean black and white, or None for ``auto``."""
        if self.range == "auto":
            return None
        words = self.range.partition("..")
        try:
            black, white = float(words[0]), float(words[2])
        except ValueError:
            black = white = math.nan
        makes_sense = -math.inf < black < white < math.inf
        _check(makes_sense, "range", self.range, "auto, or black and white as two numbers: 0..1, -1..1, 0..255 …")
        return black, white

    def changed(self) -> tuple[str, ...]:
        """The names of the options that differ from their defaults."""
        return tuple(f.name for f in fields(self) if getattr(self, f.name) != f.default)

    def allow(self, data: str, names: Iterable[str]) -> None:
        """Raise ``UsageError`` if an option is set that has no meaning for this data."""
        allowed = tuple(names)
        for name in self.changed():
            if name not in allowed:
                raise UsageError(
                    f"the option {name!r} has no meaning for {data}; what can be set there: {', '.join(allowed)}"
                )


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    _check(value in choices, name, value, f"one of: {', '.join(choices)}")


def _check(holds: bool, name: str, value: object, wanted: str) -> None:
    if not holds:
        raise UsageError(f"{name}={value} does not work: it must be {wanted}")
