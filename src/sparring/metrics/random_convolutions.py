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

SEED = 0
FILTERS = 16
SCALES = 3
PATCH = 5
DRAWN = 1000
PATCHES = 20_000
WHITENING = 0.1
CELLS = 2


class RandomConvolutions:
    """At each scale: whitened patches as filters, rectified, averaged over the cells of a grid.

    The features are standardised by the training part, so that each counts alike.
    """

    name = "random-conv"
    ranking_only = True

    def __init__(self, dataset: Dataset, device: str | torch.device = "cpu") -> None:
        self.shape = dataset.spec.shape
        self.device = torch.device(device)
        images = scaled(draw(dataset.train, DRAWN, SEED), torch.device("cpu"))
        generator = torch.Generator().manual_seed(SEED)
        self.filters = [_whitened_patches(x, generator) for x in _pyramid(images)]
        self.filters = [(w.to(self.device), b.to(self.device)) for w, b in self.filters]
        self.mean = self.scale = torch.zeros(())
        raw = self._raw(scaled(draw(dataset.train, DRAWN, SEED), self.device))
        self.mean, self.scale = raw.mean(0), raw.std(0).clamp_min(1e-6)

    @property
    def note(self) -> str:
        """Which features these are."""
        return f"features: {len(self.mean)} of random convolutions, for ranking only"

    def __call__(self, images: Tensor) -> Tensor:
        """Features (n, d) float32 of uint8 images (n, C, H, W)."""
        check_images(images, self.shape)
        with torch.inference_mode(), repeatable_convolutions():
            parts = [(self._raw(scaled(x, self.device)) - self.mean) / self.scale for x in torch.split(images, EXTRACT)]
        return torch.cat(parts).clone()

    def _raw(self, x: Tensor) -> Tensor:
        found = []
        for level, (weight, bias) in zip(_pyramid(x), self.filters, strict=True):
            response = F.relu(F.conv2d(level, weight, bias))
            found.append(F.adaptive_avg_pool2d(response, CELLS).flatten(1))
        return torch.cat(found, 1)


def _pyramid(x: Tensor) -> list[Tensor]:
    """The images at full size, a half, a quarter …: as long as a patch fits in."""
    levels = [x]
    while len(levels) < SCALES and min(levels[-1].shape[2:]) >= 2 * PATCH:
        levels.append(F.avg_pool2d(levels[-1], 2))
    return levels


def _whitened_patches(x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Filters (FILTERS, C, p, p) and biases (FILTERS,): products of whitened patches with whitened patches."""
    p = PATCH
    each = max(1, PATCHES // len(x))
    columns = F.unfold(x, p)
    where = torch.randint(columns.shape[2], (len(x), each), generator=generator)
    patches = (
        columns.gather(2, where[:, None, :].expand(-1, columns.shape[1], -1)).transpose(1, 2).flatten(0, 1).double()
    )
    mean = patches.mean(0)
    centred = patches - mean
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
    whiten = vectors @ torch.diag((values + WHITENING * values.mean()).rsqrt()) @ vectors.T
    busy = centred[centred.square().sum(1) > 0.1 * centred.square().sum(1).mean()]
    chosen = busy[torch.randperm(len(busy), generator=generator)[:FILTERS]] @ whiten
    weight = F.normalize(chosen, dim=1) @ whiten
    bias = -weight @ mean
    return weight.float().view(-1, x.shape[1], p, p), bias.float()
