"""The bidirectional game: the discriminator judges examples and latent codes in pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from torch import Tensor

from sparring.errors import UsageError
from sparring.game.adversarial import Adversarial
from sparring.game.critic import Remembering, judge
from sparring.networks import WithEncoder
from sparring.types import Drawn, Inputs, Players, Statistics


@dataclass(frozen=True)
class BiGAN(Adversarial):
    """The adversarial game of pairs (x, E(x)) and (G(z), z), which the generator and its encoder E play together.

    Donahue et al. 2017, arXiv:1605.09782, eq. 3, and Dumoulin et al. 2017, arXiv:1606.00704, eq. 2: where no pairs can
    be told apart, E inverts G. The discriminator is called with (x, z). The generator and the encoder want it to be
    wrong on both sides: their loss is its own, with real and fake exchanged, which does not vanish where it is right.
    """

    def __post_init__(self) -> None:
        """Refuse what codes cannot be part of."""
        if self.pack != 1:
            raise UsageError("pairs of examples and codes are not judged in packs: set pack=1.")

    @property
    def generator_sees_real(self) -> bool:
        """The encoder encodes them."""
        return True

    def real(self, players: Players, drawn: Drawn) -> Inputs:
        """Examples with the codes that the encoder gives them, (x, E(x))."""
        (x,) = drawn.real
        return (x, cast("WithEncoder", players.generator).encode(x))

    def fake(self, players: Players, drawn: Drawn) -> Inputs:
        """The generator's examples with the codes that they come from, (G(z), z)."""
        (z,) = drawn.latent
        return (players.generator(z), z)

    def generator_loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """The discriminator's loss, if real were fake and fake were real."""
        critic = Remembering(lambda *inputs: judge(players, inputs))
        real = self.shown(self.real(players, drawn), drawn.memory)
        fake = self.shown(self.fake(players, drawn), drawn.memory)
        on_real, on_fake = self.judge_both(critic, real, fake)
        loss = self.objective.discriminator(on_fake, on_real).mean()
        return loss, {"g_loss": loss.detach()}
