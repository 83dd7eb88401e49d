"""Labelled images made by a generator that was trained with classes, alone or to complete its training data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path

import torch
from torch import Tensor

from sparring.data.labelled import write_labelled
from sparring.errors import SparringError, UsageError
from sparring.metrics.copies import copy_finder
from sparring.metrics.reading import Progress, choose_indices, read_different
from sparring.types import Batch, Dataset, DataSource, DataSpec, Recipe

ROUND = 10_000
"""Images that are drawn before copies among them are looked for."""
MOST = 1_000_000
"""Images of a class at the most."""
MOST_COPIES = 10
"""So many copies per image that is asked for are drawn before the generator is said to make nothing else."""
TRAINING_IMAGES = 100_000
"""The most training images among which copies are looked for."""
KNOW_CLASSES = "cgan, acgan, projection, auto with --set conditional=true"


@dataclass(frozen=True)
class Augmented:
    """Generated images by class; with the real training images, where these were completed."""

    classes: tuple[str, ...]
    train: Batch
    """Images (n, C, H, W) uint8 and labels (n,): the real ones, then the generated ones, each in order of class."""
    generated: Tensor
    """Which of them are generated, (n,) bool."""
    copies: int
    """How many images were drawn and left out because they are copies of training images."""
    held_out: dict[str, Batch] = field(default_factory=dict)
    """Real images: the validation and test part where the training images were completed, else what is held out as the
    test part. So no generated image ever measures anything."""

    def counts(self) -> Tensor:
        """The numbers of real and of generated images of each class: (classes, 2) int64."""
        assert self.train.y is not None
        found = torch.bincount(2 * self.train.y + self.generated, minlength=2 * len(self.classes))
        return found.view(-1, 2)

    def save(self, out: str | Path) -> None:
        """Write FILE.npz, or a directory of pictures with dataset.json, that are read again as data with these classes.

        Raises:
            UsageError: another kind of file, or a directory that is not empty.
            SparringError: the disk refuses.
        """
        write_labelled(Path(out), self.classes, {"train": self.train, **self.held_out}, self.generated)


def check_classes(recipe: Recipe, spec: DataSpec) -> None:
    """Refuse a generator that cannot be asked for a class.

    Raises:
        UsageError: it cannot.
    """
    if spec.kind != "image":
        raise UsageError(f"only images are augmented, and {spec.name} holds {spec.kind}.")
    if spec.attributes:
        raise UsageError(f"{spec.name} has attributes in place of classes, so no image of it has a label.")
    if not spec.classes:
        raise UsageError(f"{spec.name} has no classes: put its images into one sub-folder a class and train again.")
    if not recipe.conditional:
        raise UsageError(
            f"this generator knows no classes, so nobody can say what its samples show: train one of {KNOW_CLASSES}."
        )


def augment(
    make: Callable[[Tensor], Tensor],
    spec: DataSpec,
    dataset: Callable[[], Dataset],
    per_class: int | None,
    *,
    balance: bool,
    keep_copies: bool,
    progress: Progress,
) -> Augmented:
    """Make ``per_class`` images of each class; with ``balance``, as many as complete the real ones to that number.

    Without ``per_class`` a balance completes every class to the size of the largest. ``make(labels)`` gives new images
    (n, C, H, W) uint8 of labels (n,).

    Raises:
        UsageError: numbers that make no sense, or the data are not there.
        SparringError: the generator makes too few images that are no copies.
    """
    if per_class is None and not balance:
        raise UsageError("say how many images: --per-class N, or --balance to complete the training images.")
    if per_class is not None and not (isinstance(per_class, Integral) and 1 <= per_class <= MOST):
        raise UsageError(f"--per-class {per_class} makes no sense: ask for a whole number of images, from 1 to {MOST}.")
    data = dataset()
    real = labelled(data.train) if balance else empty(spec)
    wanted = missing(spec, real, per_class)
    copied = None if keep_copies else copies_among(data.train)
    new, copies = draw_new(make, wanted, copied, spec, progress)
    assert real.y is not None
    assert new.y is not None
    train = Batch(torch.cat([real.x, new.x]), torch.cat([real.y, new.y]))
    return Augmented(spec.classes, train, torch.arange(len(train.x)) >= len(real.x), copies, held_out(data, balance))


def held_out(data: Dataset, balance: bool) -> dict[str, Batch]:
    """The labelled images that go with augmented ones: of the validation and the test part, as far as there are any.

    Beside generated images alone, only those that measure, so that nobody trains on a real one unawares.
    """
    parts = {"validation": data.validation, "test": data.test} if balance else {"test": data.held_out}
    found = {name: labelled(part) for name, part in parts.items() if part is not None}
    return {name: batch for name, batch in found.items() if len(batch.x)}


def copies_among(train: DataSource) -> Callable[[Tensor], Tensor]:
    """A function from images to which are copies of training images, TRAINING_IMAGES of them at most."""
    return copy_finder(read_different(train, choose_indices(train, TRAINING_IMAGES, 0)))


def missing(spec: DataSpec, real: Batch, per_class: int | None) -> Tensor:
    """How many images each class lacks, (classes,).

    Raises:
        UsageError: a class has too many already, or none lacks any.
    """
    assert real.y is not None
    there = torch.bincount(real.y, minlength=len(spec.classes))
    largest = int(there.max())
    wanted = largest if per_class is None else per_class
    if wanted < largest:
        name = spec.classes[int(there.argmax())]
        raise UsageError(
            f"class {name} has {largest} training images already: ask for that many (--per-class) or more."
        )
    if bool((there == wanted).all()):
        raise UsageError(f"every class has {wanted} training images already: ask for more (--per-class).")
    return wanted - there


def draw_new(
    make: Callable[[Tensor], Tensor],
    wanted: Tensor,
    copied: Callable[[Tensor], Tensor] | None,
    spec: DataSpec,
    progress: Progress,
) -> tuple[Batch, int]:
    """The ``wanted`` numbers of images (classes,), in order of class; and how many copies were left out.

    Raises:
        SparringError: nearly all are copies.
    """
    total, copies = int(wanted.sum()), 0
    lacking, parts = wanted.clone(), []
    while bool(lacking.any()):
        labels = torch.arange(len(lacking)).repeat_interleave(lacking)[:ROUND]
        images = make(labels)
        new = torch.ones(len(images), dtype=torch.bool) if copied is None else ~copied(images)
        parts.append(Batch(images[new], labels[new]))
        lacking -= torch.bincount(labels[new], minlength=len(lacking))
        copies += int((~new).sum())
        progress("making images", total - int(lacking.sum()), total)
        if copies > MOST_COPIES * total:
            names = ", ".join(spec.classes[int(c)] for c in lacking.nonzero())
            raise SparringError(
                f"{copies} of {copies + total - int(lacking.sum())} samples are copies of training images, and class "
                f"{names} still lacks {int(lacking.sum())}: the generator knows its images by heart. Train it with "
                "--set augment=diffaugment, or for fewer steps; --keep-copies takes copies too."
            )
    return in_order(parts), copies


def in_order(parts: list[Batch]) -> Batch:
    """Labelled batches as one, sorted by class."""
    x, y = torch.cat([part.x for part in parts]), torch.cat([part.y for part in parts if part.y is not None])
    order = y.argsort(stable=True)
    return Batch(x[order], y[order])


def empty(spec: DataSpec) -> Batch:
    """A batch of no images."""
    return Batch(torch.empty(0, *spec.shape, dtype=torch.uint8), torch.empty(0, dtype=torch.int64))


def labelled(source: DataSource) -> Batch:
    """All images of a part that have a label, in order of class."""
    batch = source.read(torch.arange(len(source)).numpy())
    assert batch.y is not None
    known = batch.y >= 0
    return in_order([Batch(batch.x[known], batch.y[known])])
