"""A small classifier of a data set's own labels, whose features distances between sets of images are measured on."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

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
from sparring.metrics.reading import Indices, Progress, choose_indices, labels_at, no_progress, read_chunks
from sparring.types import Dataset, DataSource

VERSION = 1
"""Part of the cache key: to be raised whenever the network or its training changes."""
FEWEST_LABELLED = 50


class ClassifierFeatures(LearnedFeatures):
    """A classifier of the data set's own labels as a feature extractor; it also tells the classes of images."""

    name: ClassVar = "classifier"
    learned_by: ClassVar = "a classifier trained on this data set's labels"


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


def _train(network: Classifier, dataset: Dataset, examples: Labelled, device: torch.device, progress: Progress) -> None:
    indices, labels = examples

    def show(chosen: Indices) -> tuple[Tensor, Tensor]:
        return scaled(dataset.train.read(indices[chosen]).x, device), labels[torch.from_numpy(chosen)].to(device)

    learn(network, len(indices), show, dataset.spec.shape, progress)


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
