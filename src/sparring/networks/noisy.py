"""Classifiers that learn from few labels: noise at every layer, weights of a fixed length."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sparring.networks.weight_normed import WeightNormed, WeightNormedConvolution, first_pass


class Noise(nn.Module):
    """Adds normal noise in training, and nothing afterwards."""

    def __init__(self, deviation: float) -> None:
        super().__init__()
        self.deviation = deviation

    def forward(self, x: Tensor) -> Tensor:
        """What it is given, of any shape, with noise on it."""
        return torch.randn_like(x).mul_(self.deviation).add_(x) if self.training else x

    def extra_repr(self) -> str:
        """The deviation."""
        return f"{self.deviation}"


class NoisyClassifier(nn.Module):
    """Images (n, C, H, W) in [-1, 1] to class logits (n, classes), by dense layers of these widths.

    Salimans et al. 2016, arXiv:1606.03498: pixels from 0 to 1 and their noise .3, then ReLU and noise .5 at each hidden
    layer, all rows of fixed length but those of the last; lengths and biases at first by a pass of examples.
    """

    def __init__(
        self, shape: tuple[int, ...], classes: int, widths: Sequence[int], noise: tuple[float, float] = (0.3, 0.5)
    ) -> None:
        super().__init__()
        sizes = (math.prod(shape), *widths)
        layers: list[nn.Module] = [nn.Flatten(), Noise(noise[0])]
        for before, after in itertools.pairwise(sizes):
            layers += [WeightNormed(before, after), nn.ReLU(), Noise(noise[1])]
        self.hidden = nn.Sequential(*layers[:-1])
        self.classify = nn.Sequential(layers[-1], WeightNormed(sizes[-1], classes, learned=True))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, classes)."""
        logits: Tensor = self.classify(self.features(x))
        return logits

    def features(self, x: Tensor) -> Tensor:
        """The last hidden layer, (n, width), before its noise."""
        hidden: Tensor = self.hidden(0.5 * (x + 1))
        return hidden

    def first_pass(self, x: Tensor) -> None:
        """Fit the first weights to examples (n, C, H, W), with noise on them: to be called once, before training."""
        first_pass(self, x)

    def hidden_layers(self) -> list[nn.Module]:
        """The activations, from the first on."""
        return [layer for layer in self.hidden if isinstance(layer, nn.ReLU)]


class NoisyConvolutions(nn.Module):
    """Images (n, C, H, W) in [-1, 1] to class logits (n, classes): three blocks of three convolutions.

    Salimans et al. 2016, arXiv:1606.03498, for CIFAR-10, whose width is 96: of ``width`` channels, then twice as many;
    the third of the first two blocks halves the side; leaky ReLU, dropout before each block, all rows of fixed length
    but those of the last layer, which sees the mean over all places. The paper's third block has no padding and two
    1 x 1 convolutions; here all are 3 x 3.
    """

    def __init__(self, shape: tuple[int, ...], classes: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Dropout(0.2)]
        before = shape[0]
        for block, after in enumerate((width, 2 * width, 2 * width)):
            for place in range(3):
                stride = 2 if place == 2 and block < 2 else 1
                layers += [WeightNormedConvolution(before, after, stride=stride), nn.LeakyReLU(0.2)]
                before = after
            layers += [nn.Dropout(0.5)] if block < 2 else []
        self.hidden = nn.Sequential(*layers)
        self.classify = WeightNormed(before, classes, learned=True, deviation=0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, classes)."""
        logits: Tensor = self.classify(self.features(x))
        return logits

    def features(self, x: Tensor) -> Tensor:
        """The last maps' means, (n, 2 width)."""
        means: Tensor = self.hidden(x).mean((2, 3))
        return means

    def first_pass(self, x: Tensor) -> None:
        """Fit the first weights to examples (n, C, H, W), with noise on them: to be called once, before training."""
        first_pass(self, x)

    def hidden_layers(self) -> list[nn.Module]:
        """The activations, from the first on."""
        return [layer for layer in self.hidden if isinstance(layer, nn.LeakyReLU)]
