"""Features without labels: a small network that is trained on a data set to tell how its images are turned.

Gidaris, Singh and Komodakis 2018, Unsupervised representation learning by predicting image rotations,
arXiv:1803.07728: who tells how an image is turned must know what it shows. As in the paper, each step sees its
images in all four positions; square images are turned by quarters, others in the ways that keep their shape.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from sparring.metrics.cache import load_network, save_network
from sparring.metrics.images import scaled
from sparring.metrics.network import (
    LARGEST_TEST,
    LARGEST_TRAINING,
    SEED,
    Classifier,
    LearnedFeatures,
    learn,
    new_classifier,
)
from sparring.metrics.reading import Indices, Progress, choose_indices, no_progress, read_chunks
from sparring.types import Dataset

POSITIONS = 4
LEARNED = 0.35
"""With a smaller share right (a quarter by chance) nothing was learned."""
VERSION = 1
"""Part of the cache key: to be raised whenever the network or its training changes."""


class RotationFeatures(LearnedFeatures):
    """The network that tells how an image is turned, as a feature extractor."""

    name: ClassVar = "rotations"
    # Their distance ranks damages as a classifier's does on some data only (benchmarks/README.md).
    ranking_only: ClassVar = True
    learned_by: ClassVar = "a network trained to tell how images of this data set are turned"

    @property
    def note(self) -> str:
        """Which features these are, how well the network does, and a warning where that is no better than chance."""
        if self.accuracy is None or self.accuracy >= LEARNED:
            return f"{super().note}; for ranking only"
        return f"WARNING: {super().note}: it has learned nothing, take other features"


def rotations_for(
    dataset: Dataset, device: str | torch.device = "cpu", progress: Progress = no_progress
) -> RotationFeatures:
    """The network of this data set: read from the cache, or trained there and then (and kept in the cache).

    It learns from the training part, and sees no labels. Training is deterministic and leaves torch's random state
    alone.
    """
    shape, device = dataset.spec.shape, torch.device(device)
    key = (f"rotations-{VERSION}", dataset.fingerprint, *map(str, shape))
    network = new_classifier(shape, POSITIONS, SEED)
    facts = load_network(network, key)
    network.to(device)
    if facts is None:
        _train(network, dataset, device, progress)
        accuracy, tested_on = _test(network, dataset, device)
        facts = {"accuracy": accuracy, "tested_on": tested_on}
        save_network(network, key, facts)
    network.eval().requires_grad_(False)
    return RotationFeatures(network, shape, facts["accuracy"], facts["tested_on"], device)


def in_all_positions(images: Tensor) -> tuple[Tensor, Tensor]:
    """Images (n, C, H, W) in four positions (4 n, C, H, W), and the number of each one's position (4 n,).

    Square images are turned by 0, 1, 2 and 3 quarters; others by none and by two, flipped upside down, and left to
    right.
    """
    if images.shape[2] == images.shape[3]:
        shown = [images.rot90(quarters, (2, 3)) for quarters in range(POSITIONS)]
    else:
        shown = [images, images.flip(2, 3), images.flip(2), images.flip(3)]
    return torch.cat(shown), torch.arange(POSITIONS, device=images.device).repeat_interleave(len(images))


def _train(network: Classifier, dataset: Dataset, device: torch.device, progress: Progress) -> None:
    indices = choose_indices(dataset.train, LARGEST_TRAINING, SEED)

    def show(chosen: Indices) -> tuple[Tensor, Tensor]:
        return in_all_positions(scaled(dataset.train.read(indices[chosen]).x, device))

    learn(network, len(indices), show, dataset.spec.shape, progress, views=POSITIONS)


def _test(network: Classifier, dataset: Dataset, device: torch.device) -> tuple[float | None, str]:
    """The accuracy on held-out images, and which these were; None without any."""
    part, name = dataset.held_out, "validation" if dataset.test is None else "test"
    if part is None:
        return None, ""
    features = RotationFeatures(network, dataset.spec.shape, None, "", device)
    indices = choose_indices(part, LARGEST_TEST // POSITIONS, SEED)
    right = 0
    for batch in read_chunks(part, indices):
        images, positions = in_all_positions(batch.x)
        right += int((features.classify(images)[1].cpu() == positions.cpu()).sum())
    tested_on = f"{len(indices)} {name} images in {POSITIONS} positions (25 % by chance)"
    return right / (POSITIONS * len(indices)), tested_on
