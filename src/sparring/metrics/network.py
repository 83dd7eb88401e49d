"""The small network whose features are learned from a data set: its layers, its training, what it makes of images."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sparring.metrics.images import EXTRACT, check_images, repeatable_convolutions, scaled
from sparring.metrics.reading import Indices, Progress, no_progress

WIDTH = 64
"""How many features there are: few enough for a covariance from a thousand samples."""

SEED = 0
BATCH = 128
RATE = 4e-3
EPOCHS = 3
FEWEST_SEEN, MOST_SEEN = 50_000, 250_000
LARGEST_TRAINING, LARGEST_TEST = 100_000, 10_000
SMALL = 1024
"""Images of at most so many pixels are computed with one CPU thread."""


class Classifier(nn.Module):
    """Three convolutions or more, a layer of WIDTH features and one of classes.

    ``forward`` maps (n, C, H, W) float in [-1, 1], of any size, to features (n, WIDTH) ≥ 0 and scores (n, classes).
    """

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        channels, *size = shape
        wide, kernel, stride = 32, 5, 4 if max(size) >= 128 else 2
        layers: list[nn.Module] = []
        while max(size) > 8 or len(layers) < 9:
            # Halved until it is small, but never to a single point.
            steps = (stride if size[0] > 4 else 1, stride if size[1] > 4 else 1)
            convolution = nn.Conv2d(channels, wide, kernel, steps, kernel // 2, bias=False)
            layers += [convolution, nn.BatchNorm2d(wide), nn.ReLU()]
            size = [math.ceil(length / step) for length, step in zip(size, steps, strict=True)]
            channels, wide, kernel, stride = wide, 64, 3, 2 if max(size) > 8 else 1
        self.convolutions = nn.Sequential(*layers)
        self.convolutions.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        # A pooling of fixed cells: unlike the adaptive one, its gradient is deterministic on every device.
        self.cell = (math.ceil(size[0] / 4), math.ceil(size[1] / 4))
        cells = math.ceil(size[0] / self.cell[0]) * math.ceil(size[1] / self.cell[1])
        self.features = nn.Linear(channels * cells, WIDTH)
        self.scores = nn.Linear(WIDTH, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features and scores."""
        x = x.contiguous(memory_format=torch.channels_last)
        pooled = F.avg_pool2d(self.convolutions(x), self.cell, ceil_mode=True, count_include_pad=False)
        features = F.relu(self.features(pooled.flatten(1)))
        return features, self.scores(features)


def new_classifier(shape: tuple[int, ...], classes: int, seed: int) -> Classifier:
    """An untrained classifier of images (C, H, W), its first weights by seed."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Classifier(shape, classes)


@dataclass(frozen=True)
class LearnedFeatures:
    """The trained network as a feature extractor; ``accuracy`` is in [0, 1] on data held out, None without any."""

    network: Classifier
    shape: tuple[int, ...]
    accuracy: float | None
    tested_on: str
    device: torch.device
    name: ClassVar[str]
    ranking_only: ClassVar[bool] = False
    learned_by: ClassVar[str]
    """The network in words."""

    @property
    def note(self) -> str:
        """Which features these are, and how well the network does."""
        head = f"features: {WIDTH} of {self.learned_by}"
        if self.accuracy is None:
            return f"{head}; its accuracy is unknown, nothing is held out"
        return f"{head}, {100 * self.accuracy:.2f} % right on {self.tested_on}"

    def __call__(self, images: Tensor) -> Tensor:
        """Features (n, WIDTH) float32 of images (n, C, H, W)."""
        return self._judge(images)[0]

    def classify(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features (n, WIDTH) float32 and predicted labels (n,) int64 of images (n, C, H, W)."""
        features, scores = self._judge(images)
        return features, scores.argmax(1)

    def scores(self, images: Tensor) -> Tensor:
        """Scores (n, classes) float32 of images (n, C, H, W): log-probabilities up to a constant of the image."""
        return self._judge(images)[1]

    def _judge(self, images: Tensor) -> tuple[Tensor, Tensor]:
        check_images(images, self.shape)
        with torch.inference_mode(), repeatable_convolutions(self.shape, SMALL):
            parts = [self.network(scaled(part, self.device)) for part in torch.split(images, EXTRACT)]
        # Copies made outside are no inference tensors: whoever takes them may use them anywhere.
        features, scores = zip(*parts, strict=True)
        return torch.cat([part.clone() for part in features]), torch.cat([part.clone() for part in scores])


class Epochs:
    """Positions of batches out of n examples: shuffled epochs by ``seed``, the rest of each left out."""

    def __init__(self, n: int, batch: int, seed: int) -> None:
        self.n, self.batch = n, batch
        self.random = np.random.default_rng(seed)
        self.order = np.empty(0, dtype=np.int64)

    def __call__(self) -> Indices:
        """The next ``batch`` positions."""
        if len(self.order) < self.batch:
            self.order = self.random.permutation(self.n)
        chosen, self.order = self.order[: self.batch], self.order[self.batch :]
        return chosen


def learn(
    network: Classifier,
    n: int,
    show: Callable[[Indices], tuple[Tensor, Tensor]],
    shape: tuple[int, ...],
    progress: Progress,
    views: int = 1,
) -> None:
    """Train on n examples for a fixed number of steps; nothing is chosen by looking at held-out data.

    ``show`` gives, of positions (b,) from 0 to n - 1 in order, images (b * views, C, H, W) in [-1, 1] and their labels.
    """
    batch = min(BATCH // views, n)
    seen = min(max(EPOCHS * n * views, FEWEST_SEEN), MOST_SEEN)
    epochs = Epochs(n, batch, SEED)
    fit(network, lambda: show(np.sort(epochs())), max(seen // (batch * views), 1), shape, progress)


def fit(
    network: Classifier,
    draw: Callable[[], tuple[Tensor, Tensor]],
    steps: int,
    shape: tuple[int, ...],
    progress: Progress = no_progress,
) -> None:
    """Train by AdamW on a one-cycle schedule; ``draw`` gives images (b, C, H, W) in [-1, 1] and labels (b,)."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, cycle_momentum=False)
    network.train()
    with repeatable_convolutions(shape, SMALL):
        for step in range(steps):
            x, y = draw()
            loss = F.cross_entropy(network(x)[1], y)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            if step % 20 == 0 or step == steps - 1:
                progress("training the network for features", step + 1, steps)
    network.eval()
