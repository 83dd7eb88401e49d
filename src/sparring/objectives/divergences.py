"""The f-divergences that a discriminator can estimate from samples, and the f-GAN games on them.

Nowozin, Cseke & Tomioka 2016 (arXiv:1606.00709), tables 1, 2 and 6: D_f(P‖Q) = ∫ q f(p/q) is the largest value, over
all discriminators, of E_P[T] - E_Q[f*(T)] with T = activation(raw output).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from sparring.objectives.objective import Objective

Function = Callable[[Tensor], Tensor]


TAME = 40.0
"""Up to which raw outputs are taken as they are where they become exponents: beyond e^40, the square of a gradient no
longer fits into float32."""


def tame(v: Tensor) -> Tensor:
    """V itself from -40 to 40; beyond it grows like its logarithm, so that e^tame(v) goes on as a straight line.

    Used in T and in f*(T) alike, it leaves every bound a bound, with finite gradients for all raw outputs.
    """
    return v.clamp(-TAME, TAME) + torch.log1p(relu(v - TAME)) - torch.log1p(relu(-v - TAME))


def untame(v: Tensor) -> Tensor:
    """The inverse of ``tame``."""
    return v.clamp(-TAME, TAME) + torch.expm1(relu(v - TAME)) - torch.expm1(relu(-v - TAME))


class Divergence(NamedTuple):
    """One f-divergence: its convex function, and what a discriminator needs to estimate it."""

    name: str
    f: Function
    """The convex function on u = p/q > 0; f(1) = 0 unless it is said otherwise."""
    conjugate: Function
    """f*(t) = sup_u (u t - f(u)) on the activation's range, over all u for which f's formula is convex.

    For Pearson's parabola these are all real ones. So where t < -2 its f* lies above the supremum over u >= 0, which
    are all that density ratios can be: the bound holds there too, but is looser.
    """
    activation: Function
    """From the raw output to T, which lies in the conjugate's domain; it grows with the raw output."""
    conjugate_of_raw: Function
    """f*(activation(raw)) as one formula, which does not lose digits."""
    optimum: Function
    """log p/q -> the raw output of the best discriminator, where T = f'(p/q)."""


def f_gan(divergence: Divergence, *, saturating: bool = False) -> Objective:
    """The game on a divergence.

    The discriminator maximises E_P[T] - E_Q[f*(T)] (eq. 4), the generator E_Q[T] (section 3.2); ``saturating``: it
    minimises the discriminator's value instead, as algorithm 1 has it.
    """
    return Objective(
        lambda real, fake: divergence.conjugate_of_raw(fake) - divergence.activation(real),
        lambda real, fake: -(divergence.conjugate_of_raw if saturating else divergence.activation)(fake),
        divergence.optimum,
        name=f"f_gan({divergence.name}, saturating={saturating})",
    )


kl = Divergence(
    name="kl",
    f=lambda u: u * u.log(),
    conjugate=lambda t: (t - 1).exp(),
    activation=tame,
    conjugate_of_raw=lambda v: (tame(v) - 1).exp(),
    optimum=lambda r: untame(1 + r),
)
"""Kullback-Leibler's, KL(P‖Q) = ∫ p log(p/q)."""

reverse_kl = Divergence(
    name="reverse-kl",
    f=lambda u: -u.log(),
    conjugate=lambda t: -1 - (-t).log(),
    activation=lambda v: -(-tame(v)).exp(),
    conjugate_of_raw=lambda v: tame(v) - 1,
    optimum=untame,
)
"""KL(Q‖P)."""

pearson = Divergence(
    name="pearson",
    f=lambda u: (u - 1) ** 2,
    conjugate=lambda t: t**2 / 4 + t,
    activation=lambda v: v,
    conjugate_of_raw=lambda v: v**2 / 4 + v,
    optimum=lambda r: 2 * torch.expm1(r),
)
"""Pearson's chi-squared, ∫(p - q)²/q."""

neyman = Divergence(
    name="neyman",
    f=lambda u: (1 - u) ** 2 / u,
    conjugate=lambda t: 2 - 2 * (1 - t).sqrt(),
    activation=lambda v: -torch.expm1(-tame(v)),
    conjugate_of_raw=lambda v: -2 * torch.expm1(-tame(v) / 2),
    optimum=lambda r: untame(2 * r),
)
"""Neyman's chi-squared, ∫(p - q)²/p."""

squared_hellinger = Divergence(
    name="squared-hellinger",
    f=lambda u: (u.sqrt() - 1) ** 2,
    conjugate=lambda t: t / (1 - t),
    activation=lambda v: -torch.expm1(-tame(v)),
    conjugate_of_raw=lambda v: torch.expm1(tame(v)),
    optimum=lambda r: untame(r / 2),
)
"""∫(√p - √q)²."""

jensen_shannon = Divergence(
    name="jensen-shannon",
    f=lambda u: u * u.log() - (u + 1) * ((u + 1) / 2).log(),
    conjugate=lambda t: -(2 - t.exp()).log(),
    activation=lambda v: math.log(2) - softplus(-v),
    conjugate_of_raw=lambda v: softplus(v) - math.log(2),
    optimum=lambda r: r,
)
"""Twice the Jensen-Shannon divergence."""

gan = Divergence(
    name="gan",
    f=lambda u: u * u.log() - (u + 1) * (u + 1).log(),
    conjugate=lambda t: -torch.log1p(-t.exp()),
    activation=lambda v: -softplus(-v),
    conjugate_of_raw=softplus,
    optimum=lambda r: r,
)
"""Twice the Jensen-Shannon divergence less log 4: the original game's value; f(1) = -log 4."""

total_variation = Divergence(
    name="total-variation",
    f=lambda u: (u - 1).abs() / 2,
    conjugate=lambda t: t,
    activation=lambda v: torch.tanh(v) / 2,
    conjugate_of_raw=lambda v: torch.tanh(v) / 2,
    optimum=lambda r: torch.where(r == 0, r, torch.sign(r) * math.inf),
)
"""½∫|p - q|. The best discriminator's raw outputs are infinite; where p = q every output is as good."""

DIVERGENCES = {
    divergence.name: divergence
    for divergence in (kl, reverse_kl, pearson, neyman, squared_hellinger, jensen_shannon, gan, total_variation)
}
