"""Intervals for means, by drawing the observations again and again.

Efron and Tibshirani 1993, chapter 13: the percentiles of the resampled means.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.checks import Array, as_matrix

# Rows of drawn positions that are held at a time, in numbers.
VALUES = 1 << 22


class Interval(NamedTuple):
    """A mean, its standard error and the ends of its interval, in the units of the observations."""

    value: float
    error: float
    low: float
    high: float


def bootstrap_mean(values: Array, *, level: float = 0.95, resamples: int = 1000, seed: int = 0) -> Interval:
    """The mean of independent observations (n,), n ≥ 2, and the interval that holds ``level`` of the resampled means.

    It is for means over independent observations only: resampling makes duplicates, which figures made of nearest
    neighbours cannot stand.

    Raises:
        UsageError: fewer than two values, or values not finite.
    """
    if not 0 < level < 1 or resamples < 2:
        raise UsageError(f"level must lie between 0 and 1 and resamples be at least 2, got {level} and {resamples}")
    column = (values if isinstance(values, Tensor) else np.asarray(values)).reshape(-1, 1)
    x = as_matrix(column, "values", least=2)[:, 0].cpu()
    generator = torch.Generator().manual_seed(seed)
    at_once = max(1, VALUES // len(x))
    means = torch.cat(
        [
            x[torch.randint(len(x), (min(at_once, resamples - start), len(x)), generator=generator)].mean(1)
            for start in range(0, resamples, at_once)
        ]
    )
    tail = (1 - level) / 2
    low, high = means.quantile(torch.tensor([tail, 1 - tail], dtype=means.dtype)).tolist()
    return Interval(float(x.mean()), float(means.std()), low, high)
