"""The kernel distance: maximum mean discrepancy with a polynomial kernel.

Binkowski et al. 2018 (arXiv:1801.01401), section 3: k(x, y) = (xᵀy / d + 1)³, and the unbiased estimate::

    MMD²_u = mean over i ≠ j of k(xᵢ, xⱼ) + mean over i ≠ j of k(yᵢ, yⱼ) − 2 · mean over all i, j of k(xᵢ, yⱼ)

On Inception's features it is called KID, on others it is not.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from sparring.metrics.checks import Array, as_pair, check_whole, seeded

DEGREE = 3
BLOCK = 1000
"""Rows a block at the most, the paper's choice."""
FEWEST_BLOCKS = 10


class KernelDistance(NamedTuple):
    """MMD² (unbiased: 0 on average for equal distributions, below zero by chance), its standard error, the blocks."""

    value: float
    error: float
    blocks: int


def kernel_distance(real: Array, fake: Array, *, block: int = BLOCK, seed: int = 0) -> KernelDistance:
    """Kernel distance between features (n, d) and (m, d): the mean over disjoint blocks of either side, by ``seed``.

    Blocks have ``block`` rows, or fewer where there would be less than ten of them. They share no row (the paper draws
    them anew each time), so the error, deviation / √blocks, is that of independent values.

    Raises:
        UsageError: a side has fewer than twenty rows, the widths differ, or a value is not finite.
    """
    check_whole(2, block=block)
    x, y = as_pair(real, fake, ("real features", "fake features"), least=2 * FEWEST_BLOCKS)
    n = min(len(x), len(y))
    size = min(block, n // FEWEST_BLOCKS)
    blocks = n // size
    generator = seeded(seed)
    x, y = (v[torch.randperm(len(v), generator=generator)[: size * blocks].to(v.device)] for v in (x, y))
    pairs = zip(torch.split(x, size), torch.split(y, size), strict=True)
    values = torch.stack([unbiased_mmd(_kernel(a, a), _kernel(b, b), _kernel(a, b)) for a, b in pairs])
    return KernelDistance(float(values.mean()), float(values.std() / blocks**0.5), blocks)


def unbiased_mmd(xx: Tensor, yy: Tensor, xy: Tensor) -> Tensor:
    """MMD²_u, a scalar, from kernel matrices (n, n), (m, m) and (n, m); n, m ≥ 2."""
    n, m = xy.shape
    within = (xx.sum() - xx.trace()) / (n * (n - 1)) + (yy.sum() - yy.trace()) / (m * (m - 1))
    return within - 2 * xy.mean()


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T / a.shape[1] + 1) ** DEGREE
