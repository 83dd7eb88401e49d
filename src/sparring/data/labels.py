"""Few labels: which training examples keep theirs, drawn by seed, as many of each class; the rest go unlabelled."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sparring.data.source import Hidden
from sparring.errors import UsageError
from sparring.types import Dataset


def keep_labels(dataset: Dataset, per_class: int, seed: int) -> Dataset:
    """The same data, whose training part shows the labels of ``per_class`` examples of each class only.

    Of the validation part none is shown; the test part keeps its labels, as it only measures.

    Raises:
        UsageError: the data have no classes, or some class has fewer labels than asked for.
    """
    labels = known_labels(dataset)
    kept = draw_labelled(labels, dataset.spec.classes, per_class, seed, dataset.spec.name)
    hidden = np.full_like(labels, -1)
    hidden[kept] = labels[kept]
    shown = hashlib.blake2b(hidden.tobytes(), digest_size=8).hexdigest()
    validation = dataset.validation
    return replace(
        dataset,
        train=Hidden(dataset.train, hidden),
        validation=None if validation is None else Hidden(validation, np.full(len(validation), -1)),
        fingerprint=f"{dataset.fingerprint}-{shown}",
        notes=(*dataset.notes, f"labels: {len(kept)} of {len(labels)} training images keep theirs"),
    )


def known_labels(dataset: Dataset) -> NDArray[np.int64]:
    """The labels of all training examples (n,), -1 where there is none.

    Raises:
        UsageError: the data have no classes.
    """
    spec = dataset.spec
    labels = dataset.train.labels
    if spec.attributes:
        names = ", ".join(attribute.name for attribute in spec.attributes)
        raise UsageError(
            f"the labels of {spec.name} are numbers ({names}), no classes: give each image one whole number, or null."
        )
    if labels is None or len(spec.classes) < 2:
        raise UsageError(
            f"{spec.name} has no two classes to tell apart: name them by sub-folders, dataset.json or an array 'labels'"
        )
    return labels


def draw_labelled(
    labels: NDArray[np.int64], classes: tuple[str, ...], per_class: int, seed: int, name: str
) -> NDArray[np.int64]:
    """Positions of the examples that keep their labels, ascending: ``per_class`` of each class, drawn by ``seed``.

    Raises:
        UsageError: some class has fewer.
    """
    counts = np.bincount(labels[labels >= 0], minlength=len(classes))
    if (counts < per_class).any():
        least = int(counts.argmin())
        raise UsageError(
            f"{name} has {counts[least]} labelled training images of the class {classes[least]!r}, fewer than the "
            f"{per_class} a class that are asked for: ask for fewer, or label more."
        )
    random = np.random.default_rng(seed)
    drawn = [random.permutation(np.flatnonzero(labels == c))[:per_class] for c in range(len(classes))]
    return np.sort(np.concatenate(drawn))
