"""Measures of a run's images by name: properties of their pixels, and log-odds of classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.latents.properties import COLOUR, Measure, properties_for
from sparring.metrics.classifier import ClassifierFeatures, can_be_classified, classifier_for, training_examples
from sparring.metrics.reading import Progress
from sparring.settings import nearest
from sparring.types import Dataset, DataSpec

TOWARDS = ":"
"""``A:B`` is how much an image is of class B rather than of class A."""

Pair = tuple[int | None, int]
"""Two classes, from and to; from None is from any other."""


def measures_for(
    spec: DataSpec, names: Iterable[str], dataset: Callable[[], Dataset], device: torch.device, progress: Progress
) -> dict[str, Measure]:
    """All properties of pixels that these images have, and the classes that are named, ``CLASS`` or ``A:B``.

    A class is measured by a classifier that is trained on the data's labels; only then are the data opened.

    Raises:
        UsageError: no images, a name that nothing has here, or too few labelled examples.
    """
    if spec.kind != "image":
        raise UsageError(f"directions change images, and {spec.name} holds {spec.kind}.")
    measures = dict(properties_for(spec.shape))
    pairs = {name: class_pair(spec, name) for name in names if name not in measures}
    return measures | (class_measures(spec, pairs, dataset(), device, progress) if pairs else {})


def class_measures(
    spec: DataSpec, pairs: dict[str, Pair], dataset: Dataset, device: torch.device, progress: Progress
) -> dict[str, Measure]:
    """The log-odds of classes, by a classifier that is trained on the data's labels.

    Raises:
        UsageError: too few labelled examples.
    """
    examples = training_examples(dataset)
    if not can_be_classified(examples):
        raise UsageError(f"{spec.name} has too few labelled examples to tell its classes apart.")
    classifier = classifier_for(dataset, device, progress, examples)
    return {name: log_odds(classifier, spec, *pair) for name, pair in pairs.items()}


def class_pair(spec: DataSpec, name: str) -> Pair:
    """The classes that ``CLASS`` or ``A:B`` means, each called by its name or its number.

    Raises:
        UsageError: there are no such classes; the nearest names are given. Or both ends are one class.
    """
    if name in COLOUR:
        raise UsageError(f"images without colour have no {name}.")
    known = spec.class_numbers
    if name in known:
        return None, known[name]
    before, towards, after = name.partition(TOWARDS)
    if towards and known:
        if unknown := [end for end in (before, after) if end not in known]:
            raise UsageError(f"{name}: there is no class {unknown[0]!r}.{nearest(unknown[0], spec.classes)}")
        if known[before] == known[after]:
            raise UsageError(f"{name}: both ends are the class {spec.classes[known[after]]}: name two.")
        return known[before], known[after]
    there = [*properties_for(spec.shape), *spec.classes]
    raise UsageError(f"there is no {name!r} to be changed or kept.{nearest(name, there)}")


def log_odds(classifier: ClassifierFeatures, spec: DataSpec, before: int | None, after: int) -> Measure:
    """How much an image is of one class rather than of another, or of any other: log p(after) / p(before)."""

    def measure(images: Tensor) -> Tensor:
        scores = classifier.scores(spec.decode(images)).cpu().double()
        others = scores[:, before] if before is not None else _without(scores, after).logsumexp(1)
        return scores[:, after] - others

    return measure


def _without(scores: Tensor, column: int) -> Tensor:
    return torch.cat([scores[:, :column], scores[:, column + 1 :]], 1)
