"""How good samples are: every figure beside its floor, the same figure for held-out real data in their place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from numbers import Integral
from typing import Any, NamedTuple

import torch
from rich.table import Table
from rich.text import Text
from torch import Tensor

from sparring.errors import SparringError, UsageError
from sparring.metrics.balance import class_balance
from sparring.metrics.bootstrap import share_error
from sparring.metrics.checks import check_whole, covariance_warning
from sparring.metrics.classifier import ClassifierFeatures
from sparring.metrics.copies import copy_finder, numbers_compared
from sparring.metrics.features import Features, features_for
from sparring.metrics.figures import FEWEST, FEWEST_BINS, Comparison, Figure, Once, distance_names
from sparring.metrics.inception import InceptionFeatures
from sparring.metrics.memorisation import FEWEST as FEWEST_COMPARED
from sparring.metrics.memorisation import Search
from sparring.metrics.more_figures import Seen, more_figures
from sparring.metrics.nearest import different
from sparring.metrics.point_figures import point_figures
from sparring.metrics.prdc import K
from sparring.metrics.reading import (
    READ,
    Progress,
    choose_indices,
    draw,
    no_progress,
    read_chunks,
    read_different,
)
from sparring.types import Dataset, DataSource, DataSpec

__all__ = ["Evaluation", "Figure", "evaluate"]

FEW = 1000
"""With fewer samples than this, a warning says that figures are uncertain."""
VALUES = 1 << 22
"""How many values of samples are checked and decoded at a time."""
ALIKE = 1e-6
"""Features whose deviation is this share of their size vary by float32's rounding only."""
MOST_SEARCHED = 1 << 24
"""How many numbers the features of the training images that are searched may have (262 144 times 64)."""
MOST_COMPARED = 1 << 27
"""How many numbers the training images may have whose pixels are compared (171 196 times 28 x 28)."""


@dataclass(frozen=True)
class Evaluation:
    """All figures of one evaluation of n samples, with notes for their reader."""

    figures: tuple[Figure, ...]
    features: str
    """Name of the features that the figures are measured on; empty for points."""
    n: int
    seed: int
    notes: tuple[str, ...]

    def __getitem__(self, name: str) -> Figure:
        """The figure of this name.

        Raises:
            KeyError: there is none.
        """
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """The evaluation as JSON values."""
        return asdict(self) | {"figures": [asdict(f) for f in self.figures], "notes": list(self.notes)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Evaluation:
        """The evaluation that ``to_json`` wrote."""
        figures = tuple(Figure(**figure) for figure in values["figures"])
        return cls(figures, values["features"], values["n"], values["seed"], tuple(values["notes"]))

    def to_table(self) -> Table:
        """A table for people, the notes below it."""
        # Names come from the data, and as Text they are no markup.
        notes = Text("\n".join(self.notes), style="table.caption")
        table = Table(title=f"{self.n} samples", caption=notes, caption_justify="left")
        for heading in ("figure", "samples", "real, held out", "better", ""):
            right = heading in ("samples", "real, held out")
            table.add_column(heading, justify="right" if right else "left", no_wrap=heading != "")
        for f in self.figures:
            table.add_row(Text(f.name), f.said(), f.said_floor(), f.better, Text(f.note))
        return table


def evaluate(
    sample: Callable[[int], Tensor],
    dataset: Dataset,
    *,
    n: int = 10_000,
    device: str | torch.device = "cpu",
    progress: Progress = no_progress,
    seed: int = 0,
    features: Features | None = None,
    once: Once | None = None,
    more: bool = False,
) -> Evaluation:
    """Measure a generator against a data set.

    ``sample(n)`` is called once and gives n examples in network values, float (n, *shape): images in [-1, 1], which are
    rounded to uint8 as the data are; or uint8 images. The reference is N examples of the training part, and every floor
    is the same figure for N examples of the test part (else the validation part) in place of the samples; N is ``n`` or
    the size of the smaller part. ``seed`` draws those examples. The same call with the same samples gives the same
    bits. Calls that differ in their samples only may share ``once``, so that floors are computed once for all.

    Images, on ``features`` or else on those of ``features_for``: Fréchet distance ``FD-<features>``, the same at N = ∞,
    kernel distance ``KD-<features>``, different bins, two-sample test, precision, recall, density and coverage (k = 5),
    what tells of copies, and the distance of the class shares where there are labels. Bins and copies are of the whole
    training part, as far as MOST_SEARCHED and MOST_COMPARED allow. With ``more`` those of ``more_figures``, too.
    Points: see ``point_figures``.

    Raises:
        UsageError: a part is too small, the training images are all alike, or the samples have another shape.
        SparringError: some samples are not finite.
    """
    check_whole(0, seed=seed)
    notes, once, held_out = list(dataset.notes), once or Once(), dataset.held_out
    if held_out is None:
        notes.append("nothing is held out of this data set, so no figure has a floor to be read against")
    elif dataset.test is None:
        notes.append("no test part: the floor is of the validation part, which also chose the best checkpoint")
    size = _size(n, dataset.train, held_out)
    if size < n:
        notes.append(f"N = {size}, not {n}: a part of these data has no more examples")
    fakes = _samples(sample, size, dataset.spec, notes)
    reference = draw(dataset.train, size, seed)
    real = None if held_out is None else draw(held_out, size, seed)
    if size < FEW:
        notes.append(f"WARNING: N = {size} is under {FEW}: every figure is uncertain, compare only at the same N")
    if dataset.spec.shape == (1,):
        notes.append(
            "the floor is of independent points: it has a sampling noise that samples of stratified latent codes "
            "do not have, so they may lie below it"
        )
    if dataset.spec.kind == "points":
        figures = point_figures(fakes, real, reference, dataset.density, once)
        return Evaluation(tuple(figures), "", size, seed, tuple(notes))
    if features is None:
        features = features_for(dataset, device, progress)
    notes.append(features.note)
    figures = _image_figures(fakes, real, reference, dataset, features, notes, progress, seed, once, more)
    return Evaluation(tuple(figures), features.name, size, seed, tuple(notes))


def _size(n: int, train: DataSource, held_out: DataSource | None) -> int:
    """N: what was asked for, or the size of the smaller part.

    Raises:
        UsageError: that is too small.
    """
    if not isinstance(n, Integral):
        raise UsageError(f"n = {n}: the number of samples must be a whole number")
    if n <= K:
        raise UsageError(f"n = {n} samples are too few: at least {K + 1} are needed, {FEW} to say anything")
    size = min(n, len(train), len(train) if held_out is None else len(held_out))
    if len(train) <= K:
        raise UsageError(f"{len(train)} training examples are too few to evaluate with: give at least {K + 1}")
    if size <= K:
        raise UsageError(
            f"{size} held-out examples are too few to evaluate with, at least {K + 1} are needed: give more data, or "
            "train with --set holdout=0.3 (0.5 at most; for images without a test part of their own)"
        )
    return size


def _samples(sample: Callable[[int], Tensor], n: int, spec: DataSpec, notes: list[str]) -> Tensor:
    """N samples as stored values on the CPU, checked; warnings go to the notes."""
    x = sample(n)
    if not isinstance(x, Tensor):
        raise UsageError(f"asked for samples as a tensor, got a {type(x).__name__}")
    x = x.detach()
    if tuple(x.shape) != (n, *spec.shape):
        raise UsageError(f"asked for samples of shape {(n, *spec.shape)}, got {tuple(x.shape)}")
    if spec.kind == "image" and x.dtype == torch.uint8:
        return x.cpu()
    if not x.is_floating_point():
        raise UsageError(f"samples must be floating-point numbers, got {x.dtype}")
    parts = torch.split(x, max(1, VALUES // spec.size))
    broken = sum(int((~torch.isfinite(part)).flatten(1).any(1).sum()) for part in parts)
    if broken:
        raise SparringError(f"{broken} of {n} samples hold NaN or infinity: the generator has diverged")
    if spec.kind == "points":
        return x.float().cpu()
    outside = sum(int((part.abs() > 1.01).sum()) for part in parts) / x.numel()
    if outside > 0.001:
        notes.append(f"WARNING: {100 * outside:.1f} % of the samples' values lie outside [-1, 1] and were clipped")
    if all(bool((part >= 0).all()) for part in parts):
        notes.append("WARNING: no value of the samples is below 0: black is -1 and white is 1; do they lie in [0, 1]?")
    stored = torch.empty(x.shape, dtype=torch.uint8)
    for into, part in zip(torch.split(stored, len(parts[0])), parts, strict=True):
        into.copy_(spec.decode(part))
    return stored


def _image_figures(
    fakes: Tensor,
    real: Tensor | None,
    reference: Tensor,
    dataset: Dataset,
    features: Features,
    notes: list[str],
    progress: Progress,
    seed: int,
    once: Once,
    more: bool,
) -> list[Figure]:
    n, steps = len(fakes), 7
    ours = _extract(features, fakes)
    progress("measuring", 1, steps)
    theirs = None if real is None else once("held out", lambda: _extract(features, real))
    progress("measuring", 2, steps)
    base = once("reference", lambda: _extract(features, reference))
    progress("measuring", 3, steps)
    held_out = None if theirs is None else theirs[0]
    _check_variety(reference, base[0], notes)
    compare = Comparison(base[0], ours[0], held_out, seed, "for ranking only" if features.ranking_only else "", once)
    if warning := covariance_warning(n, base[0].shape[1]):
        notes.append(warning)
    distance, at_infinity, kernel = distance_names(features, n)
    figures = [compare.frechet(distance)]
    progress("measuring", 4, steps)
    if n < FEWEST:
        notes.append(f"N = {n} is under {FEWEST}: only the figures that so few samples allow")
    else:
        training = once("training", lambda: _training(reference, base[0], dataset.train, features, seed))
        figures += compare.tests(at_infinity, kernel, training.features)
        if "different bins" not in {figure.name for figure in figures}:
            notes.append(f"different bins are left out: too few examples for {FEWEST_BINS} of them")
    progress("measuring", 5, steps)
    figures += compare.neighbours()
    progress("measuring", 6, steps)
    if n >= FEWEST:
        figures.append(_near_copies(fakes, real, dataset.train, seed, once))
    if n >= FEWEST and held_out is not None:
        if len(different(held_out)) < 2 * FEWEST_COMPARED:
            notes.append("authenticity is left out: nearly all held-out images repeat each other")
        else:
            search = once("search", lambda: Search(training.features[training.different], held_out, seed=seed))
            figures += compare.copies(search, training.said)
    progress("measuring", 7, steps)
    if ours[1] is not None and base[1] is not None:
        real_labels = None if theirs is None else theirs[1]
        figures.append(_class_figure(ours[1], real_labels, base[1], dataset.spec.classes, seed))
    if more and n >= FEWEST:
        progress("measuring more", 0, 1)
        seen = None if real is None or held_out is None else Seen(real, held_out)
        sides = Seen(reference, base[0]), Seen(fakes, ours[0]), seen
        figures += more_figures(*sides, _probabilities(features), seed, once)
        progress("measuring more", 1, 1)
    return figures


def _probabilities(features: Features) -> Callable[[Tensor], Tensor] | None:
    """A function from images (n, C, H, W) to probabilities (n, classes), where the features are of a classifier."""
    if isinstance(features, ClassifierFeatures):
        return lambda images: features.scores(images).softmax(1)
    return features.probabilities if isinstance(features, InceptionFeatures) else None


def _check_variety(reference: Tensor, base: Tensor, notes: list[str]) -> None:
    """Raise UsageError unless enough training images (n, C, H, W) differ, and in their features (n, d) too."""
    if (count := len(different(reference))) <= K:
        raise UsageError(
            f"only {count} of the {len(reference)} training images to compare with are different ones: no figure means "
            f"anything with fewer than {K + 1}"
        )
    if count < len(reference) / 2:
        notes.append(
            f"WARNING: only {count} of the {len(reference)} training images to compare with are different ones: what "
            "nearest neighbours tell (precision to coverage) means little"
        )
    if bool((base.std(0) <= ALIKE * base.abs().amax(0)).all()):
        raise UsageError(
            "all training images have the same features, so any samples would look right: give images that differ, "
            "or take other features"
        )


def _extract(features: Features, images: Tensor) -> tuple[Tensor, Tensor | None]:
    """Features, and predicted labels where the features come from a classifier; both on the CPU."""
    if isinstance(features, ClassifierFeatures):
        found, labels = features.classify(images)
        return found.cpu(), labels.cpu()
    return features(images).cpu(), None


class _Training(NamedTuple):
    """What is known of the training part, or of as much of it as MOST_SEARCHED allows."""

    features: Tensor
    """(n, d)"""
    different: Tensor
    """Positions (k,) of those that repeat no other image."""
    said: str
    """How many of how many these are."""


def _training(reference: Tensor, base: Tensor, train: DataSource, features: Features, seed: int) -> _Training:
    """``base`` are the features of the images ``reference``, the least that is searched."""
    indices = choose_indices(train, MOST_SEARCHED // base.shape[1], seed)
    if len(indices) <= len(reference):
        return _Training(base, different(reference), f"{len(reference)} of {len(train)}")
    seen: set[bytes] = set()
    found, once = [], []
    for start, batch in zip(range(0, len(indices), READ), read_chunks(train, indices), strict=True):
        found.append(features(batch.x).cpu())
        once.append(start + different(batch.x, seen))
    return _Training(torch.cat(found), torch.cat(once), f"{len(indices)} of {len(train)}")


def _near_copies(fakes: Tensor, real: Tensor | None, train: DataSource, seed: int, once: Once) -> Figure:
    """The share of images that are copies of training images, exact ones or nearly, by their pixels."""
    indices = choose_indices(train, MOST_COMPARED // numbers_compared(train.spec.shape), seed)
    find = once("copies", lambda: copy_finder(read_different(train, indices)))

    def share(images: Tensor) -> tuple[float, float]:
        found = float(find(images).double().mean())
        return found, share_error(found, len(images))

    (value, error), n = share(fakes), len(fakes)
    floor, floor_error = (None, None) if real is None else once("near copies", lambda: share(real))
    note = f"share; among {len(indices)} of {len(train)} training images"
    return Figure("near copies", value, floor, n, "lower", note, error, floor_error)


def _class_figure(fakes: Tensor, real: Tensor | None, reference: Tensor, classes: tuple[str, ...], seed: int) -> Figure:
    balance = class_balance(reference, fakes, len(classes), seed=seed)
    floor = None if real is None else class_balance(reference, real, len(classes), seed=seed)
    missing, unsure = (", ".join(classes[c] for c in found) for found in (balance.missing, balance.unsure))
    said = [f"missing: {missing}" if missing else "" if unsure else "none missing"]
    said += [f"too few samples to tell: {unsure}" if unsure else ""]
    return Figure(
        "class distance",
        balance.distance,
        None if floor is None else floor.distance,
        len(fakes),
        "lower",
        "; ".join(filter(None, said)),
        balance.error,
        None if floor is None else floor.error,
    )
