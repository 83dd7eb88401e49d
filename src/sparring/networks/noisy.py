"""Classifiers that learn from few labels: noise at every layer, weights of a fixed length."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

FIRST = 0.1
"""Deviation of first weights: of no meaning to a row of fixed length but for how far a step of Adam turns it."""


class WeightNormed(nn.Linear):
    """A dense layer whose rows have the length ``gain`` (Salimans & Kingma 2016, arXiv:1602.07868, eq. 2).

    The length is learned only where ``learned``. Not the weight but the output is scaled: the same numbers for less.
    """

    def __init__(self, before: int, after: int, gain: float, *, learned: bool = False) -> None:
        super().__init__(before, after)
        nn.init.normal_(self.weight, 0.0, FIRST)
        nn.init.zeros_(self.bias)
        self.length = nn.Parameter(torch.full((after,), gain)) if learned else gain

    def forward(self, x: Tensor) -> Tensor:
        """Vectors (n, after) from vectors (n, before)."""
        scale = self.length / torch.linalg.vector_norm(self.weight, dim=1)
        return torch.addcmul(self.bias, x @ self.weight.t(), scale)


class WeightNormedConvolution(nn.Conv2d):
    """The same of a 3 x 3 convolution that keeps the side, or of ``stride`` 2, which halves it, rounded up."""

    def __init__(self, before: int, after: int, gain: float, *, stride: int = 1) -> None:
        super().__init__(before, after, 3, stride, 1)
        nn.init.normal_(self.weight, 0.0, FIRST)
        assert self.bias is not None
        nn.init.zeros_(self.bias)
        self.length = gain

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, after, h, w) from maps (n, before, h, w)."""
        assert self.bias is not None
        scale = self.length / torch.linalg.vector_norm(self.weight, dim=(1, 2, 3))
        maps = conv2d(x, self.weight, None, self.stride, self.padding)
        return torch.addcmul(self.bias[:, None, None], maps, scale[:, None, None])


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
    layer, all rows of fixed length but those of the last.
    """

    def __init__(
        self, shape: tuple[int, ...], classes: int, widths: Sequence[int], noise: tuple[float, float] = (0.3, 0.5)
    ) -> None:
        super().__init__()
        sizes = (math.prod(shape), *widths)
        layers: list[nn.Module] = [nn.Flatten(), Noise(noise[0])]
        for i, (before, after) in enumerate(itertools.pairwise(sizes)):
            # About what gives every unit a variance of 1 at first, given the noise that comes with its inputs.
            layers += [WeightNormed(before, after, 1.3 if i else 2.5), nn.ReLU(), Noise(noise[1])]
        self.hidden = nn.Sequential(*layers[:-1])
        self.classify = nn.Sequential(layers[-1], WeightNormed(sizes[-1], classes, 1.0, learned=True))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, classes)."""
        logits: Tensor = self.classify(self.features(x))
        return logits

    def features(self, x: Tensor) -> Tensor:
        """The last hidden layer, (n, width), before its noise."""
        hidden: Tensor = self.hidden(0.5 * (x + 1))
        return hidden


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
                gain = 1.4 if layers[1:] else 2.0
                layers += [WeightNormedConvolution(before, after, gain, stride=stride), nn.LeakyReLU(0.2)]
                before = after
            layers += [nn.Dropout(0.5)] if block < 2 else []
        self.hidden = nn.Sequential(*layers)
        self.classify = WeightNormed(before, classes, 1.0, learned=True)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, classes)."""
        logits: Tensor = self.classify(self.features(x))
        return logits

    def features(self, x: Tensor) -> Tensor:
        """The last maps' means, (n, 2 width)."""
        means: Tensor = self.hidden(x).mean((2, 3))
        return means
