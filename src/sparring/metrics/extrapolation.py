"""The Fréchet distance of infinitely many samples.

Chong and Forsyth 2020 (arXiv:1911.07023): with N samples the distance is too large by about c / N, where c depends on
the model, so models compared at the same N are not compared fairly. A line through the distances at several N, drawn
over 1/N, meets the axis at N = ∞.
"""

from __future__ import annotations

import statistics
from typing import NamedTuple

import scipy.stats
import torch
from torch import Tensor

from sparring.metrics.bootstrap import jackknife_error
from sparring.metrics.checks import Array, as_pair, check_whole, covariance_warning, seeded
from sparring.metrics.frechet import distance_between


class Extrapolated(NamedTuple):
    """The distance at N = ∞ (a little below zero is noise), its standard error, the line's slope, and a warning."""

    distance: float
    error: float
    slope: float
    warning: str


def frechet_at_infinity(real: Array, fake: Array, *, points: int = 5, groups: int = 5, seed: int = 0) -> Extrapolated:
    """Fréchet distance between features (n, d) and (m, d), extrapolated to N = ∞ on both sides.

    The paper keeps the reference fixed and large, and draws the samples anew for each N. Here the reference is as small
    as the samples, so N counts the rows of both and the line takes the bias of both away; and the value at N = n / k, k
    up to ``points``, is the mean over the k pairs of disjoint parts, which wastes no row. The error is the jackknife's
    over ``groups`` equal groups of rows: residuals of the line would claim too little, as its points share their rows.

    Raises:
        UsageError: as ``frechet_distance``, or a part has fewer than twenty rows.
    """
    check_whole(2, points=points, groups=groups)
    x, y = (v.cpu() for v in as_pair(real, fake, ("real features", "fake features"), least=20 * points))
    generator = seeded(seed)
    n = min(len(x), len(y))
    x, y = (v[torch.randperm(len(v), generator=generator)[:n]] for v in (x, y))
    distance, slope = _line(x, y, points)
    error = jackknife_error(lambda kept: _line(x[kept], y[kept], points)[0], n, groups=groups)
    return Extrapolated(distance, error, slope, covariance_warning(n // points, x.shape[1]))


def _line(x: Tensor, y: Tensor, points: int) -> tuple[float, float]:
    """Intercept and slope over 1/N of the mean distances between equal parts."""
    n = len(x)
    distances = []
    for parts in range(1, points + 1):
        pairs = zip(x.tensor_split(parts), y.tensor_split(parts), strict=True)
        distances.append(statistics.mean(distance_between(a, b) for a, b in pairs))
    fit = scipy.stats.linregress([parts / n for parts in range(1, points + 1)], distances)
    return float(fit.intercept), float(fit.slope)
