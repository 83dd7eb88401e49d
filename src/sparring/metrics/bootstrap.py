"""Errors of figures: of means by drawing the observations again and again, of any figure by leaving some out.

Efron and Tibshirani 1993: chapter 13, the percentiles of the resampled means; chapter 11, the jackknife.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.checks import Array, as_matrix, check_whole, seeded

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
    check_whole(2, resamples=resamples)
    if not 0 < level < 1:
        raise UsageError(f"level must lie between 0 and 1, got {level}")
    column = (values if isinstance(values, Tensor) else np.asarray(values)).reshape(-1, 1)
    x = as_matrix(column, "values", least=2)[:, 0].cpu()
    generator = seeded(seed)
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


def jackknife_error(measure: Callable[[Tensor], float], n: int, *, groups: int) -> float:
    """The standard error of a figure of n rows, from its values without one of ``groups`` equal groups of them.

    ``measure(kept)`` gives the figure of the rows where ``kept`` (n,) is True; their order must be a random one.
    Without one of g groups the value scatters less than it does between samples, by √g / (g − 1).
    """
    group = torch.arange(n) % groups
    return (groups - 1) / math.sqrt(groups) * statistics.stdev(measure(group != g) for g in range(groups))


def share_error(share: float, n: int) -> float:
    """The standard error of a share of n independent examples, with four more, two of which count (Agresti and Coull
    1998): so it is not zero where all n agree, which is no certainty."""
    p = (share * n + 2) / (n + 4)
    return math.sqrt(p * (1 - p) / (n + 4))
