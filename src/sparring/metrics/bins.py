"""The number of statistically different bins: which regions of the data are over- or underpopulated by samples.

Richardson and Weiss 2018 (arXiv:1805.12462), section 2: the bins are the cells of k-means on training examples; a bin
is different if a two-proportion test at level α rejects that both sets fill it alike::

    z = (p − q) / √(P (1 − P) (1/n + 1/m)),  P = (n p + m q) / (n + m)
"""

from __future__ import annotations

import math
import warnings
from typing import NamedTuple

import scipy.stats
import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.checks import Array, as_pair, check_whole, seeded

BINS = 100
FEWEST_A_BIN, FEWEST_SAMPLES_A_BIN = 20, 5
"""Real examples of the half that makes the cells, and samples, that fall on a bin on average, at the least."""
MOST_FITTED = 10_000
"""Real examples that the cells are made from, at most; the others are counted."""
ROUNDS = 50


class Bins(NamedTuple):
    """How the sets fill K bins: those that differ, their share (about α for equal distributions), the JSD in nats."""

    different: int
    of: int
    share: float
    jsd: float
    missing: int
    """Bins that the samples leave empty where at least five of them were due."""


def different_bins(real: Array, fake: Array, *, bins: int | None = None, alpha: float = 0.05, seed: int = 0) -> Bins:
    """Compare how features real (n, d) and fake (m, d) fall on the k-means cells of half of the real ones.

    The paper fits and counts on the same examples, whose counts then vary less than chance and differ too seldom; here
    the cells come from one random half (10 000 examples at most) and the counts from the others. ``bins`` is what
    ``bins_for`` says, and no more than k-means finds among examples that repeat each other. So few bins that their
    share moves in leaps tell little: give many more real examples than samples.

    Raises:
        UsageError: a side has fewer than 80 rows, the widths differ, a value is not finite, or the real ones have fewer
            cells than asked for, or only one.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    least = 4 * FEWEST_A_BIN
    x, y = (v.cpu() for v in as_pair(real, fake, ("real features", "fake features"), least=least))
    check_whole(2, bins=BINS if bins is None else bins)
    if not 0 < alpha < 1 or (bins is not None and bins > len(x) // 2):
        raise UsageError(f"alpha must lie between 0 and 1 and bins between 2 and {len(x) // 2}")
    of = bins if bins is not None else bins_for(len(x), len(y))
    order = torch.randperm(len(x), generator=seeded(seed))
    half = min(len(x) // 2, MOST_FITTED)
    fitted, counted = x[order[:half]], x[order[half:]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # that cells are empty
        cells = KMeans(of, n_init=1, max_iter=ROUNDS, random_state=int(seed) % 2**32).fit(fitted.numpy())
    filled = torch.bincount(torch.from_numpy(cells.labels_).long(), minlength=of).nonzero()[:, 0]
    if len(filled) < (2 if bins is None else bins):
        raise UsageError(f"real features: {of} bins cannot be made, as only {len(filled)} of their rows are different")
    n, m, of = len(counted), len(y), len(filled)
    p, q = (
        torch.bincount(torch.from_numpy(cells.predict(v.numpy())).long(), minlength=cells.n_clusters)[filled].double()
        / len(v)
        for v in (counted, y)
    )
    different = int((two_proportions(p, n, q, m) < alpha).sum())
    missing = int(((q == 0) & (p * m >= 5)).sum())
    return Bins(different, of, different / of, _jensen_shannon(p, q), missing)


def bins_for(real: int, fake: int) -> int:
    """How many bins so many examples allow: 100, or fewer so that on a bin fall 20 of half of the real ones and 5 of
    the others."""
    return min(BINS, real // 2 // FEWEST_A_BIN, fake // FEWEST_SAMPLES_A_BIN)


def two_proportions(p: Tensor, n: int, q: Tensor, m: int) -> Tensor:
    """Two-sided p-values (k,) that shares p (k,) of n and q (k,) of m examples are the same; 1 where both are empty."""
    pooled = (n * p + m * q) / (n + m)
    error = (pooled * (1 - pooled) * (1 / n + 1 / m)).sqrt()
    z = torch.where(error > 0, (p - q).abs() / error.clamp_min(1e-300), 0.0)
    return torch.from_numpy(2 * scipy.stats.norm.sf(z.numpy()))


def _jensen_shannon(p: Tensor, q: Tensor) -> float:
    """In nats, from 0 to log 2."""
    mixed = (p + q) / 2
    divergence = sum(torch.special.xlogy(v, v / mixed.clamp_min(1e-300)).sum() / 2 for v in (p, q))
    return min(max(float(divergence), 0.0), math.log(2))
