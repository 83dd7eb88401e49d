"""Integrals by the trapezoid rule on log densities, in float64.

For densities that are smooth and fall off fast the rule converges faster than any power of the step; where the
integrand has corners (total variation) the error is of second order, and below 1e-8 at these steps.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from sparring.objectives import Divergence


class Grid(NamedTuple):
    """Nodes of a rule: points (n, d) in float64, and the volume that each stands for."""

    x: Tensor
    volume: float

    def integrate(self, values: Tensor) -> float:
        """∫ of a function with these values (n,) at the nodes."""
        return float(values.sum() * self.volume)


def line(low: float = -24.0, high: float = 24.0, nodes: int = 1 << 17) -> Grid:
    """A grid in 1-D."""
    return Grid(torch.linspace(low, high, nodes, dtype=torch.float64)[:, None], (high - low) / (nodes - 1))


def square(half: float, nodes: int) -> Grid:
    """A grid in 2-D, on [-half, half]²; its points run along the second coordinate first."""
    side = torch.linspace(-half, half, nodes, dtype=torch.float64)
    return Grid(torch.cartesian_prod(side, side), (2 * half / (nodes - 1)) ** 2)


def kl(log_p: Tensor, log_q: Tensor, grid: Grid) -> float:
    """KL(P‖Q) = ∫ p log(p/q)."""
    return grid.integrate(log_p.exp() * (log_p - log_q))


def jsd(log_p: Tensor, log_q: Tensor, grid: Grid) -> float:
    """The Jensen-Shannon divergence, from 0 to log 2."""
    middle = torch.logaddexp(log_p, log_q) - math.log(2)
    return 0.5 * kl(log_p, middle, grid) + 0.5 * kl(log_q, middle, grid)


def value(raw: Tensor, log_p: Tensor, log_q: Tensor, grid: Grid) -> float:
    """V(G, D) = E_P[log D] + E_Q[log(1 - D)] with D = sigmoid(raw) (Goodfellow et al. 2014, eq. 1)."""
    inside = log_p.exp() * torch.nn.functional.logsigmoid(raw) + log_q.exp() * torch.nn.functional.logsigmoid(-raw)
    return grid.integrate(inside)


def f_divergence(divergence: Divergence, log_p: Tensor, log_q: Tensor, grid: Grid) -> float:
    """∫ q f(p/q)."""
    return grid.integrate(log_q.exp() * divergence.f((log_p - log_q).exp()))


def bound(divergence: Divergence, raw: Tensor, log_p: Tensor, log_q: Tensor, grid: Grid) -> float:
    """E_P[T] - E_Q[f*(T)] of raw outputs: never above the divergence (Nowozin et al. 2016, eq. 4)."""
    inside = log_p.exp() * divergence.activation(raw) - log_q.exp() * divergence.conjugate_of_raw(raw)
    return grid.integrate(inside)
