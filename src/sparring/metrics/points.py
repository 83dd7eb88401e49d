"""Measures for points whose distribution is known exactly or is low-dimensional."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.checks import Array, as_matrix, as_pair, check_whole, seeded

# A sample is of high quality within this many standard deviations of its nearest mode.
REACH = 3.0
# The strict count takes a mode for found only with this share of its due samples.
STRICT_SHARE = 0.1
# Projections that are held at a time, in numbers.
VALUES = 1 << 25


class Modes(NamedTuple):
    """How samples fall on the modes of a mixture of equal round Gaussians."""

    found: int
    """Modes with at least one high-quality sample (the convention of PacGAN, arXiv:1712.04086)."""
    found_strictly: int
    """Modes with at least a tenth of the high-quality samples that are due to them."""
    of: int
    high_quality: float
    """Share of samples within 3 σ of their nearest mode."""
    ceiling: float
    """What that share is for the mixture itself, where its modes lie far apart."""
    counts: Tensor
    """High-quality samples at each mode, int64 (m,)."""


def high_quality_ceiling(dimensions: int) -> float:
    """P(χ²_d ≤ 9): the mass of a round Gaussian within 3 σ; 1 − exp(−9/2) = .9889 in two dimensions."""
    half = torch.tensor(dimensions / 2, dtype=torch.float64)
    return float(torch.special.gammainc(half, torch.tensor(REACH**2 / 2, dtype=torch.float64)))


def modes_found(samples: Array, modes: Array, sigma: float, *, chunk: int = 65_536) -> Modes:
    """Assign samples (n, d) to their nearest of the modes (m, d), each a round Gaussian of deviation sigma > 0.

    Raises:
        UsageError: the widths differ, a value is not finite, or sigma is not positive.
    """
    x, centres = as_pair(samples, modes, ("samples", "modes"))
    if not sigma > 0:
        raise UsageError(f"sigma must be positive, got {sigma}")
    counts = torch.zeros(len(centres), dtype=torch.int64, device=x.device)
    for part in torch.split(x, chunk):
        # Not by products: σ may be far smaller than the distance to the origin.
        distance, nearest = torch.cdist(part, centres, compute_mode="donot_use_mm_for_euclid_dist").min(1)
        counts += torch.bincount(nearest[distance <= REACH * sigma], minlength=len(centres))
    ceiling = high_quality_ceiling(x.shape[1])
    due = ceiling * len(x) / len(centres)
    return Modes(
        found=int((counts > 0).sum()),
        found_strictly=int((counts >= max(STRICT_SHARE * due, 1.0)).sum()),
        of=len(centres),
        high_quality=float(counts.sum()) / len(x),
        ceiling=ceiling,
        counts=counts.cpu(),
    )


def mode_distance(modes: Modes, n: int) -> float:
    """Total variation distance in [0, 1] of n samples to the mixture, over its modes and the space between them."""
    shares = modes.counts.double() / n
    return float(((shares - modes.ceiling / modes.of).abs().sum() + abs(modes.ceiling - modes.high_quality)) / 2)


def wasserstein_1d(samples: Array, quantile: Callable[[Tensor], Tensor], *, cells: int = 262_144) -> float:
    """Wasserstein-1 distance between samples (n,) or (n, 1) and a distribution, in the samples' units.

    ``W₁ = ∫₀¹ |F̂⁻¹(u) − F⁻¹(u)| du`` (Vallender 1974) by the midpoint rule with about ``cells`` cells, a multiple of
    n, so that the empirical quantile function is constant in each. ``quantile(u)`` maps (m,) in (0, 1) to (m,).

    Raises:
        UsageError: other shapes, or values not finite.
    """
    x = as_matrix(samples[:, None] if samples.ndim == 1 else samples, "samples").cpu()
    if x.shape[1] != 1:
        raise UsageError(f"samples: expected one dimension, got {x.shape[1]}")
    each = max(1, cells // len(x))
    u = (torch.arange(each * len(x), dtype=torch.float64) + 0.5) / (each * len(x))
    exact = quantile(u).double().cpu().reshape(len(x), each)
    return float((x.sort(dim=0).values - exact).abs().mean())


def sliced_wasserstein(first: Array, second: Array, *, slices: int = 128, order: int = 2, seed: int = 0) -> float:
    """Sliced Wasserstein distance between point sets (n, d) and (m, d), in their units.

    ``(mean over directions θ of W_p(⟨θ, x⟩, ⟨θ, y⟩)^p)^(1/p)``, p = ``order`` (Bonneel et al. 2015); in two dimensions
    the directions are evenly spaced over the half circle, in others drawn from ``seed``. Sets of unequal size are
    compared at the larger one's midpoint quantiles.

    Raises:
        UsageError: the widths differ, a value is not finite, or ``slices`` or ``order`` is below 1.
    """
    check_whole(1, slices=slices, order=order)
    x, y = as_pair(first, second, ("first points", "second points"))
    theta = _directions(x.shape[1], slices, seed).to(x.device)
    m = max(len(x), len(y))
    total = torch.zeros((), dtype=x.dtype, device=x.device)
    for part in torch.split(theta, max(1, VALUES // m), dim=1):
        a, b = (_at_midpoints((v @ part).sort(dim=0).values, m) for v in (x, y))
        total += (a - b).abs().pow(order).sum()
    return float((total / (m * theta.shape[1])).pow(1.0 / order))


def _directions(dimensions: int, slices: int, seed: int) -> Tensor:
    """Unit vectors as columns (d, slices)."""
    if dimensions == 1:
        return torch.ones(1, 1, dtype=torch.float64)
    if dimensions == 2:
        angle = (torch.arange(slices, dtype=torch.float64) + 0.5) * (torch.pi / slices)
        return torch.stack([angle.cos(), angle.sin()])
    generator = seeded(seed)
    return torch.nn.functional.normalize(
        torch.randn(dimensions, slices, generator=generator, dtype=torch.float64), dim=0
    )


def _at_midpoints(ordered: Tensor, m: int) -> Tensor:
    """The empirical quantile function of ordered (n, s) at the m midpoints: (m, s)."""
    n = len(ordered)
    if n == m:
        return ordered
    # Whole numbers: (2i + 1) n / 2m rounded down, exact for any size.
    index = (2 * torch.arange(m, device=ordered.device) + 1) * n // (2 * m)
    return ordered[index]
