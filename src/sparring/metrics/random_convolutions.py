"""Features without labels: a fixed network of convolutions whose filters are whitened patches of the data set.

Coates and Ng 2011 ("The importance of encoding versus training with sparse coding and vector quantization"): random
patches of the training data, whitened, are nearly as good as learned filters. They are drawn by a fixed seed, so the
same data set always gives the same features. They rank models of one data set: they see strokes, not meaning.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from sparring.metrics.images import EXTRACT, check_images, repeatable_convolutions, scaled
from sparring.metrics.reading import draw
from sparring.types import Dataset

# The settings that best agreed with a classifier's distance over twelve kinds of damage to MNIST.
FILTERS, PATCH, SCALES, CELLS = 8, 5, 3, 3
WHITENING = 1.0
"""Added to each variance, as a share of the mean one: less of it would make noise as important as strokes."""

SEED = 0
MOST_DRAWN, MOST_BYTES = 1000, 50_000_000
PATCHES = 20_000
# Up to so many pixels one CPU thread does the work.
SMALL = 1024


class RandomConvolutions:
    """At each scale: whitened patches as filters, rectified, root mean square over each cell of a grid."""

    name = "random-conv"
    ranking_only = True

    def __init__(self, dataset: Dataset, device: str | torch.device = "cpu") -> None:
        """Draw the filters from the training part: the same ones for the same data set."""
        self.shape = dataset.spec.shape
        self.device = torch.device(device)
        drawn = draw(dataset.train, max(1, min(MOST_DRAWN, MOST_BYTES // dataset.spec.size)), SEED)
        generator = torch.Generator().manual_seed(SEED)
        levels = _pyramid(scaled(drawn, torch.device("cpu")))
        self.filters = [tuple(t.to(self.device) for t in _whitened_patches(x, generator)) for x in levels]
        # Large images are looked at in larger steps.
        self.steps = [max(1, min(x.shape[2:]) // 48) for x in levels]
        # One unit for all: features that vary more stay more important, which ranks better than equal weights.
        self.unit = 1.0
        spread = float(self(drawn).std(0, correction=0).mean())
        self.unit = spread if spread > 1e-6 else 1.0  # where nothing varies there is no unit to be had

    @property
    def note(self) -> str:
        """Which features these are."""
        return "features: random convolutions with patches of the training part, for ranking only"

    def __call__(self, images: Tensor) -> Tensor:
        """Features (n, d) float32 of images (n, C, H, W)."""
        check_images(images, self.shape)
        with torch.inference_mode(), repeatable_convolutions(self.shape, SMALL):
            parts = [self._features(scaled(x, self.device)) for x in torch.split(images, EXTRACT)]
        return torch.cat(parts).clone()

    def _features(self, x: Tensor) -> Tensor:
        found = []
        for level, (weight, bias), step in zip(_pyramid(x), self.filters, self.steps, strict=True):
            response = F.relu(F.conv2d(level, weight, bias, stride=step))
            found.append(_cells(response.square()).sqrt().flatten(1))
        return torch.cat(found, 1) / self.unit


def _cells(x: Tensor) -> Tensor:
    """Means over CELLS x CELLS equal cells (as many as there are points, if fewer); neighbours may overlap by two.

    Nearly ``adaptive_avg_pool2d``, which not every device has for all sizes.
    """
    steps = [max(1, length // CELLS) for length in x.shape[2:]]
    lengths = [length - (min(CELLS, length) - 1) * step for length, step in zip(x.shape[2:], steps, strict=True)]
    return F.avg_pool2d(x, lengths, steps)


def _pyramid(x: Tensor) -> list[Tensor]:
    """The images at full size, a half, a quarter: as long as a patch fits in."""
    levels = [x]
    while len(levels) < SCALES and min(levels[-1].shape[2:]) >= 2 * PATCH:
        levels.append(F.avg_pool2d(levels[-1], 2))
    return levels


def _whitened_patches(x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Filters (FILTERS, C, p, q) and biases (FILTERS,): products of whitened patches with whitened patches."""
    p, q = min(PATCH, x.shape[2]), min(PATCH, x.shape[3])
    image = torch.arange(len(x)).repeat(-(-PATCHES // len(x)))
    row = torch.randint(x.shape[2] - p + 1, image.shape, generator=generator)
    column = torch.randint(x.shape[3] - q + 1, image.shape, generator=generator)
    patches = x.unfold(2, p, 1).unfold(3, q, 1)[image, :, row, column].flatten(1).double()
    mean = patches.mean(0)
    centred = patches - mean
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
    # The least keeps an empty data set, where nothing varies, from dividing by zero.
    whiten = vectors @ torch.diag((values + WHITENING * values.mean()).clamp_min(1e-12).rsqrt()) @ vectors.T
    power = centred.square().sum(1)
    # A patch of plain background is no filter.
    busy = centred[power >= 0.1 * power.mean()]
    chosen = busy[torch.randperm(len(busy), generator=generator)[:FILTERS]] @ whiten
    weight = F.normalize(chosen, dim=1) @ whiten
    bias = -weight @ mean
    return weight.float().view(-1, x.shape[1], p, q), bias.float()
