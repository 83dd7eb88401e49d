"""The game with separate discriminator updates on real and on fake examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

from sparring.errors import UsageError
from sparring.game.adversarial import Adversarial, half_of, make
from sparring.game.critic import judge, share_fake, share_real
from sparring.networks.mode import evaluating
from sparring.objectives import non_saturating
from sparring.types import Drawn, Players, Statistics, Turn


@dataclass(frozen=True)
class TwoUpdates(Adversarial):
    """The non-saturating game as the tutorials' script plays it.

    The discriminator is updated twice a step, on half a batch of real examples and then on half a batch of generated
    ones, and those are made with the generator's running averages (its inference mode). Each update reports twice its
    loss as ``d_loss``, so that their mean is what the one update of the joined game reports.
    """

    def __post_init__(self) -> None:
        """Refuse what these turns do not do."""
        others = (self.joined, self.half, self.penalties, self.fade, self.pack, self.view)
        if self.objective is not non_saturating or others != (False, False, (), None, 1, None):
            raise UsageError(
                "two updates a step are those of the plain non-saturating game: no penalty, pack or augment."
            )

    def turns(self, batch: int) -> Sequence[Turn]:
        """Discriminator on real, discriminator on fake, generator."""
        return (
            Turn("discriminator", half_of(batch), 0, self.real_loss),
            Turn("discriminator", 0, half_of(batch), self.fake_loss),
            Turn("generator", 0, batch, self.generator_loss),
        )

    def real_loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """-log D(x)."""
        on_real = judge(players, drawn.real)
        loss = softplus(-on_real).mean()
        return loss, {"d_loss": 2 * loss.detach(), "d_real": share_real(self.objective, on_real)}

    def fake_loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """-log(1 - D(G(z)))."""
        with torch.no_grad(), evaluating(players.generator):
            fake = make(players, drawn)
        on_fake = judge(players, fake)
        loss = softplus(on_fake).mean()
        return loss, {"d_loss": 2 * loss.detach(), "d_fake": share_fake(self.objective, on_fake)}
