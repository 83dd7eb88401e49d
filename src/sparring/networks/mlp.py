"""Multi-layer perceptrons of any shape."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

from torch import Tensor, nn


class MLPGenerator(nn.Module):
    """Latent codes (n, latent_dim) to examples (n, *shape).

    Each hidden layer is dense, activation, then ``norm(width)`` if one is given; the last is dense, then ``output``.
    """

    def __init__(
        self,
        latent_dim: int,
        widths: Sequence[int],
        shape: tuple[int, ...],
        *,
        activation: Callable[[], nn.Module],
        norm: Callable[[int], nn.Module] | None = None,
        output: Callable[[], nn.Module] = nn.Tanh,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.net = nn.Sequential(
            *dense_layers((latent_dim, *widths), activation, norm), nn.Linear(widths[-1], math.prod(shape)), output()
        )

    def forward(self, z: Tensor) -> Tensor:
        """Examples (n, *shape) from latent codes (n, latent_dim)."""
        x: Tensor = self.net(z)
        return x.view(len(x), *self.shape)

    def hidden_layers(self) -> list[nn.Module]:
        """The activations, from the first on."""
        return activations(self.net)


class MLPDiscriminator(nn.Module):
    """Examples (n, *shape), times ``gain``, to one raw output each, (n, 1), with ``dropout`` after each hidden layer.

    The gain says how fine the structure is that smooth units can see at first.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        widths: Sequence[int],
        *,
        activation: Callable[[], nn.Module],
        dropout: float = 0.0,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.gain = gain
        drop = (lambda width: nn.Dropout(dropout)) if dropout else None
        hidden = dense_layers((math.prod(shape), *widths), activation, drop)
        self.net = nn.Sequential(nn.Flatten(), *hidden, nn.Linear(widths[-1], 1))

    def forward(self, x: Tensor) -> Tensor:
        """Raw outputs (n, 1) for examples (n, *shape)."""
        raw: Tensor = self.net(self.gain * x)
        return raw

    def features(self, x: Tensor) -> Tensor:
        """The last hidden layer (n, width) for examples (n, *shape)."""
        hidden: Tensor = self.net[:-1](self.gain * x)
        return hidden

    def hidden_layers(self) -> list[nn.Module]:
        """The activations, from the first on."""
        return activations(self.net)


class MLPFeatures(nn.Module):
    """Examples (n, *shape) to features (n, width), for ``Encoder``: dense layers of these widths, each activated."""

    def __init__(self, shape: tuple[int, ...], widths: Sequence[int], *, activation: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.width = widths[-1]
        self.net = nn.Sequential(nn.Flatten(), *dense_layers((math.prod(shape), *widths), activation))

    def forward(self, x: Tensor) -> Tensor:
        """Features (n, width) of examples (n, *shape)."""
        features: Tensor = self.net(x)
        return features

    def hidden_layers(self) -> list[nn.Module]:
        """The activations, from the first on."""
        return list(self.net)[2::2]


def dense_layers(
    widths: Sequence[int], activation: Callable[[], nn.Module], norm: Callable[[int], nn.Module] | None = None
) -> list[nn.Module]:
    """Dense layers from ``widths[0]`` to ``widths[-1]``, each with its activation and, after it, its normalisation."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after), activation()]
        if norm is not None:
            layers.append(norm(after))
    return layers


def activations(net: nn.Sequential) -> list[nn.Module]:
    """What follows each dense layer but the last."""
    return [after for layer, after in itertools.pairwise(list(net)[:-1]) if isinstance(layer, nn.Linear)]
