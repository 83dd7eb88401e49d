"""What a run recorded, as series over its steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Row = Mapping[str, Any]

LATE = 2 / 3
"""Where the late part of a run begins, as a share of the steps that were played."""
NOT_FINITE = "not_finite"
"""The entry of the line that a training writes when it gives up."""


class History:
    """The lines of metrics.jsonl, by name. What is no number, or not finite, is not there."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = [row for row in rows if isinstance(row.get("step"), int)]
        self.step = max((row["step"] for row in self.rows), default=0)
        """The last step of which anything is recorded."""

    def series(self, name: str, since: float = -math.inf) -> tuple[Array, Array]:
        """Steps and values (n,) of an entry from step ``since`` on, in order."""
        pairs = [(row["step"], row[name]) for row in self.rows if row["step"] >= since and _number(row.get(name))]
        found = np.array(sorted(pairs), dtype=np.float64).reshape(-1, 2)
        return found[:, 0], found[:, 1]

    def late(self, name: str) -> float:
        """The median of an entry over the late part of the run, or its last value before; nan where it has none."""
        values = self.series(name, LATE * self.step)[1]
        if not len(values):
            values = self.series(name)[1][-1:]
        return float(np.median(values)) if len(values) else math.nan

    def first(self, name: str) -> float:
        """An entry's first value; nan where it has none."""
        values = self.series(name)[1]
        return float(values[0]) if len(values) else math.nan


def _number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
