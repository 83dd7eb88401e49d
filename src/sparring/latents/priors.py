"""Distributions of latent codes, and their truncation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.special import ndtr, ndtri

from sparring.errors import UsageError
from sparring.types import Latent


@dataclass(frozen=True)
class Normal:
    """Latent codes (n, dim) from the standard normal distribution."""

    dim: int

    def __call__(self, generator: torch.Generator | None, n: int) -> Tensor:
        """N codes (n, dim); the first ones do not depend on n."""
        # torch draws normal numbers in blocks of 16: whole blocks, so that the first codes do not depend on n
        return torch.randn(-(-n // 16) * 16, self.dim, generator=generator)[:n]


@dataclass(frozen=True)
class Uniform:
    """Latent codes (n, dim), every number uniform from 0 to 1."""

    dim: int

    def __call__(self, generator: torch.Generator | None, n: int) -> Tensor:
        """N codes (n, dim); the first ones do not depend on n."""
        return torch.rand(n, self.dim, generator=generator)


@dataclass(frozen=True)
class Stratified:
    """Latent codes (n, 1) evenly spaced from low to high, each moved up by a uniform share of ``jitter``."""

    low: float
    high: float
    jitter: float

    def __call__(self, generator: torch.Generator | None, n: int) -> Tensor:
        """N codes (n, 1), which depend on n."""
        return (torch.linspace(self.low, self.high, n) + self.jitter * torch.rand(n, generator=generator)).unsqueeze(1)


def truncate(prior: Latent, z: Tensor, threshold: float) -> Tensor:
    """Codes (n, …) of a normal prior as codes of the normal distribution truncated to [-threshold, threshold].

    That is the distribution that BigGAN's truncation trick has, which draws every number beyond the threshold again
    (Brock et al. 2019, arXiv:1809.11096, section 3.1). Here each number z goes to its own quantile instead,
    Φ⁻¹(Φ(-T) + Φ(z) (Φ(T) - Φ(-T))): so a code still depends on its seed alone, and moves towards the centre without
    a jump as the threshold T falls.

    Raises:
        UsageError: another prior, or a threshold that is not above 0.
    """
    if not isinstance(prior, Normal):
        raise UsageError("truncation is for normal latent codes, and this recipe's are drawn otherwise: leave it out.")
    if not 0 < threshold < math.inf:
        raise UsageError(
            f"truncation={threshold} makes no sense: numbers beyond it are cut off, so it must be above 0."
        )
    # In the lower tail, where the distribution function has all its digits.
    tail = ndtr(torch.tensor(-threshold, dtype=torch.float64))
    lower = ndtri(tail + ndtr(-z.double().abs()) * (1 - 2 * tail))
    truncated: Tensor = (lower.abs().clamp(max=threshold) * z.sign()).to(z.dtype)
    return truncated
