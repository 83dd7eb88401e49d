"""A small classifier of a data set's own labels, whose features distances between sets of images are measured on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sparring.metrics.cache import load_network, save_network
from sparring.metrics.images import EXTRACT, check_images, repeatable_convolutions, scaled
from sparring.metrics.reading import Indices, Progress, choose_indices, labels_at, no_progress, read_chunks
from sparring.types import Dataset, DataSource

WIDTH = 64
"""How many features there are: few enough for a covariance from a thousand samples."""

VERSION = 1
"""Part of the cache key: to be raised whenever the network or its training changes."""
SEED = 0
BATCH = 128
RATE = 4e-3
EPOCHS = 3
FEWEST_SEEN, MOST_SEEN = 50_000, 250_000
LARGEST_TRAINING, LARGEST_TEST = 100_000, 10_000
FEWEST_LABELLED = 50
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


@dataclass(frozen=True)
class ClassifierFeatures:
    """The trained classifier as a feature extractor; ``accuracy`` is in [0, 1] on data held out, None without any."""

    network: Classifier
    shape: tuple[int, ...]
    accuracy: float | None
    tested_on: str
    device: torch.device
    name: str = "classifier"
    ranking_only: bool = False

    @property
    def note(self) -> str:
        """Which features these are, and how well the classifier does."""
        head = f"features: {WIDTH} of a classifier trained on this data set's labels"
        if self.accuracy is None:
            return f"{head}; its accuracy is unknown, nothing is held out"
        return f"{head}, {100 * self.accuracy:.2f} % right on {self.tested_on}"

    def __call__(self, images: Tensor) -> Tensor:
        """Features (n, WIDTH) float32 of images (n, C, H, W)."""
        return self.classify(images)[0]

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


class Labelled(NamedTuple):
    """Positions (n,) of examples that have a label, and those labels (n,)."""

    indices: Indices
    labels: Tensor


def labelled(source: DataSource, most: int) -> Labelled:
    """Positions of at most ``most`` drawn examples that have a label, and their labels."""
    indices = choose_indices(source, most, SEED)
    labels = labels_at(source, indices)
    known = labels >= 0
    return Labelled(indices[known.numpy()], labels[known])


def training_examples(dataset: Dataset) -> Labelled:
    """What a classifier of this data set is trained on: nothing if there are no classes to tell apart."""
    return labelled(dataset.train, LARGEST_TRAINING if len(dataset.spec.classes) > 1 else 0)


def can_be_classified(examples: Labelled) -> bool:
    """Whether there are at least two classes with examples, and FEWEST_LABELLED labelled examples in all."""
    labels = examples.labels
    return len(labels) >= FEWEST_LABELLED and bool((labels != labels[0]).any())


def classifier_for(
    dataset: Dataset,
    device: str | torch.device = "cpu",
    progress: Progress = no_progress,
    examples: Labelled | None = None,
) -> ClassifierFeatures:
    """The classifier of this data set: read from the cache, or trained there and then (and kept in the cache).

    The ``training_examples``, found anew if they are not given, must pass ``can_be_classified``. Training is
    deterministic and leaves torch's random state alone.
    """
    if (found := kept_classifier(dataset, device)) is not None:
        return found
    device = torch.device(device)
    network = _new_network(dataset)
    _train(network.to(device), dataset, examples or training_examples(dataset), device, progress)
    accuracy, tested_on = _test(network, dataset, device)
    save_network(network, _key(dataset), {"accuracy": accuracy, "tested_on": tested_on})
    return _features(network, dataset, accuracy, tested_on, device)


def kept_classifier(dataset: Dataset, device: str | torch.device = "cpu") -> ClassifierFeatures | None:
    """The classifier of this data set if it was trained before and lies in the cache; none is trained."""
    network = _new_network(dataset)
    kept = load_network(network, _key(dataset))
    return (
        None if kept is None else _features(network, dataset, kept["accuracy"], kept["tested_on"], torch.device(device))
    )


def _key(dataset: Dataset) -> tuple[str, ...]:
    return (f"classifier-{VERSION}", dataset.fingerprint, *map(str, dataset.spec.shape), *dataset.spec.classes)


def _features(
    network: Classifier, dataset: Dataset, accuracy: float | None, tested_on: str, device: torch.device
) -> ClassifierFeatures:
    network.to(device).eval().requires_grad_(False)
    return ClassifierFeatures(network, dataset.spec.shape, accuracy, tested_on, device)


def _new_network(dataset: Dataset) -> Classifier:
    return new_classifier(dataset.spec.shape, len(dataset.spec.classes), SEED)


def new_classifier(shape: tuple[int, ...], classes: int, seed: int) -> Classifier:
    """An untrained classifier of images (C, H, W), its first weights by seed."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Classifier(shape, classes)


def _train(network: Classifier, dataset: Dataset, examples: Labelled, device: torch.device, progress: Progress) -> None:
    """A fixed number of steps; nothing is chosen by looking at held-out data."""
    indices, labels = examples
    batch = min(BATCH, len(indices))
    seen = min(max(EPOCHS * len(indices), FEWEST_SEEN), MOST_SEEN)
    epochs = Epochs(len(indices), batch, SEED)

    def draw() -> tuple[Tensor, Tensor]:
        chosen = np.sort(epochs())
        return scaled(dataset.train.read(indices[chosen]).x, device), labels[torch.from_numpy(chosen)].to(device)

    fit(network, draw, max(seen // batch, 1), dataset.spec.shape, progress)


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
                progress("training the classifier for features", step + 1, steps)
    network.eval()


def _test(network: Classifier, dataset: Dataset, device: torch.device) -> tuple[float | None, str]:
    """The accuracy on held-out examples, and which these were; None where none has a label."""
    for part, name in ((dataset.test, "test"), (dataset.validation, "validation")):
        if part is None:
            continue
        features = ClassifierFeatures(network, dataset.spec.shape, None, "", device)
        right = total = 0
        for batch in read_chunks(part, choose_indices(part, LARGEST_TEST, SEED)):
            known = torch.empty(0) if batch.y is None else batch.y.cpu() >= 0
            if batch.y is None or not known.any():
                continue
            total += int(known.sum())
            right += int((features.classify(batch.x[known])[1].cpu() == batch.y.cpu()[known]).sum())
        if total:
            return right / total, f"{total} {name} images"
    return None, ""
