"""The games whose discriminator also says the class, or the attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from sparring.errors import UsageError
from sparring.game.adversarial import Adversarial
from sparring.game.critic import skill
from sparring.types import Drawn, Inputs, Memory, Players, Statistics


@dataclass(frozen=True)
class AuxiliaryClassifier(Adversarial):
    """The adversarial game of a generator of classes and a discriminator that also says the class.

    Odena et al. 2017, arXiv:1610.09585, eq. 2 and 3: both players want it to be right, on real and on generated
    examples. The discriminator is called with examples alone, and gives raw outputs and class scores.
    """

    weight: float = 1.0
    """Of the classifier's cross-entropy in each player's loss."""
    condition: ClassVar[str] = "class"
    """What the statistics call it."""

    def __post_init__(self) -> None:
        """Refuse what these turns do not do."""
        if self.penalties or self.pack != 1 or self.view is not None:
            raise UsageError("an auxiliary classifier goes with no penalties, packs or views.")

    def discriminator_loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """The adversarial loss, and what the conditions of real and of generated examples were unlikely by."""
        with torch.no_grad():
            fake = players.generator(*drawn.latent)
        (x, y), labels = drawn.real, drawn.latent[1]
        on_real, scores, on_fake, fake_scores = self._look(players, x, fake)
        loss = self.objective.discriminator(on_real, on_fake).mean()
        says = self.unlikely(scores, y) + self.unlikely(fake_scores, labels)
        measured = skill(self.objective, on_real, on_fake)
        measured |= {f"d_{self.condition}": self.agreement(scores.detach(), y)}
        return loss + self.weight * says, {"d_loss": loss.detach()} | measured

    def generator_loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """The adversarial loss, and what the conditions that were asked for are unlikely by."""
        on_fake, scores = look(players, players.generator(*drawn.latent))
        on_real = look(players, drawn.real[0])[0] if self.objective.relativistic else on_fake.new_empty(0)
        loss = self.objective.generator(on_real, on_fake).mean()
        says = self.unlikely(scores, drawn.latent[1])
        return loss + self.weight * says, {"g_loss": loss.detach(), f"g_{self.condition}_loss": says.detach()}

    def outputs(self, players: Players, real: Inputs, fake: Inputs, memory: Memory) -> tuple[Tensor, Tensor]:
        """Raw outputs on real and on fake examples, without the scores."""
        on_real, _, on_fake, _ = self._look(players, real[0], fake[0])
        return on_real, on_fake

    def unlikely(self, scores: Tensor, y: Tensor) -> Tensor:
        """The mean of -log P(y) by the scores: the cross-entropy."""
        return cross_entropy(scores, y)

    def agreement(self, scores: Tensor, y: Tensor) -> Tensor:
        """What is reported of the discriminator: the share of examples whose class is right."""
        return (scores.argmax(1) == y).float().mean()

    def _look(self, players: Players, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        if not self.joined:
            return (*look(players, real), *look(players, fake))
        n = len(real)
        raw, scores = look(players, torch.cat([real, fake]))
        return raw[:n], scores[:n], raw[n:], scores[n:]


@dataclass(frozen=True)
class AuxiliaryRegression(AuxiliaryClassifier):
    """The same game of attributes, which the discriminator says as numbers.

    P(y) is the normal distribution about what it says, with variance 1 for each standardised attribute: half the
    squared error, as InfoGAN's for continuous codes (Chen et al. 2016, arXiv:1606.03657, section 6) at fixed variance.
    """

    condition: ClassVar[str] = "attributes"

    def unlikely(self, scores: Tensor, y: Tensor) -> Tensor:
        """The mean of -log N(y; scores, I), less its constant."""
        return 0.5 * (scores - y).square().sum(1).mean()

    def agreement(self, scores: Tensor, y: Tensor) -> Tensor:
        """What is reported of the discriminator: the mean squared error; 1 is what the mean alone has."""
        return (scores - y).square().mean()


def look(players: Players, x: Tensor) -> tuple[Tensor, Tensor]:
    """The raw outputs (n,) and scores (n, classes or attributes) of a discriminator with an auxiliary classifier."""
    assert players.discriminator is not None
    raw, scores = players.discriminator(x)
    return raw.squeeze(-1), scores
