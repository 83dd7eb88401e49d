"""How many different examples a generator makes, by the birthday paradox.

Arora and Zhang 2018 (arXiv:1706.08224): if a batch of n samples holds a pair of near-duplicates with probability p, the
support is about as large as that of a uniform distribution over::

    s = n² / (2 ln (1 / (1 − p)))

The authors look at the closest pairs and say which are duplicates. Here a threshold does, calibrated on real data: the
distance that one real example in a hundred (``rarity``) has to its nearest other one. So the figure of real data by the
same threshold is the one to read it against, and it depends on the number of real examples.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.checks import Array, as_matrix, check_whole, seeded
from sparring.metrics.prdc import CHUNK, nearest_radii, squared_distances

MOST_PAIRS = 100_000


class Support(NamedTuple):
    """The size of the support; where no pair was found it is only known to be at least that."""

    size: float
    at_least: bool
    batch: int
    """The batch size that about half of all batches hold a near-duplicate at; all samples, where there is no pair."""


def duplicate_threshold(real: Array, *, rarity: float = 0.01) -> float:
    """The distance within which a share ``rarity`` of the real features (n, d) have another one.

    Raises:
        UsageError: there are fewer than 1 / rarity rows, or a value is not finite.
    """
    if not 0 < rarity < 1:
        raise UsageError(f"rarity must lie between 0 and 1, got {rarity}")
    x = as_matrix(real, "real features", least=max(3, math.ceil(1 / rarity)))
    radii = nearest_radii(x - x.mean(0), 1, CHUNK).sqrt()
    return float(radii.sort().values[max(0, math.ceil(rarity * len(radii)) - 1)])


def support_size(fake: Array, threshold: float, *, orders: int = 500, seed: int = 0) -> Support:
    """The support of features (n, d), where rows at most ``threshold`` apart are duplicates.

    The samples are put into ``orders`` random orders, and each is read until a duplicate comes: that gives the
    probability for all batch sizes at once, and the estimate is taken at the batch size where it passes a half. Without
    any pair, s is at least the size at which a batch of all n would hold one with probability .95.

    Raises:
        UsageError: fewer than three rows, values not finite, or a threshold below zero.
    """
    check_whole(1, orders=orders)
    if not threshold >= 0:
        raise UsageError(f"the threshold must not be negative, got {threshold}")
    x = as_matrix(fake, "features", least=3)
    x = x - x.mean(0)
    generator = seeded(seed)
    rows = torch.randperm(len(x), generator=generator).to(x.device)
    while (pairs := _close_pairs(x[rows], threshold)) is None:
        # So many pairs mean a tiny support: half of the samples will do.
        rows = rows[: len(rows) // 2]
    if not len(pairs):
        return Support(_size(len(x), 0.95), True, len(x))
    first = torch.empty(orders, dtype=torch.float64)
    for i in range(orders):
        place = torch.randperm(len(rows), generator=generator)
        first[i] = place[pairs].max(1).values.min() + 1
    batch = int(first.median())
    # A batch of all samples holds the pair for sure, and then the formula knows no size.
    share = min(float((first <= batch).double().mean()), 1 - 1 / (2 * orders))
    return Support(_size(batch, share), False, batch)


def _size(batch: int, probability: float) -> float:
    # The formula is rough for few samples, and one sample is the least there can be.
    return max(batch**2 / (-2 * math.log1p(-probability)), 1.0)


def _close_pairs(x: Tensor, threshold: float) -> Tensor | None:
    """Pairs (k, 2) of rows at most the threshold apart; None if there are more than MOST_PAIRS."""
    found, total = [], 0
    for start in range(0, len(x), CHUNK):
        rest = x[start:]
        close = (squared_distances(rest[:CHUNK], rest) <= threshold**2).triu(1)
        total += int(close.sum())
        if total > MOST_PAIRS:
            return None
        found.append(close.nonzero().cpu() + start)
    return torch.cat(found)
