"""Toy distributions in one and two dimensions whose densities are known exactly."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from sparring.data.attributes import describe
from sparring.data.options import DataOptions
from sparring.data.source import PointSource
from sparring.types import Dataset, DataSpec, Density

POINTS = 100_000
HELD_OUT = 10_000
DISTANCES = 2_000_000
"""Pairs of a point and a node of the spiral that are in memory at a time."""

PIECE, NODES = 3.0, 16
"""Gauss and Legendre's rule along the spiral: the longest piece, in sigmas, and its nodes."""


class Mixture:
    """Equal round Gaussians: p(x) = 1/m sum_k N(x; modes_k, sigma^2 I), modes (m, d) in any dimension d."""

    def __init__(self, modes: Tensor, sigma: float) -> None:
        self.modes: Tensor | None = modes
        self.sigma = sigma
        self._centres = modes

    def log_prob(self, x: Tensor) -> Tensor:
        """log p at points (n, d): (n,)."""
        centres = self._centres.to(x)
        count, dimension = centres.shape
        squares = ((x[:, None, :] - centres) / self.sigma).square().sum(-1)
        constant = math.log(count) + dimension * (math.log(self.sigma) + 0.5 * math.log(2 * math.pi))
        log_prob: Tensor = torch.logsumexp(-0.5 * squares, 1) - constant
        return log_prob

    def sample(self, generator: torch.Generator, n: int) -> Tensor:
        """N points (n, d) float32, on the generator's device."""
        device = generator.device
        centres = self._centres.to(device)
        which = torch.randint(len(centres), (n,), generator=generator, device=device)
        noise = torch.randn(n, centres.shape[1], generator=generator, device=device)
        return centres[which] + self.sigma * noise

    def cdf(self, x: Tensor) -> Tensor:
        """1-D only: the share of the mass below points (n,)."""
        z = (x[:, None] - self._one_dimensional().to(x)) / self.sigma
        share: Tensor = torch.special.ndtr(z).mean(1)
        return share

    def quantile(self, u: Tensor) -> Tensor:
        """1-D only: the points (n,) below which a share u (n,) of the mass lies; ±inf at 1 and 0."""
        shares = u.double()
        centres = self._one_dimensional().to(shares)
        z = self.sigma * torch.special.ndtri(shares)
        low, high = z + centres.min(), z + centres.max()  # each mode's own quantile lies between these
        for _ in range(80 if len(centres) > 1 else 0):
            middle = 0.5 * (low + high)
            below = self.cdf(middle) < shares
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        points: Tensor = (0.5 * (low + high)).to(u.dtype)
        return points

    def _one_dimensional(self) -> Tensor:
        if self._centres.shape[1] != 1:
            raise ValueError("quantiles and the cumulative distribution exist in one dimension only")
        return self._centres[:, 0]


class SwissRoll:
    """A noisy spiral in 2-D: (t cos t, t sin t) / 10 for t uniform in [1.5 pi, 4.5 pi], so radius .47 to 1.41.

    Its density is the integral over all t, by Gauss and Legendre's rule on pieces of at most PIECE sigma: to about 1e-9
    of its value as far as 6 sigma from the curve and beyond its ends.
    """

    def __init__(self, sigma: float) -> None:
        self.modes: Tensor | None = None
        self.sigma = sigma
        longest = 3 * math.pi * math.sqrt(1 + (4.5 * math.pi) ** 2) / 10
        share, weight = _gauss_legendre(max(100, math.ceil(longest / (PIECE * sigma))))
        self._spiral, self._log_weights = _spiral(share), weight.log()

    def log_prob(self, x: Tensor) -> Tensor:
        """log p at points (n, 2): (n,)."""
        nodes, log_weights = self._spiral.to(x), self._log_weights.to(x)
        constant = math.log(2 * math.pi * self.sigma**2)
        found = []
        for part in torch.split(x, max(1, DISTANCES // len(nodes))):
            squares = ((part[:, None, :] - nodes) / self.sigma).square().sum(-1)
            found.append(torch.logsumexp(log_weights - 0.5 * squares, 1) - constant)
        return torch.cat(found)

    def sample(self, generator: torch.Generator, n: int) -> Tensor:
        """N points (n, 2) float32, on the generator's device."""
        device = generator.device
        share = torch.rand(n, generator=generator, device=device)
        return _spiral(share) + self.sigma * torch.randn(n, 2, generator=generator, device=device)

    def quantile(self, u: Tensor) -> Tensor:
        """There are none in 2-D."""
        raise ValueError("quantiles exist in one dimension only")


class Circle:
    """Round Gaussians in 2-D whose mean goes round the unit circle with an attribute, the angle in degrees.

    p(x | a) = N(x; (cos a, sin a), sigma^2 I) for a uniform in [-180, 180]; the mean over all angles is
    p(x) = exp(-(r^2 + 1) / (2 sigma^2)) I0(r / sigma^2) / (2 pi sigma^2) for x at radius r.
    """

    def __init__(self, sigma: float) -> None:
        self.modes: Tensor | None = None
        self.sigma = sigma

    def mean(self, angles: Tensor) -> Tensor:
        """E[x | a] (n, 2) for angles (n, 1) in degrees."""
        radians = torch.deg2rad(angles)
        return torch.cat([radians.cos(), radians.sin()], 1)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p at points (n, 2): (n,)."""
        radius, variance = x.norm(dim=1), self.sigma**2
        bessel = torch.special.i0e(radius / variance).log()  # log I0(z) - z
        log_prob: Tensor = bessel - (radius - 1).square() / (2 * variance) - math.log(2 * math.pi * variance)
        return log_prob

    def sample(self, generator: torch.Generator, n: int) -> Tensor:
        """N points (n, 2) float32, on the generator's device."""
        return self.sample_both(generator, n)[0]

    def sample_both(self, generator: torch.Generator, n: int) -> tuple[Tensor, Tensor]:
        """N points (n, 2) and their angles (n, 1) in degrees, float32, on the generator's device."""
        device = generator.device
        angles = 360 * torch.rand(n, 1, generator=generator, device=device) - 180
        return self.mean(angles) + self.sigma * torch.randn(n, 2, generator=generator, device=device), angles

    def quantile(self, u: Tensor) -> Tensor:
        """There are none in 2-D."""
        raise ValueError("quantiles exist in one dimension only")


def _gauss_legendre(pieces: int) -> tuple[Tensor, Tensor]:
    """Nodes (n,) and weights (n,) float64 of an integral over [0, 1], in equal pieces of NODES nodes."""
    nodes, weights = (torch.from_numpy(x) / 2 for x in np.polynomial.legendre.leggauss(NODES))
    starts = torch.arange(pieces, dtype=torch.float64)[:, None]
    return ((starts + 0.5 + nodes) / pieces).flatten(), (weights / pieces).repeat(pieces)


def _spiral(share: Tensor) -> Tensor:
    t = math.pi * (1.5 + 3 * share)
    return torch.stack([t * t.cos(), t * t.sin()], 1) / 10


def gaussian(options: DataOptions) -> Density:
    """N(mu, sigma^2) in 1-D; mu -1 and sigma 1 unless set."""
    mu = -1.0 if options.mu is None else options.mu
    return Mixture(torch.tensor([[mu]]), options.sigma or 1.0)


def mixture(options: DataOptions) -> Density:
    """Three equal Gaussians in 1-D at -3, 0 and 3, sigma .5 unless set."""
    return Mixture(torch.tensor([[-3.0], [0.0], [3.0]]), options.sigma or 0.5)


def ring(options: DataOptions) -> Density:
    """Eight equal Gaussians in 2-D on a circle of radius 1, sigma .01 unless set."""
    angles = torch.arange(8) * (2 * math.pi / 8)
    return Mixture(torch.stack([angles.cos(), angles.sin()], 1), options.sigma or 0.01)


def grid(options: DataOptions) -> Density:
    """Twenty-five equal Gaussians in 2-D at {-4, -2, 0, 2, 4}^2, sigma .05 unless set."""
    side = torch.arange(-4.0, 5.0, 2.0)
    return Mixture(torch.cartesian_prod(side, side), options.sigma or 0.05)


def swissroll(options: DataOptions) -> Density:
    """The spiral in 2-D, noise sigma .025 unless set."""
    return SwissRoll(options.sigma or 0.025)


def circle(options: DataOptions) -> Density:
    """A circle in 2-D that an attribute, the angle, goes round; sigma .1 unless set."""
    return Circle(options.sigma or 0.1)


TOYS: dict[str, Callable[[DataOptions], Density]] = {
    "gaussian": gaussian,
    "mixture": mixture,
    "ring": ring,
    "grid": grid,
    "swissroll": swissroll,
    "circle": circle,
}


def open_toy(name: str, options: DataOptions) -> Dataset:
    """A toy: the exact density, and points drawn with fixed seeds: 100 000 train, 10 000 validation, 10 000 test."""
    options.allow(f"the toy {name}", ("points", "mu", "sigma") if name == "gaussian" else ("points", "sigma"))
    density = TOYS[name](options)
    counts = [options.points or POINTS, HELD_OUT, HELD_OUT]
    generators = [torch.Generator().manual_seed(seed) for seed in range(3)]
    pools: list[tuple[Tensor, Tensor | None]]
    if isinstance(density, Circle):
        pools = [density.sample_both(generator, n) for generator, n in zip(generators, counts, strict=True)]
    else:
        pools = [(density.sample(generator, n), None) for generator, n in zip(generators, counts, strict=True)]
    points, angles = pools[0]
    spec = DataSpec("points", tuple(points.shape[1:]), name=name)
    content = hashlib.blake2b(points.numpy().tobytes(), digest_size=16)
    if angles is not None:
        attributes, rows = describe(("angle",), angles.numpy(), np.arange(len(angles)))
        spec = replace(spec, attributes=attributes, rows=rows)
        content.update(angles.numpy().tobytes())
    train, validation, test = (PointSource(spec, *pool) for pool in pools)
    notes = (
        f"{name}: {spec.size}-D, sigma {density.sigma:g}; the density is known exactly",
        f"train: {len(train)} points, validation: {len(validation)}, test: {len(test)}, each with its own fixed seed",
    )
    return Dataset(spec, train, validation, test, content.hexdigest(), notes, density=density)
