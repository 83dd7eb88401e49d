"""Features of images: what the distances between sets of images are measured on."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.classifier import ClassifierFeatures, can_be_classified, classifier_for, training_examples
from sparring.metrics.dinov2 import VARIANTS, DINOv2Features
from sparring.metrics.inception import InceptionFeatures
from sparring.metrics.random_convolutions import RandomConvolutions
from sparring.metrics.reading import Progress, no_progress
from sparring.metrics.rotations import rotations_for
from sparring.types import Dataset

NAMES = ("auto", "rotations", "random-conv", "inception", "inception-stylegan", *(f"dinov2-{s}" for s in VARIANTS))
"""What ``named_features`` knows."""


class Features(Protocol):
    """A map from images to feature vectors; deterministic, and the same whatever else is in the batch.

    Images are uint8, as stored. Float ones in [-1, 1], as networks make them, are not rounded: for the path length.
    """

    @property
    def name(self) -> str:
        """What a distance on these features is called after: ``FD-<name>``."""
        ...

    @property
    def ranking_only(self) -> bool:
        """Figures on these features order models of one data set; their size means nothing by itself."""
        ...

    @property
    def note(self) -> str:
        """What a reader of figures must know about the features, in one line."""
        ...

    def __call__(self, images: Tensor) -> Tensor:
        """Features (n, d) float32 of images (n, C, H, W), on the device of the extractor."""
        ...


def features_for(
    dataset: Dataset, device: str | torch.device = "cpu", progress: Progress = no_progress
) -> ClassifierFeatures | RandomConvolutions:
    """The best features that the data set allows: a classifier of its own labels, else random convolutions.

    Not ``rotations``: they rank damages better on photographs, worse on drawn digits (``benchmarks/README.md``).
    The classifier is trained at the first call and cached on disk. torch's global random state is left as it was.

    Raises:
        UsageError: the data set does not hold images.
    """
    if dataset.spec.kind != "image":
        raise UsageError(
            f"features are for images, and {dataset.spec.name or 'this data set'} holds {dataset.spec.kind}"
        )
    examples = training_examples(dataset)
    if can_be_classified(examples):
        return classifier_for(dataset, device, progress, examples)
    return RandomConvolutions(dataset, device)


def named_features(
    name: str,
    dataset: Dataset,
    device: str | torch.device = "cpu",
    progress: Progress = no_progress,
    *,
    download: bool = False,
) -> Features:
    """The features of one of the NAMES: ``auto`` is ``features_for``, ``inception`` is resized as clean-fid does.

    Those of papers need a file, which ``download`` allows to fetch.

    Raises:
        UsageError: another name, data that are no images, or a file that is missing.
    """
    if name == "auto" or dataset.spec.kind != "image":
        return features_for(dataset, device, progress)
    if name == "rotations":
        return rotations_for(dataset, device, progress)
    if name == "random-conv":
        return RandomConvolutions(dataset, device)
    if name == "inception":
        return InceptionFeatures(protocol="clean", download=download, device=device)
    if name == "inception-stylegan":
        return InceptionFeatures(protocol="stylegan", download=download, device=device)
    if name in NAMES:
        return DINOv2Features(name.removeprefix("dinov2-"), download=download, device=device)
    raise UsageError(f"there are no features {name!r}: choose one of {', '.join(NAMES)}")
