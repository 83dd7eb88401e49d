"""Gradient penalties, which keep the discriminator smooth.

A penalty is called with the critic (raw outputs (n,) of inputs), the real and the fake inputs ``(x, *conditions)``, and
gives a scalar that can be differentiated again. Gradients are taken with respect to x alone, one norm an example.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import relu

from sparring.types import Critic, Inputs


def gradients(critic: Critic, inputs: Inputs) -> Tensor:
    """The critic's gradient at each example, flat: (n, number of values), part of the graph."""
    x = inputs[0] if inputs[0].requires_grad else inputs[0].detach().requires_grad_()
    raw = critic(x, *inputs[1:])
    (gradient,) = torch.autograd.grad(raw.sum(), x, create_graph=True)
    return gradient.flatten(1)


@dataclass(frozen=True)
class R1:
    """½ weight · E ‖∇D(x)‖² on real examples (Mescheder, Geiger & Nowozin 2018, arXiv:1801.04406, eq. 9)."""

    weight: float

    def __call__(self, critic: Critic, real: Inputs, fake: Inputs) -> Tensor:
        """The penalty, a scalar."""
        return 0.5 * self.weight * gradients(critic, real).square().sum(1).mean()


@dataclass(frozen=True)
class R2:
    """½ weight · E ‖∇D(x)‖² on generated examples (Mescheder, Geiger & Nowozin 2018, eq. 10)."""

    weight: float

    def __call__(self, critic: Critic, real: Inputs, fake: Inputs) -> Tensor:
        """The penalty, a scalar."""
        return 0.5 * self.weight * gradients(critic, fake).square().sum(1).mean()


@dataclass(frozen=True)
class R1R2:
    """R1 and R2 of one weight, by one backward pass for both: R3GAN's penalty (Huang et al. 2024, arXiv:2501.05441)."""

    weight: float

    def __call__(self, critic: Critic, real: Inputs, fake: Inputs) -> Tensor:
        """The penalty, a scalar."""
        both = [x if x.requires_grad else x.detach().requires_grad_() for x in (real[0], fake[0])]
        raw = critic(both[0], *real[1:]).sum() + critic(both[1], *fake[1:]).sum()
        slopes = torch.autograd.grad(raw, both, create_graph=True)
        return 0.5 * self.weight * torch.stack([slope.flatten(1).square().sum(1).mean() for slope in slopes]).sum()


@dataclass(frozen=True)
class WGANGP:
    """Weight · E (‖∇D(x)‖ - 1)² between real and fake examples (Gulrajani et al. 2017, arXiv:1704.00028, eq. 3).

    x = u · real + (1 - u) · fake, u uniform in [0, 1], one for each pair; conditions are those of the real one.
    """

    weight: float

    def __call__(self, critic: Critic, real: Inputs, fake: Inputs) -> Tensor:
        """The penalty, a scalar."""
        share = torch.rand(len(real[0]), *[1] * (real[0].dim() - 1), device=real[0].device, dtype=real[0].dtype)
        between = fake[0] + share * (real[0] - fake[0])
        return self.weight * slope_error(gradients(critic, (between, *real[1:])))


@dataclass(frozen=True)
class DRAGAN:
    """Weight · E (‖∇D(x)‖ - 1)² around real examples (Kodali et al. 2017, arXiv:1705.07215, algorithm 1).

    x = real + a · noise · s · u with s the standard deviation of the batch; uniform in [0, 1] are a for each example
    and u for every value, as the authors' code draws them.
    """

    weight: float
    noise: float = 0.5

    def __call__(self, critic: Critic, real: Inputs, fake: Inputs) -> Tensor:
        """The penalty, a scalar."""
        x = real[0].detach()
        share = torch.rand(len(x), *[1] * (x.dim() - 1), device=x.device, dtype=x.dtype)
        around = x + share * self.noise * x.std() * torch.rand_like(x)
        return self.weight * slope_error(gradients(critic, (around, *real[1:])))


@dataclass(frozen=True)
class LipschitzPenalty:
    """Weight · E max(0, ‖∇D(x)‖ - 1)² where there are examples (WGAN-LP, Petzka et al. 2018, arXiv:1709.08894).

    Of real and generated ones together. Slopes below one cost nothing. If they did, as in WGAN-GP, a critic that begins
    with the wrong sign would stay at slope -1: the way across 0 costs more than the Wasserstein term gives.
    """

    weight: float

    def __call__(self, critic: Critic, real: Inputs, fake: Inputs) -> Tensor:
        """The penalty, a scalar."""
        slope = torch.linalg.vector_norm(torch.cat([gradients(critic, real), gradients(critic, fake)]), dim=1)
        return self.weight * relu(slope - 1).square().mean()


def slope_error(gradient: Tensor) -> Tensor:
    """E (‖g‖ - 1)² of gradients (n, d)."""
    error: Tensor = (torch.linalg.vector_norm(gradient, dim=1) - 1).square().mean()
    return error
