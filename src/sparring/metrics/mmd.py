"""Maximum mean discrepancy with a Gaussian kernel, and whether it is more than chance.

Gretton et al. 2012 ("A kernel two-sample test", JMLR 13), lemma 6 (the unbiased estimate) and section 8: the kernel is
exp(−|x − y|² / 2σ²) with the median heuristic, σ² = half the median squared distance between pooled examples.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.checks import LARGEST, Array, as_pair, check_whole, seeded
from sparring.metrics.kernel import unbiased_mmd
from sparring.metrics.prdc import squared_distances

MOST = 1000
"""Rows of either side that are used: the kernel matrix of all of them is held."""

LEAST_SIGMA = 1e-150
"""Its square is the least that float64 divides by."""


class MMD(NamedTuple):
    """MMD² (unbiased), the kernel's σ, and the share of relabellings that come out as large (p)."""

    value: float
    sigma: float
    p: float


def gaussian_mmd(
    real: Array,
    fake: Array,
    *,
    sigma: float | None = None,
    permutations: int = 200,
    most: int = MOST,
    seed: int = 0,
) -> MMD:
    """MMD² between at most ``most`` rows of features (n, d) and (m, d), drawn by ``seed``, with its permutation null.

    ``sigma`` is that of the median heuristic unless it is given. p = (1 + relabellings at least as large) / (1 +
    permutations), exact under the null.

    Raises:
        UsageError: a side has fewer than two rows, the widths differ, a value is not finite, ``most`` is below two,
            ``permutations`` below one, or more than half of the rows are equal, so that the median distance is zero.
    """
    check_whole(2, most=most)
    check_whole(1, permutations=permutations)
    if sigma is not None and not LEAST_SIGMA <= sigma <= LARGEST:
        raise UsageError(f"sigma must lie between {LEAST_SIGMA:g} and {LARGEST:g}, got {sigma}")
    x, y = as_pair(real, fake, ("real features", "fake features"), least=2)
    generator = seeded(seed)
    x, y = (v[torch.randperm(len(v), generator=generator)[:most].to(v.device)] for v in (x, y))
    n, m = len(x), len(y)
    pooled = torch.cat([x, y])
    centred = pooled - pooled.mean(0)
    distances = squared_distances(centred, centred)
    if sigma is None:
        row, column = torch.triu_indices(n + m, n + m, 1)
        sigma = float((distances[row, column].median() / 2).sqrt())
    if not sigma >= LEAST_SIGMA:
        raise UsageError("sigma would be zero: more than half of the examples are equal, give sigma= yourself")
    kernel = torch.exp(distances / (-2 * sigma**2))
    value = unbiased_mmd(kernel[:n, :n], kernel[n:, n:], kernel[:n, n:])
    order = torch.rand(n + m, permutations, generator=generator, dtype=torch.float64).argsort(0).to(kernel.device)
    null = _relabelled(kernel, (order < n).double(), n, m)
    at_least = int((null >= value - 1e-12).sum())
    return MMD(float(value), sigma, (1 + at_least) / (1 + permutations))


def _relabelled(kernel: Tensor, first: Tensor, n: int, m: int) -> Tensor:
    """MMD²_u (p,) where each column of ``first`` (n + m, p) holds ones for the rows that are called real."""
    second = 1 - first
    towards_first, diagonal = kernel @ first, kernel.diagonal()[:, None]
    towards_second = kernel.sum(1, keepdim=True) - towards_first
    xx = ((towards_first - diagonal) * first).sum(0) / (n * (n - 1))
    yy = ((towards_second - diagonal) * second).sum(0) / (m * (m - 1))
    return xx + yy - 2 * (towards_first * second).sum(0) / (n * m)
