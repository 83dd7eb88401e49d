"""Training a discriminator alone, between two distributions that stand still."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sparring.game import Adversarial, judge
from sparring.networks import MLPDiscriminator
from sparring.types import Drawn, Players

Sample = Callable[[int, torch.Generator], Tensor]
"""(how many, randomness) to points (n, d), float32."""
BATCH = 1024


def train_discriminator(
    game: Adversarial, real: Sample, fake: Sample, *, dim: int, steps: int, width: int = 64, seed: int = 0
) -> Callable[[Tensor], Tensor]:
    """The raw outputs (n,) of points (n, d) of a trained perceptron, two hidden layers wide.

    Adam's rate falls to zero. Every batch is fresh, so nothing is learned by heart. Torch's own random state is left as
    it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        network = MLPDiscriminator((dim,), (width, width), activation=nn.SiLU)
        players = Players(nn.Identity(), network)
        optimiser = torch.optim.Adam(network.parameters(), lr=5e-3, betas=(0.9, 0.99))
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        for _ in range(steps):
            drawn = Drawn((real(BATCH, generator),), (fake(BATCH, generator),))
            loss, _ = game.discriminator_loss(players, drawn)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()

    @torch.no_grad()
    def raw(x: Tensor) -> Tensor:
        return judge(players, (x.float(),)).double()

    return raw
