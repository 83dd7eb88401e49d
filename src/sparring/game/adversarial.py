"""The adversarial game: one discriminator turn and one generator turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.game.critic import Remembering, join, judge, share_positive
from sparring.objectives import Objective
from sparring.types import Critic, Drawn, Inputs, Penalty, PlayerName, Players, Statistics, Turn, View


@dataclass(frozen=True)
class Adversarial:
    """One discriminator turn and one generator turn on one objective.

    The discriminator sees real and fake in separate passes, or in one (``joined``): it matters to batch norm, and for
    speed. With ``half`` its turn draws half a batch of each, so that it sees one batch in all.
    """

    objective: Objective
    joined: bool = False
    half: bool = False
    penalties: tuple[Penalty, ...] = ()
    """Added to the discriminator's loss."""
    clip_weights: float = 0.0
    """Largest absolute weight of the discriminator, after each of its moves (Arjovsky et al. 2017); 0: any."""
    pack: int = 1
    """Examples that the discriminator judges as one; a batch is that many packs (Lin et al. 2018)."""
    view: View | None = None
    """How the discriminator is shown examples, real and fake alike: with noise on them, for example."""

    def turns(self, batch: int) -> Sequence[Turn]:
        """Discriminator, then generator."""
        n = (half_of(batch) if self.half else batch) * self.pack
        whole = batch * self.pack
        return (
            Turn("discriminator", n, n, self.discriminator_loss),
            Turn("generator", whole if self.generator_sees_real else 0, whole, self.generator_loss),
        )

    @property
    def generator_sees_real(self) -> bool:
        """Whether the generator's turn draws real examples."""
        return self.objective.relativistic

    def discriminator_loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """The discriminator's loss with its penalties, and its accuracy; no gradient reaches the generator."""
        with torch.no_grad():
            fake = self.shown(make(players, drawn))
            real = self.shown(drawn.real)
        if self.penalties:
            real, fake = watched(real), watched(fake)
        return self.judged_loss(lambda *inputs: judge(players, inputs), real, fake)

    def judged_loss(self, critic: Critic, real: Inputs, fake: Inputs) -> tuple[Tensor, Statistics]:
        """The discriminator's loss for any critic in its place."""
        remembering = Remembering(critic)
        on_real, on_fake = self.judge_both(remembering, real, fake)
        loss = self.objective.discriminator(on_real, on_fake).mean()
        statistics = {
            "d_loss": loss.detach(),
            "d_real": share_positive(on_real),
            "d_fake": share_positive(-on_fake),
        }
        if not self.penalties:
            return loss, statistics
        penalty = torch.stack([penalty(remembering, real, fake) for penalty in self.penalties]).sum()
        return loss + penalty, statistics | {"d_penalty": penalty.detach()}

    def generator_loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """The generator's loss, through a discriminator that stands still."""
        on_fake = judge(players, self.shown(make(players, drawn)))
        on_real = judge(players, self.shown(drawn.real)) if self.generator_sees_real else on_fake.new_empty(0)
        loss = self.objective.generator(on_real, on_fake).mean()
        return loss, {"g_loss": loss.detach()}

    def shown(self, inputs: Inputs) -> Inputs:
        """Examples as the discriminator is shown them."""
        return join(self.view(inputs) if self.view else inputs, self.pack)

    def judge_both(self, critic: Remembering, real: Inputs, fake: Inputs) -> tuple[Tensor, Tensor]:
        """Raw outputs on real and on fake, in two passes or in one."""
        if not self.joined:
            return critic(*real), critic(*fake)
        raw = critic.critic(*(torch.cat(pair) for pair in zip(real, fake, strict=True)))
        on_real, on_fake = raw[: len(real[0])], raw[len(real[0]) :]
        critic.keep(real, on_real)
        critic.keep(fake, on_fake)
        return on_real, on_fake

    def after_step(self, players: Players, player: PlayerName) -> None:
        """Clip the discriminator's weights, if asked."""
        if self.clip_weights and player == "discriminator" and players.discriminator is not None:
            with torch.no_grad():
                for parameter in players.discriminator.parameters():
                    parameter.clamp_(-self.clip_weights, self.clip_weights)

    def tensors(self) -> dict[str, Tensor]:
        """No state of its own."""
        return {}


def half_of(batch: int) -> int:
    """Half a batch.

    Raises:
        UsageError: it cannot be halved, or a half is a single example, which batch norm cannot take.
    """
    if batch < 4 or batch % 2:
        raise UsageError(f"batch={batch} does not fit this game: it plays with half batches, so 4, 6, 8 … examples.")
    return batch // 2


def make(players: Players, drawn: Drawn) -> Inputs:
    """The generator's examples for these latent codes, with their conditions."""
    return (players.generator(*drawn.latent), *drawn.latent[1:])


def watched(inputs: Inputs) -> Inputs:
    """The same inputs, with respect to whose first a gradient can be taken."""
    return (inputs[0].detach().requires_grad_(), *inputs[1:])
