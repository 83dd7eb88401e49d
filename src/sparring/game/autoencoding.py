"""The games of one player: a decoder and its encoder, with nobody against them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from torch import Tensor

from sparring.networks import VariationalAutoencoder, WithEncoder
from sparring.objectives import kl_from_standard_normal
from sparring.types import Drawn, Memory, PlayerName, Players, Statistics, Turn


@dataclass(frozen=True)
class Reconstruction:
    """One turn, of a generator that has an encoder: the mean squared error of what it makes of an example's code.

    Hinton & Salakhutdinov 2006, Reducing the dimensionality of data with neural networks, Science 313.
    """

    def turns(self, batch: int) -> Sequence[Turn]:
        """The one player's, on real examples alone."""
        return (Turn("generator", batch, 0, self.loss),)

    def loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """The squared error, averaged over the values of an example."""
        (x,) = drawn.real
        made = players.generator(cast("WithEncoder", players.generator).encode(x))
        loss = (made - x).square().mean()
        return loss, {"g_loss": loss.detach()}

    def memory(self) -> Memory:
        """Nothing."""
        return {}

    def after_step(self, players: Players, player: PlayerName, memory: Memory, statistics: Statistics) -> None:
        """Nothing is left to do."""


@dataclass(frozen=True)
class VariationalBound(Reconstruction):
    """One turn, of a variational autoencoder: minus the lower bound of log p(x).

    Kingma & Welling 2014, arXiv:1312.6114, eq. 7: one code for each example, the divergence from the prior exactly. In
    nats an example; ``g_misfit`` is -log p(x | z), ``g_kl`` what the codes tell of the examples.
    """

    def loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """Minus the bound."""
        (x,) = drawn.real
        log_prob, mean, log_variance = cast("VariationalAutoencoder", players.generator).evidence(x)
        misfit, kl = -log_prob.mean(), kl_from_standard_normal(mean, log_variance).mean()
        loss = misfit + kl
        return loss, {"g_loss": loss.detach(), "g_misfit": misfit.detach(), "g_kl": kl.detach()}
