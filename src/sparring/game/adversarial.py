"""The adversarial game: one discriminator turn and one generator turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.game.critic import Remembering, join, judge, skill
from sparring.objectives import Objective
from sparring.types import PROGRESS, Critic, Drawn, Inputs, Memory, Penalty, PlayerName, Players, Statistics, Turn, View


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
    fade: Callable[[Tensor], Tensor] | None = None
    """The share of the penalties' weight, given the share of the run that is over, both scalars."""
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
        real, fake = self.seen(players, drawn)
        return self.judged_loss(lambda *inputs: judge(players, inputs), real, fake, drawn.memory)

    def seen(self, players: Players, drawn: Drawn) -> tuple[Inputs, Inputs]:
        """What the discriminator judges in its own turn, real and fake, apart from what made it."""
        with torch.no_grad():
            fake = self.shown(self.fake(players, drawn), drawn.memory)
            real = self.shown(self.real(players, drawn), drawn.memory)
        return (watched(real), watched(fake)) if self.penalties else (real, fake)

    def judged_loss(self, critic: Critic, real: Inputs, fake: Inputs, memory: Memory) -> tuple[Tensor, Statistics]:
        """The discriminator's loss for any critic in its place."""
        remembering = Remembering(critic)
        on_real, on_fake = self.judge_both(remembering, real, fake)
        loss = self.objective.discriminator(on_real, on_fake).mean()
        statistics = {"d_loss": loss.detach()} | skill(self.objective, on_real, on_fake)
        if not self.penalties:
            return loss, statistics
        penalty = self.penalty(remembering, real, fake, memory)
        return loss + penalty, statistics | {"d_penalty": penalty.detach()}

    def penalty(self, critic: Critic, real: Inputs, fake: Inputs, memory: Memory) -> Tensor:
        """The sum of the penalties, at the share of their weight that is due; there must be one."""
        penalty = torch.stack([each(critic, real, fake) for each in self.penalties]).sum()
        return penalty if self.fade is None else penalty * self.fade(memory[PROGRESS])

    def generator_loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """The generator's loss, through a discriminator that stands still."""
        on_fake = judge(players, self.shown(self.fake(players, drawn), drawn.memory))
        on_real = on_fake.new_empty(0)
        if self.generator_sees_real:
            on_real = judge(players, self.shown(self.real(players, drawn), drawn.memory))
        loss = self.objective.generator(on_real, on_fake).mean()
        return loss, {"g_loss": loss.detach()}

    def outputs(self, players: Players, real: Inputs, fake: Inputs, memory: Memory) -> tuple[Tensor, Tensor]:
        """Raw outputs on real and on fake examples, as the discriminator's turn has them; one for each pack."""
        critic = Remembering(lambda *inputs: judge(players, inputs))
        real = self.real(players, Drawn(real, ()))
        return self.judge_both(critic, self.shown(real, memory), self.shown(fake, memory))

    def real(self, players: Players, drawn: Drawn) -> Inputs:
        """What the discriminator is to take for real: the data's examples, with their conditions."""
        return drawn.real

    def fake(self, players: Players, drawn: Drawn) -> Inputs:
        """What it is to take for fake: the generator's examples, with their conditions."""
        return make(players, drawn)

    def shown(self, inputs: Inputs, memory: Memory) -> Inputs:
        """Examples as the discriminator is shown them."""
        return join(self.view(inputs, memory) if self.view else inputs, self.pack)

    def judge_both(self, critic: Remembering, real: Inputs, fake: Inputs) -> tuple[Tensor, Tensor]:
        """Raw outputs on real and on fake, in two passes or in one."""
        if not self.joined:
            return critic(*real), critic(*fake)
        raw = critic.critic(*(torch.cat(pair) for pair in zip(real, fake, strict=True)))
        on_real, on_fake = raw[: len(real[0])], raw[len(real[0]) :]
        critic.keep(real, on_real)
        critic.keep(fake, on_fake)
        return on_real, on_fake

    def memory(self) -> Memory:
        """The view's."""
        return self.view.memory() if self.view else {}

    def after_step(self, players: Players, player: PlayerName, memory: Memory, statistics: Statistics) -> None:
        """After the discriminator's moves, clip its weights and let the view adapt, where asked."""
        if player == "generator" or players.discriminator is None:
            return
        if self.clip_weights:
            with torch.no_grad():
                for parameter in players.discriminator.parameters():
                    parameter.clamp_(-self.clip_weights, self.clip_weights)
        if self.view is not None:
            self.view.adapt(memory, statistics)


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
