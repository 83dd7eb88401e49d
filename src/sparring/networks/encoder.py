"""Encoders: the way back from examples to latent codes."""

from __future__ import annotations

from torch import Tensor, nn


class Encoder(nn.Module):
    """Examples (n, *shape) to codes (n, latent_dim): ``features``, which have a ``width``, and a dense layer."""

    def __init__(self, features: nn.Module, latent_dim: int) -> None:
        super().__init__()
        width = features.width
        assert isinstance(width, int)
        self.features, self.code = features, nn.Linear(width, latent_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Codes (n, latent_dim) of examples (n, *shape)."""
        codes: Tensor = self.code(self.features(x))
        return codes


class StandardisedEncoder(Encoder):
    """An encoder whose codes have mean 0 and variance 1, each number: the batch's own while it trains, then the running
    ones of all that it was trained on.

    So standard normal numbers are codes from the Gaussian that fits those of the training data, what numbers of a code
    have in common left aside; its means and deviations lie in the layer, and are kept with the weights.
    """

    def __init__(self, features: nn.Module, latent_dim: int) -> None:
        super().__init__(features, latent_dim)
        self.standardise = nn.BatchNorm1d(latent_dim, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        """Codes (n, latent_dim) of examples (n, *shape)."""
        codes: Tensor = self.standardise(super().forward(x))
        return codes


class WithEncoder(nn.Module):
    """A generator and an encoder as one player: called as the generator; ``encode`` is the way back."""

    def __init__(self, generator: nn.Module, encoder: nn.Module) -> None:
        super().__init__()
        self.generator, self.encoder = generator, encoder

    def forward(self, *inputs: Tensor) -> Tensor:
        """The generator's examples."""
        made: Tensor = self.generator(*inputs)
        return made

    def encode(self, x: Tensor) -> Tensor:
        """The encoder's codes of examples."""
        codes: Tensor = self.encoder(x)
        return codes
