"""What else is measured on the samples that rank a checkpoint: variety, copies, missing classes and modes."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from sparring.metrics.copies import RATIO
from sparring.metrics.nearest import different, nearest_rows
from sparring.metrics.points import modes_found
from sparring.metrics.prdc import CHUNK, K, nearest_radii, prdc, squared_distances
from sparring.metrics.ranking import PointRanking, Ranking, reference_part
from sparring.metrics.reading import choose_indices, labels_at
from sparring.types import Dataset

LARGEST = 1000
"""Training examples, and samples, that are compared with one another."""
LARGEST_SEARCHED = 4000
"""Training examples among which copies are looked for."""
SEED = 1
FEWEST_LABELLED = 5
"""Labelled examples of each class below which samples are not classified by their neighbours."""

Surveyed = dict[str, float]


class SampleSurvey:
    """Compares samples with training examples on the ranking's features. The names of what it finds:

    ``sample_precision`` and ``sample_recall`` are those of ``metrics.prdc``. ``sample_spacing`` is the distance of
    samples from their nearest neighbours over that of as many training examples, geometric means: 0 where all samples
    are alike, 1 for real examples. ``sample_to_train`` is the median over samples of the distance to the nearest
    training example, over that example's own distance to its nearest neighbour: 0 for copies, about 1 for new real
    examples (images only: of toys there are as many points as one likes); ``sample_copies`` is the share of samples
    for which it is below RATIO. ``class_0`` … are the shares of classes among the samples by their K nearest labelled
    neighbours; ``sample_modes`` and ``sample_on_modes`` are the share of a mixture's modes that are found, each with a
    tenth of what is due to it, and the share of samples on any. Training examples that repeat each other count once.

    ``floors`` has the figures of other training examples, and the ranking's, under names that begin with ``real_``;
    and ``real_held_out``, how many examples that is measured against. Where the ranking's reference is the training
    part there is no floor of its figure: that would be 0. ``real_to_train`` and ``real_copies`` leave each training
    example out once, as if it were new: of a small set more can be left out than is held out.
    """

    def __init__(self, dataset: Dataset, rank: Ranking) -> None:
        """Deterministic; torch's random state is left as it was."""
        self.rank, self.spec = rank, dataset.spec
        reference = reference_part(dataset)
        self.held_out = 0 if reference is dataset.train else len(reference)
        positions = choose_indices(dataset.train, LARGEST_SEARCHED, SEED)
        np.random.default_rng(SEED).shuffle(positions)
        x = dataset.train.read(positions).x
        self.drawn = rank.features(self.spec.encode(x)).double()
        # Different examples with different features: the last bits of these depend on an example's place.
        once = different(x).to(self.drawn.device)
        once = once[different(self.drawn[once])]
        self.searched, positions = self.drawn[once], positions[once.cpu().numpy()]
        self.radii = nearest_radii(self.searched, 1, CHUNK) if len(positions) > 1 else torch.empty(0)
        half = min(LARGEST, len(positions) // 2)
        self.reference, self.others = self.searched[:half], self.searched[half : 2 * half]
        self.classes = len(self.spec.classes)
        labels = labels_at(dataset.train, positions) if self.classes else torch.empty(0, dtype=torch.int64)
        self.labelled = labels >= 0
        self.labels = labels[self.labelled].to(self.searched.device)

    def __call__(self, features: Tensor) -> Surveyed:
        """The figures of samples by their features (n, d); what has no meaning for these data is left out."""
        x = features.double()
        found = self.figures(x) | (copied(self.nearness(x[:LARGEST])) if self.searches(2) else {})
        return {f"sample_{name}": value for name, value in found.items()} | self.class_shares(x)

    def floors(self) -> Surveyed:
        """The same figures of other training examples than the reference, and the ranking's figure for as many."""
        found = {f"real_{name}": value for name, value in self.figures(self.others).items()}
        if self.searches(3):
            found |= {f"real_{name}": value for name, value in copied(self.left_out()).items()}
        found["real_held_out"] = self.held_out
        return found | ({"real_figure": self.rank.figure(self.drawn[: self.rank.n])} if self.held_out else {})

    def figures(self, x: Tensor) -> Surveyed:
        """The figures of examples (n, d)."""
        found: Surveyed = {}
        few = x[: len(self.reference)]
        if min(len(few), len(self.reference)) > K:
            compared = prdc(self.reference, few)
            found |= {"precision": compared.precision, "recall": compared.recall}
            found["spacing"] = spacing(few) / spacing(self.reference[: len(few)])
        if isinstance(self.rank, PointRanking) and self.rank.modes is not None and self.rank.density is not None:
            modes = modes_found(x.float(), self.rank.modes, self.rank.density.sigma)
            found |= {"modes": modes.found_strictly / modes.of, "on_modes": modes.high_quality / modes.ceiling}
        return {name: value for name, value in found.items() if math.isfinite(value)}

    def searches(self, least: int) -> bool:
        """Whether copies are looked for, among so many training examples or more."""
        return self.spec.kind == "image" and len(self.searched) >= least

    def nearness(self, x: Tensor) -> Tensor:
        """Of examples (n, d) the distance to the nearest training example over that one's own to its nearest, (n,)."""
        distance, nearest = nearest_rows(x, self.searched)
        return (distance / self.radii[nearest]).sqrt().flatten()

    def left_out(self) -> Tensor:
        """The same of each training example, the others being all there are, (n,)."""
        distances, rows = nearest_rows(self.searched, self.searched, 3)
        nearest, itself = rows[:, 1], torch.arange(len(rows), device=rows.device)
        radii = torch.where(rows[nearest, 1] == itself, distances[nearest, 2], distances[nearest, 1])
        return (distances[:, 1] / radii).sqrt()

    def class_shares(self, x: Tensor) -> Surveyed:
        """The share of each class among examples (n, d), each classified by its nearest labelled neighbours."""
        if self.classes < 2 or len(self.labels) < FEWEST_LABELLED * self.classes:
            return {}
        known = self.searched[self.labelled]
        nearest = torch.cat(
            [squared_distances(part, known).topk(K, largest=False).indices for part in torch.split(x, CHUNK)]
        )
        labels = self.labels[nearest].mode(1).values
        shares = torch.bincount(labels, minlength=self.classes).double() / len(x)
        return {f"class_{number}": share for number, share in enumerate(shares.tolist())}


def copied(nearness: Tensor) -> Surveyed:
    """How near examples are to training examples, by ``nearness`` (n,): ``to_train`` and ``copies``.

    What is not finite is left out, and all of it if nothing else is there.
    """
    known = nearness[nearness.isfinite()]
    if not len(known):
        return {}
    return {"to_train": float(known.quantile(0.5)), "copies": float((known < RATIO).double().mean())}


def spacing(x: Tensor) -> float:
    """The geometric mean distance of examples (n, d), n > 1, from their nearest others."""
    return float((nearest_radii(x, 1, CHUNK).clamp_min(1e-30).log().mean() / 2).exp())
