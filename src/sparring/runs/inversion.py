"""From examples back to latent codes, for a generator without an encoder: by optimisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sparring.optimisers import LeanAdam

STEPS, RATE = 100, 0.1
"""Adam's steps, and its first learning rate, which is halved after each quarter of them."""


class Inversion(nn.Module):
    """Examples (n, *shape) to latent codes (n, …): z that minimise ‖G(z) - x‖², each example's own.

    The search begins at the code whose example is the nearest of some ``candidates``, as the loss has many valleys
    (Lipton & Tripathi 2017, arXiv:1702.04782, follow the gradient from one random code). It knows no prior.
    """

    candidates: Tensor

    def __init__(self, generator: nn.Module, candidates: Tensor, steps: int = STEPS, rate: float = RATE) -> None:
        super().__init__()
        self.generator, self.steps, self.rate = generator, steps, rate
        self.register_buffer("candidates", candidates)

    def forward(self, x: Tensor) -> Tensor:
        """Latent codes (n, …) for examples (n, *shape)."""
        with torch.no_grad():
            made = self.generator(self.candidates)
            z = self.candidates[torch.cdist(x.flatten(1), made.flatten(1)).argmin(1)]
        z = z.clone().requires_grad_()
        optimiser = LeanAdam([z], lr=self.rate, betas=(0.9, 0.999))
        for step in range(self.steps):
            optimiser.param_groups[0]["lr"] = self.rate * 0.5 ** (4 * step // self.steps)
            with torch.enable_grad():
                loss = (self.generator(z) - x).square().sum()
            (z.grad,) = torch.autograd.grad(loss, z)
            optimiser.step()
        return z.detach()
