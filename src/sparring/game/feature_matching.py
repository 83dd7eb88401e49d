"""Feature matching: the generator matches averages of what the discriminator looks at."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from sparring.errors import UsageError
from sparring.game.adversarial import Adversarial, make
from sparring.types import Drawn, Inputs, Players, Statistics


@dataclass(frozen=True)
class FeatureMatching(Adversarial):
    """The adversarial game with another loss for the generator: ‖mean f(x) - mean f(G(z))‖².

    f are the discriminator's features, its last hidden layer (Salimans et al. 2016, arXiv:1606.03498, section 3.1). It
    goes with every discriminator that has a method ``features``.
    """

    @property
    def generator_sees_real(self) -> bool:
        """Their averages are what is matched."""
        return True

    def generator_loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """The squared distance between the averages."""
        real = features(players.discriminator, self.shown(drawn.real, drawn.memory)).detach().mean(0)
        fake = features(players.discriminator, self.shown(make(players, drawn), drawn.memory)).mean(0)
        loss = (real - fake).square().sum()
        return loss, {"g_loss": loss.detach()}


def features(discriminator: nn.Module | None, inputs: Inputs) -> Tensor:
    """The discriminator's features (n, …).

    Raises:
        UsageError: it has no method ``features``.
    """
    method = getattr(discriminator, "features", None)
    if method is None:
        raise UsageError(f"{type(discriminator).__name__} has no features to match: it needs a method features(x).")
    result: Tensor = method(*inputs)
    return result
