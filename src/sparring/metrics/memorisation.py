"""Whether samples are copies of training examples.

Authenticity: Alaa et al. 2022 (arXiv:2102.08921), section 3.3: a sample is authentic if it is further from its nearest
training example than that example is from its own nearest other one. Rank: Meehan, Chaudhuri and Dasgupta 2020
(arXiv:2004.05675), section 4, with a single cell: the Mann-Whitney statistic of the distances to the training examples,
those of samples against those of held-out examples, as a standard normal z under the null; far below 0 is copying.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import scipy.stats
import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.bootstrap import Interval, bootstrap_mean
from sparring.metrics.checks import Array, as_matrix, as_pair, seeded
from sparring.metrics.nearest import different, nearest_rows
from sparring.metrics.prdc import ROUNDING

NAMES = ("training features", "samples' features")
FEWEST = 3
"""Rows of each part, all of them different where they are real."""


class Memorisation(NamedTuple):
    """What tells of copies; each with its value where there are none."""

    authentic: Interval
    """Share of authentic samples; to be read against ``floor``."""
    floor: Interval
    """Share of authentic held-out examples."""
    nearer: Interval
    """Share of samples nearer to a training example than to any of as many held-out ones; ½."""
    ratio: float
    """Median over samples of distance to the training examples / to as many held-out ones; 1."""
    rank: float
    """Meehan's z; 0 ± 1 where samples are as far from the training examples as held-out ones are."""
    copies: float
    """Share of samples that are equal to a training example, to rounding; 0 unless the data repeat themselves."""


def memorisation(train: Array, held_out: Array, fake: Array, *, seed: int = 0) -> Memorisation:
    """Look for training examples among samples: features train (n, d), held_out (h, d), fake (m, d).

    ``train`` is what can be recognised: copies of examples that are not in it go unseen. Rows of train and of held_out
    that repeat each other count once. ``nearer`` and ``ratio`` use as many random rows of the larger of the two as the
    smaller has, the others all.

    Raises:
        UsageError: train or held_out has fewer than three different rows or fake fewer than three, the widths differ,
            or a value is not finite.
    """
    return Search(train, held_out, seed=seed)(fake)


def nearer_to_training(train: Array, held_out: Array, fake: Array, *, seed: int = 0) -> Interval:
    """``Memorisation.nearer`` alone.

    Raises:
        UsageError: as ``memorisation``.
    """
    x, real = _different_pair(train, held_out)
    _, y = as_pair(x, fake, NAMES, least=FEWEST)
    to_train, to_real = (nearest_rows(y, part)[0] for part in _as_many(x, real, seed))
    return _share_nearer(to_train, to_real, seed)


class Search:
    """``memorisation`` of several sets of samples: what depends on the real examples alone is measured once."""

    def __init__(self, train: Array, held_out: Array, *, seed: int = 0) -> None:
        """As ``memorisation``, for train (n, d) and held_out (h, d)."""
        x, real = _different_pair(train, held_out)
        # Moved to where products lose least to rounding.
        self.centre = x.mean(0)
        self.train, self.held_out, self.seed = x - self.centre, real - self.centre, seed
        self.held_out_distance, nearest = nearest_rows(self.held_out, self.train)
        self.floor = self._authentic(self.held_out_distance, nearest)

    def __call__(self, fake: Array) -> Memorisation:
        """The figures of samples (m, d)."""
        _, y = as_pair(self.train, fake, NAMES, least=FEWEST)
        y = y - self.centre
        distance, nearest = nearest_rows(y, self.train)
        to_train, to_real = (nearest_rows(y, part)[0] for part in _as_many(self.train, self.held_out, self.seed))
        return Memorisation(
            authentic=self._authentic(distance, nearest),
            floor=self.floor,
            nearer=_share_nearer(to_train, to_real, self.seed),
            ratio=float(((to_train + 1e-300) / (to_real + 1e-300)).sqrt().median()),
            rank=_rank(distance[:, 0], self.held_out_distance[:, 0]),
            copies=float((distance <= ROUNDING * self.train.square().sum(1).mean()).double().mean()),
        )

    def _authentic(self, distance: Tensor, nearest: Tensor) -> Interval:
        """The share of examples whose nearest training example (m, 1) has one of its own kind nearer than they are."""
        which, back = torch.unique(nearest[:, 0], return_inverse=True)
        own, found = nearest_rows(self.train[which], self.train, 2)
        # The nearest is the example itself, unless rounding lost it among many that are as near.
        own = torch.where(found[:, 0] == which, own[:, 1], own[:, 0])
        return bootstrap_mean((distance[:, 0] > own[back]).double(), seed=self.seed)


def _different_pair(train: Array, held_out: Array) -> tuple[Tensor, Tensor]:
    """The different rows of each, checked."""
    names = (NAMES[0], "held-out features")
    x, real = (v[different(v)] for v in as_pair(train, held_out, names, least=FEWEST))
    for name, rows in zip(names, (x, real), strict=True):
        if len(rows) < FEWEST:
            raise UsageError(f"{name}: {len(rows)} different rows are too few, at least {FEWEST} are needed")
    return x, real


def _as_many(x: Tensor, real: Tensor, seed: int) -> list[Tensor]:
    """As many random rows of each."""
    generator = seeded(seed)
    few = min(len(x), len(real))
    return [v[torch.randperm(len(v), generator=generator)[:few].to(v.device)] for v in (x, real)]


def _share_nearer(to_train: Tensor, to_real: Tensor, seed: int) -> Interval:
    return bootstrap_mean((to_train < to_real).double() + (to_train == to_real).double() / 2, seed=seed)


def _rank(fake: Tensor, real: Tensor) -> float:
    """z of the number of pairs in which the sample is the further one (Mann and Whitney 1947), ties counted half."""
    m, h = len(fake), len(real)
    ranks = torch.from_numpy(scipy.stats.rankdata(torch.cat([fake, real]).cpu().numpy()))
    u = ranks[:m].sum() - m * (m + 1) / 2
    # Var(U) = m h (m + h + 1) / 12, less what ties take away.
    counts = torch.unique(ranks, return_counts=True)[1].double()
    n = m + h
    variance = m * h / 12 * (n + 1 - (counts**3 - counts).sum() / (n * (n - 1)))
    return float((u - m * h / 2) / variance.sqrt()) if variance > 0 else 0.0


def plant_copies(fake: Array, train: Array, share: float, *, seed: int = 0) -> Tensor:
    """``fake`` (m, …) with a random share of its rows replaced by different rows of ``train`` (n, …): known copies.

    Works on features, points and images alike.

    Raises:
        UsageError: the share is not in [0, 1] or train is too small.
    """
    fake, train = torch.as_tensor(fake), torch.as_tensor(train)
    count = round(share * len(fake)) if 0 <= share <= 1 else -1
    if not 0 <= count <= len(train) or fake.shape[1:] != train.shape[1:]:
        raise UsageError(f"cannot plant a share {share} of {tuple(train.shape)} in {tuple(fake.shape)}")
    generator = seeded(seed)
    planted = fake.clone()
    where = torch.randperm(len(fake), generator=generator)[:count].to(fake.device)
    which = torch.randperm(len(train), generator=generator)[:count].to(train.device)
    planted[where] = train[which].to(fake)
    return planted


def planted_copies(
    train: Array,
    held_out: Array,
    fake: Array,
    *,
    shares: Iterable[float] = (0.0, 0.01, 0.05, 0.2),
    seed: int = 0,
) -> dict[float, Memorisation]:
    """The positive control: ``memorisation`` of these features with known shares of copies planted in the samples.

    A measure that does not move at a share cannot be trusted to say that there are fewer copies than that.
    """
    as_matrix(train, "training features")
    return {
        share: memorisation(train, held_out, plant_copies(fake, train, share, seed=seed), seed=seed) for share in shares
    }
