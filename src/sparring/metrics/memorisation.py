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
from sparring.metrics.checks import Array, as_matrix, as_pair
from sparring.metrics.prdc import CHUNK, ROUNDING, nearest_radii, squared_distances


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

    ``train`` is what can be recognised: copies of examples that are not in it go unseen. ``nearer`` and ``ratio`` use
    as many random rows of the larger of train and held_out as the smaller has, the others all.

    Raises:
        UsageError: a part has fewer than three rows, the widths differ, or a value is not finite.
    """
    x, real, y = _centred(train, held_out, fake)
    own = nearest_radii(x, 1, CHUNK)
    distance, nearest = nearest_rows(y, x)
    real_distance, real_nearest = nearest_rows(real, x)
    to_train, to_real = _to_as_many(y, x, real, seed)
    return Memorisation(
        authentic=bootstrap_mean((distance > own[nearest]).double(), seed=seed),
        floor=bootstrap_mean((real_distance > own[real_nearest]).double(), seed=seed),
        nearer=_share_nearer(to_train, to_real, seed),
        ratio=float(((to_train + 1e-300) / (to_real + 1e-300)).sqrt().median()),
        rank=_rank(distance, real_distance),
        copies=float((distance <= ROUNDING * x.square().sum(1).mean()).double().mean()),
    )


def nearer_to_training(train: Array, held_out: Array, fake: Array, *, seed: int = 0) -> Interval:
    """``Memorisation.nearer`` alone.

    Raises:
        UsageError: as ``memorisation``.
    """
    x, real, y = _centred(train, held_out, fake)
    return _share_nearer(*_to_as_many(y, x, real, seed), seed)


def _centred(train: Array, held_out: Array, fake: Array) -> tuple[Tensor, Tensor, Tensor]:
    """The three checked, and moved alike to where distances lose least to rounding."""
    x, real = as_pair(train, held_out, ("training features", "held-out features"), least=3)
    _, y = as_pair(train, fake, ("training features", "samples' features"), least=3)
    centre = x.mean(0)
    return x - centre, real - centre, y - centre


def _to_as_many(y: Tensor, x: Tensor, real: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Squared distances (m,) of each of y to the nearest of x and of real, of as many random rows of each."""
    generator = torch.Generator().manual_seed(seed)
    few = min(len(x), len(real))
    parts = (v[torch.randperm(len(v), generator=generator)[:few].to(v.device)] for v in (x, real))
    to_train, to_real = (nearest_rows(y, part)[0] for part in parts)
    return to_train, to_real


def _share_nearer(to_train: Tensor, to_real: Tensor, seed: int) -> Interval:
    return bootstrap_mean((to_train < to_real).double() + (to_train == to_real).double() / 2, seed=seed)


def nearest_rows(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Squared distances (n,) from float64 rows a (n, d) to the nearest rows of b (m, d), and which those are (n,)."""
    found = [squared_distances(part, b).min(1) for part in torch.split(a, CHUNK)]
    return torch.cat([f.values for f in found]), torch.cat([f.indices for f in found])


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
    count = round(share * len(fake))
    if not 0 <= share <= 1 or count > len(train) or fake.shape[1:] != train.shape[1:]:
        raise UsageError(f"cannot plant a share {share} of {tuple(train.shape)} in {tuple(fake.shape)}")
    generator = torch.Generator().manual_seed(seed)
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
