"""Precision, recall, density and coverage by balls around nearest neighbours.

Precision and recall: Kynkäänniemi et al. 2019 (arXiv:1904.06991), equations 1 and 2. Density and coverage: Naeem et al.
2020 (arXiv:2002.09797), equations 3 and 4. B(x) is the closed ball around x that reaches its k-th nearest neighbour in
x's own set::

    precision = share of fakes that lie in B(real) for some real
    recall    = share of reals that lie in B(fake) for some fake
    density   = (1/k) · mean over fakes of how many B(real) hold it
    coverage  = share of reals whose B(real) holds some fake
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from sparring.metrics.checks import Array, as_pair, check_whole

# Below this share of the two squared norms, a squared distance is rounding error: the points are equal.
ROUNDING = 1e-12
# Rows at a time: so few that their distances stay in the processor's cache.
CHUNK = 128
K = 5
"""Neighbours that a ball reaches, as Naeem et al. take them."""


class PRDC(NamedTuple):
    """Precision, recall and coverage in [0, 1]; density ≥ 0, about 1 for equal distributions."""

    precision: float
    recall: float
    density: float
    coverage: float


class Memberships(NamedTuple):
    """What each row adds to the four figures, float64: they are the means over its rows."""

    precision: Tensor
    """1 for each fake (m,) that lies in a ball around some real, else 0."""
    recall: Tensor
    """1 for each real (n,) that lies in a ball around some fake, else 0."""
    density: Tensor
    """For each fake (m,) how many balls around reals hold it, divided by k."""
    coverage: Tensor
    """1 for each real (n,) whose ball holds some fake, else 0."""


def prdc(real: Array, fake: Array, *, k: int = K, chunk: int = CHUNK) -> PRDC:
    """The four figures for features real (n, d) and fake (m, d): the means of ``memberships``, which see."""
    return PRDC(*(float(rows.mean()) for rows in memberships(real, fake, k=k, chunk=chunk)))


def memberships(real: Array, fake: Array, *, k: int = K, chunk: int = CHUNK) -> Memberships:
    """Who lies in whose balls, for features real (n, d) and fake (m, d), in memory for ``chunk`` · max(n, m) distances.

    The chunk does not change the figures.

    Raises:
        UsageError: a set has k rows or fewer, the widths differ, or a value is not finite.
    """
    check_whole(1, k=k, chunk=chunk)
    x, y = as_pair(real, fake, ("real features", "fake features"), least=k + 1)
    # Distances do not change, and the smaller numbers lose less to rounding in |a|² + |b|² − 2ab.
    centre = x.mean(0)
    x, y = x - centre, y - centre
    real_radii, fake_radii = nearest_radii(x, k, chunk), nearest_radii(y, k, chunk)

    balls_holding = torch.zeros(len(y), dtype=torch.int64, device=x.device)
    recalled = torch.zeros(len(x), dtype=torch.bool, device=x.device)
    covered = torch.zeros_like(recalled)
    for start in range(0, len(x), chunk):
        rows = slice(start, start + chunk)
        distances = squared_distances(x[rows], y)
        inside = distances <= real_radii[rows, None]
        balls_holding += inside.sum(0)
        covered[rows] = inside.any(1)
        recalled[rows] = (distances <= fake_radii).any(1)
    return Memberships((balls_holding > 0).double(), recalled.double(), balls_holding.double() / k, covered.double())


def standard_errors(rows: Memberships) -> dict[str, float]:
    """Standard errors of precision, density and coverage, the reals being what they are.

    Of a mean over rows the bootstrap's error needs no drawing: it tends to σ / √rows (Efron and Tibshirani 1993,
    equation 5.12). That the balls are random as well is ignored. Precision and density are means over fakes, so this is
    the noise of drawing these; coverage is one over reals, whose scatter is about as large. Recall has no error: it
    hangs on few balls of fakes, which many rows share, and the rows' scatter was found up to seven times too small. A
    figure whose rows are all alike has none either, as that is no certainty.
    """
    errors = {
        name: float(found.std(correction=0)) / len(found) ** 0.5
        for name, found in rows._asdict().items()
        if name != "recall"
    }
    return {name: error for name, error in errors.items() if error > 0}


def nearest_radii(x: Tensor, k: int, chunk: int) -> Tensor:
    """Squared distance (n,) of each row of float64 x (n, d) to its k-th nearest other row, n > k."""
    radii = torch.empty(len(x), dtype=x.dtype, device=x.device)
    for start in range(0, len(x), chunk):
        distances = squared_distances(x[start : start + chunk], x)
        own = torch.arange(len(distances), device=x.device)
        distances[own, start + own] = torch.inf
        radii[start : start + chunk] = distances.topk(k, dim=1, largest=False).values[:, -1]
    return radii


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """Squared Euclidean distances (n, m) between rows a (n, d) and b (m, d); of equal float64 rows exactly zero."""
    norms = a.square().sum(1)[:, None] + b.square().sum(1)
    distances = torch.addmm(norms, a, b.T, alpha=-2.0)
    return distances.masked_fill_(distances <= ROUNDING * norms, 0.0)
