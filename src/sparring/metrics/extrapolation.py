"""The Fréchet distance of infinitely many samples.

Chong and Forsyth 2020 (arXiv:1911.07023): with N samples the distance is too large by about c / N, where c depends on
the model, so models compared at the same N are not compared fairly. A line through the distances at several N, drawn
over 1/N, meets the axis at N = ∞.
"""

from __future__ import annotations

from typing import NamedTuple

import scipy.stats
import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.checks import as_pair, covariance_warning
from sparring.metrics.frechet import frechet_distance

SMALLEST_SHARE = 0.2
"""The least N of the line, as a share of all samples; the paper's 5 000 to 50 000 begin at a tenth."""


class Extrapolated(NamedTuple):
    """The distance at N = ∞ (a little below zero is noise), its standard error, the line's slope, and a warning."""

    distance: float
    error: float
    slope: float
    warning: str


def frechet_at_infinity(
    real: Tensor, fake: Tensor, *, points: int = 10, groups: int = 5, seed: int = 0
) -> Extrapolated:
    """Fréchet distance between features (n, d) and (m, d), extrapolated to N = ∞ on both sides.

    The paper keeps the reference fixed and large; here it is as small as the samples, so each of the ``points``
    distances is taken between N random rows of either side, and the line takes the bias of both away. The error is the
    jackknife's over ``groups`` equal groups of rows: the residuals of the line would claim far too little, because the
    subsets share their rows. Raises UsageError as ``frechet_distance`` does, and on fewer than ten rows a group.
    """
    if points < 3 or groups < 2:
        raise UsageError(f"at least 3 points and 2 groups are needed, got {points} and {groups}")
    x, y = as_pair(real.detach().cpu(), fake.detach().cpu(), ("real features", "fake features"), least=10 * groups)
    generator = torch.Generator().manual_seed(seed)
    n = min(len(x), len(y))
    x, y = (v[torch.randperm(len(v), generator=generator)[:n]] for v in (x, y))
    distance, slope = _line(x, y, points, generator)
    group = torch.arange(n) % groups
    left_out = torch.tensor([_line(x[group != g], y[group != g], points, generator)[0] for g in range(groups)])
    error = float(((groups - 1) / groups * (left_out - left_out.mean()).square().sum()).sqrt())
    warning = covariance_warning(int(SMALLEST_SHARE * n), x.shape[1])
    return Extrapolated(distance, error, slope, warning)


def _line(x: Tensor, y: Tensor, points: int, generator: torch.Generator) -> tuple[float, float]:
    """Intercept and slope over 1/N, at ``points`` values evenly spaced in N."""
    sizes = torch.linspace(SMALLEST_SHARE * len(x), len(x), points).long().tolist()
    distances = [
        frechet_distance(*(v[torch.randperm(len(v), generator=generator)[:size]] for v in (x, y))) for size in sizes
    ]
    fit = scipy.stats.linregress([1 / size for size in sizes], distances)
    return float(fit.intercept), float(fit.slope)
