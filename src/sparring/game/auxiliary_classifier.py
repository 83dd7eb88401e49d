"""The games whose discriminator also says the class, or the attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from sparring.errors import UsageError
from sparring.game.adversarial import Adversarial
from sparring.game.critic import Remembering, skill
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
        if self.pack != 1:
            raise UsageError("an auxiliary classifier says the class of one example, not of packs: set pack=1.")

    def discriminator_loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """The adversarial loss with its penalties, and the losses of what is said of real and of generated examples.

        Both are of the examples as the discriminator is shown them.
        """
        real, fake = self.seen(players, drawn)
        (x, y), (made, labels) = real, fake
        on_real, scores, on_fake, fake_scores = self.judge_and_classify(players, x, made)
        loss = self.objective.discriminator(on_real, on_fake).mean()
        classification = self.condition_loss(scores, y) + self.condition_loss(fake_scores, labels)
        measured = {"d_loss": loss.detach()} | skill(self.objective, on_real, on_fake)
        measured |= {f"d_{self.condition}": self.condition_statistic(scores.detach(), y)}
        loss = loss + self.weight * classification
        if not self.penalties:
            return loss, measured
        critic = Remembering(lambda x, y: classify(players, x)[0])
        critic.keep(real, on_real)
        critic.keep(fake, on_fake)
        penalty = self.penalty(critic, real, fake, drawn.memory)
        return loss + penalty, measured | {"d_penalty": penalty.detach()}

    def generator_loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """The adversarial loss, and the loss of the conditions that are said of the generated examples."""
        made, labels = self.shown(self.fake(players, drawn), drawn.memory)
        on_fake, scores = classify(players, made)
        on_real = on_fake.new_empty(0)
        if self.generator_sees_real:
            on_real = classify(players, self.shown(self.real(players, drawn), drawn.memory)[0])[0]
        loss = self.objective.generator(on_real, on_fake).mean()
        classification = self.condition_loss(scores, labels)
        measured = {"g_loss": loss.detach(), f"g_{self.condition}_loss": classification.detach()}
        return loss + self.weight * classification, measured

    def outputs(self, players: Players, real: Inputs, fake: Inputs, memory: Memory) -> tuple[Tensor, Tensor]:
        """Raw outputs on real and on fake examples, without the scores."""
        (x, *_), (made, *_) = self.shown(real, memory), self.shown(fake, memory)
        on_real, _, on_fake, _ = self.judge_and_classify(players, x, made)
        return on_real, on_fake

    def condition_loss(self, scores: Tensor, y: Tensor) -> Tensor:
        """How wrong the scores (n, classes) are about the classes y (n,): their mean cross-entropy."""
        return cross_entropy(scores, y)

    def condition_statistic(self, scores: Tensor, y: Tensor) -> Tensor:
        """The accuracy on the classes, which is reported as ``d_class``."""
        return (scores.argmax(1) == y).float().mean()

    def judge_and_classify(self, players: Players, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Raw outputs and scores on real examples, then on generated ones, in two passes or in one."""
        if not self.joined:
            return (*classify(players, real), *classify(players, fake))
        n = len(real)
        raw, scores = classify(players, torch.cat([real, fake]))
        return raw[:n], scores[:n], raw[n:], scores[n:]


@dataclass(frozen=True)
class AuxiliaryRegression(AuxiliaryClassifier):
    """The same game with attributes in place of classes: the discriminator predicts them as numbers.

    Given an example, standardised attributes are taken to be normal around what is predicted, with variance 1. So the
    loss is half the squared error: that of InfoGAN's continuous codes (Chen et al. 2016, arXiv:1606.03657, section 6)
    at a fixed variance.
    """

    condition: ClassVar[str] = "attributes"

    def condition_loss(self, scores: Tensor, y: Tensor) -> Tensor:
        """Half the mean squared error of what is said (n, a): -log N(y; scores, I) without its constant."""
        return 0.5 * (scores - y).square().sum(1).mean()

    def condition_statistic(self, scores: Tensor, y: Tensor) -> Tensor:
        """The mean squared error, reported as ``d_attributes``; always saying the mean has 1."""
        return (scores - y).square().mean()


def classify(players: Players, x: Tensor) -> tuple[Tensor, Tensor]:
    """The raw outputs (n,) and scores (n, classes or attributes) of a discriminator with an auxiliary classifier."""
    assert players.discriminator is not None
    raw, scores = players.discriminator(x)
    return raw.squeeze(-1), scores
