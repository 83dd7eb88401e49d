"""The adversarial game: who moves when, on what, and what each move is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, softplus

from sparring.errors import UsageError
from sparring.objectives import Objective
from sparring.types import Drawn, Inputs, PlayerName, Players, Statistics, Turn


@dataclass(frozen=True)
class Adversarial:
    """One discriminator turn and one generator turn on one objective.

    The discriminator sees real and fake in separate passes, or in one (``joined``): it matters to batch norm, and for
    speed. With ``half`` its turn draws half a batch of each, so that it sees one batch in all.
    """

    objective: Objective
    joined: bool = False
    half: bool = False

    def turns(self, batch: int) -> Sequence[Turn]:
        """Discriminator, then generator."""
        n = half_of(batch) if self.half else batch
        return (
            Turn("discriminator", n, n, self.discriminator_loss),
            Turn("generator", batch if self.objective.relativistic else 0, batch, self.generator_loss),
        )

    def discriminator_loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """The discriminator's loss and its accuracy; no gradient reaches the generator."""
        with torch.no_grad():
            fake: Inputs = (players.generator(*drawn.latent), *drawn.latent[1:])
        on_real, on_fake = self._judge(players, drawn.real, fake)
        loss = self.objective.discriminator(on_real, on_fake).mean()
        return loss, {"d_loss": loss.detach(), "d_real": share_positive(on_real), "d_fake": share_positive(-on_fake)}

    def generator_loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """The generator's loss, through a discriminator that stands still."""
        fake = (players.generator(*drawn.latent), *drawn.latent[1:])
        on_fake = judge(players, fake)
        on_real = judge(players, drawn.real) if self.objective.relativistic else on_fake.new_empty(0)
        loss = self.objective.generator(on_real, on_fake).mean()
        return loss, {"g_loss": loss.detach()}

    def _judge(self, players: Players, real: Inputs, fake: Inputs) -> tuple[Tensor, Tensor]:
        if not self.joined:
            return judge(players, real), judge(players, fake)
        both = tuple(torch.cat(pair) for pair in zip(real, fake, strict=True))
        raw = judge(players, both)
        return raw[: len(real[0])], raw[len(real[0]) :]

    def after_step(self, players: Players, player: PlayerName) -> None:
        """Nothing to do."""

    def tensors(self) -> dict[str, Tensor]:
        """No state of its own."""
        return {}


@dataclass(frozen=True)
class TwoUpdates(Adversarial):
    """The non-saturating game as the tutorials' script plays it.

    The discriminator is updated twice a step, on half a batch of real examples and then on half a batch of generated
    ones, and those are made with the generator's running averages (its inference mode). Each update reports twice its
    loss as ``d_loss``, so that their mean is what the one update of the joined game reports.
    """

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
        return loss, {"d_loss": 2 * loss.detach(), "d_real": share_positive(on_real)}

    def fake_loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """-log(1 - D(G(z)))."""
        mode = players.generator.training
        players.generator.eval()
        with torch.no_grad():
            fake = (players.generator(*drawn.latent), *drawn.latent[1:])
        players.generator.train(mode)
        on_fake = judge(players, fake)
        loss = softplus(on_fake).mean()
        return loss, {"d_loss": 2 * loss.detach(), "d_fake": share_positive(-on_fake)}


def half_of(batch: int) -> int:
    """Half a batch.

    Raises:
        UsageError: it cannot be halved, or a half is a single example, which batch norm cannot take.
    """
    if batch < 4 or batch % 2:
        raise UsageError(f"batch={batch} does not fit this game: it plays with half batches, so 4, 6, 8 … examples.")
    return batch // 2


@dataclass(frozen=True)
class AuxiliaryClassifier(Adversarial):
    """The adversarial game of a generator of classes and a discriminator that also says the class.

    Odena et al. 2017, arXiv:1610.09585, eq. 2 and 3: both players want it to be right, on real and on generated
    examples. The discriminator is called with examples alone, and gives raw outputs and class scores.
    """

    weight: float = 1.0
    """Of the classifier's cross-entropy in each player's loss."""

    def discriminator_loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """The adversarial loss and the cross-entropy of real and of generated examples' classes."""
        with torch.no_grad():
            fake = players.generator(*drawn.latent)
        (x, y), labels = drawn.real, drawn.latent[1]
        on_real, scores, on_fake, fake_scores = self._look(players, x, fake)
        loss = self.objective.discriminator(on_real, on_fake).mean()
        says = cross_entropy(scores, y) + cross_entropy(fake_scores, labels)
        right = (scores.detach().argmax(1) == y).float().mean()
        measured = {"d_real": share_positive(on_real), "d_fake": share_positive(-on_fake), "d_class": right}
        return loss + self.weight * says, {"d_loss": loss.detach()} | measured

    def generator_loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """The adversarial loss and the cross-entropy of the classes that were asked for."""
        on_fake, scores = look(players, players.generator(*drawn.latent))
        on_real = look(players, drawn.real[0])[0] if self.objective.relativistic else on_fake.new_empty(0)
        loss = self.objective.generator(on_real, on_fake).mean()
        says = cross_entropy(scores, drawn.latent[1])
        return loss + self.weight * says, {"g_loss": loss.detach(), "g_class": says.detach()}

    def _look(self, players: Players, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        if not self.joined:
            return (*look(players, real), *look(players, fake))
        n = len(real)
        raw, scores = look(players, torch.cat([real, fake]))
        return raw[:n], scores[:n], raw[n:], scores[n:]


def look(players: Players, x: Tensor) -> tuple[Tensor, Tensor]:
    """The raw outputs (n,) and class scores (n, classes) of a discriminator with an auxiliary classifier."""
    assert players.discriminator is not None
    raw, scores = players.discriminator(x)
    return raw.squeeze(-1), scores


def judge(players: Players, inputs: Inputs) -> Tensor:
    """The discriminator's raw outputs, (n,)."""
    assert players.discriminator is not None
    raw: Tensor = players.discriminator(*inputs)
    return raw.squeeze(-1)


def share_positive(raw: Tensor) -> Tensor:
    """The share of raw outputs above zero, i.e. of examples that the discriminator takes for real."""
    return (raw.detach() > 0).float().mean()
