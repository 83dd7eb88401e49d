"""Normal distributions on the line, and what is known in closed form of two of them."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import torch
from torch import Tensor


class Normal(NamedTuple):
    """N(mean, sigma²)."""

    mean: float
    sigma: float

    def log_prob(self, x: Tensor) -> Tensor:
        """log p at points (n, 1): (n,)."""
        z = (x[:, 0] - self.mean) / self.sigma
        return -0.5 * z.square() - math.log(self.sigma) - 0.5 * math.log(2 * math.pi)

    def cdf(self, x: Tensor) -> Tensor:
        """The share of the mass below points (n, 1): (n,)."""
        share: Tensor = torch.special.ndtr((x[:, 0] - self.mean) / self.sigma)
        return share

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """N points (n, 1), float32."""
        return self.mean + self.sigma * torch.randn(n, 1, generator=generator)


def below(x: float) -> float:
    """The standard normal distribution's share below x."""
    return 0.5 * math.erfc(-x / math.sqrt(2))


def kl(p: Normal, q: Normal) -> float:
    """KL(P‖Q)."""
    ratio = p.sigma / q.sigma
    return -math.log(ratio) + 0.5 * (ratio**2 + ((p.mean - q.mean) / q.sigma) ** 2) - 0.5


def chi_squared(p: Normal, q: Normal) -> float:
    """Pearson's ∫ (p - q)²/q = ∫ p²/q - 1; infinite unless 2 σ_q² > σ_p²."""
    spread = 2 * q.sigma**2 - p.sigma**2
    if spread <= 0:
        return math.inf
    return q.sigma**2 / (p.sigma * math.sqrt(spread)) * math.exp((p.mean - q.mean) ** 2 / spread) - 1


def squared_hellinger(p: Normal, q: Normal) -> float:
    """∫ (√p - √q)²."""
    variance = p.sigma**2 + q.sigma**2
    overlap = math.sqrt(2 * p.sigma * q.sigma / variance) * math.exp(-0.25 * (p.mean - q.mean) ** 2 / variance)
    return 2 - 2 * overlap


def total_variation(p: Normal, q: Normal) -> float:
    """½ ∫ |p - q|, from the points at which the densities cross."""
    a = 0.5 / q.sigma**2 - 0.5 / p.sigma**2
    b = p.mean / p.sigma**2 - q.mean / q.sigma**2
    c = 0.5 * (q.mean / q.sigma) ** 2 - 0.5 * (p.mean / p.sigma) ** 2 + math.log(q.sigma / p.sigma)
    if a == 0:
        crossings = [-c / b]
    else:
        root = math.sqrt(b * b - 4 * a * c)
        crossings = sorted(((-b - root) / (2 * a), (-b + root) / (2 * a)))
    differences = [0.0, *(below((x - p.mean) / p.sigma) - below((x - q.mean) / q.sigma) for x in crossings), 0.0]
    return 0.5 * sum(abs(high - low) for low, high in itertools.pairwise(differences))


def wasserstein(p: Normal, q: Normal) -> float:
    """W1 = E |Δμ + Δσ z|, z standard normal: the mean of a folded normal distribution."""
    shift, spread = abs(p.mean - q.mean), abs(p.sigma - q.sigma)
    if spread == 0:
        return shift
    z = shift / spread
    return spread * math.sqrt(2 / math.pi) * math.exp(-0.5 * z * z) + shift * (1 - 2 * below(-z))
