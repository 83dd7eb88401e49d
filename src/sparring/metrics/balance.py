"""Class balance: whether the classes are as frequent among samples as in the data, and which are missing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from sparring.errors import UsageError
from sparring.metrics.checks import Array, check_whole

MISSING_SHARE = 0.2
"""A class is missing below this share of what is due to it."""
FEWEST_EXPECTED = 10.0
"""Samples due to a class below which nobody can tell: of 10, chance alone leaves less than a fifth once in 2 000."""
ADDED = 4.0
"""Samples at the real shares that are thought to be there as well, for the error."""
RESAMPLES = 1000


class Balance(NamedTuple):
    """Total variation distance in [0, 1] (0: equal shares), and the numbers of missing classes."""

    distance: float
    missing: tuple[int, ...]
    error: float
    """The distance's standard error."""
    unsure: tuple[int, ...]
    """Classes that would be missing, but for too few samples to tell."""


def class_balance(real: Array, fake: Array, classes: int, *, seed: int = 0) -> Balance:
    """Compare the labels fake (m,) with real (n,), integers in [0, classes).

    The distance is ½ Σ |p_c − q_c| over the shares p and q of the classes. A class is missing if the samples hold less
    than a fifth of its real share, and at least ten of it were to be expected. The error is the bootstrap's over the
    fake labels, by ``seed``, the real ones being what they are; a few more labels at the real shares keep it from being
    zero where few samples are all alike.

    Raises:
        UsageError: other labels.
    """
    check_whole(0, seed=seed)
    real, fake = torch.as_tensor(real), torch.as_tensor(fake)
    for name, labels in (("real", real), ("fake", fake)):
        if labels.ndim != 1 or not len(labels) or labels.is_floating_point():
            raise UsageError(f"{name} labels: expected integers (n,), got {labels.dtype} {tuple(labels.shape)}")
        if labels.min() < 0 or labels.max() >= classes:
            raise UsageError(f"{name} labels: expected values from 0 to {classes - 1}")
    p, q = (torch.bincount(v.cpu().long(), minlength=classes).double() / len(v) for v in (real, fake))
    few, enough = q < MISSING_SHARE * p, p * len(fake) >= FEWEST_EXPECTED
    # Labels drawn with replacement fall on the classes as a multinomial does.
    drawn = (len(fake) * q + ADDED * p) / (len(fake) + ADDED)
    counts = np.random.default_rng(seed).multinomial(len(fake), drawn.numpy(), RESAMPLES)
    error = float(np.abs(p.numpy() - counts / len(fake)).sum(1).std() / 2)
    missing, unsure = (tuple(int(c) for c in which.nonzero()[:, 0]) for which in (few & enough, few & ~enough))
    return Balance(float((p - q).abs().sum() / 2), missing, error, unsure)


class Coverage(NamedTuple):
    """How many classes have a sample, and KL(samples' shares ‖ real shares) in nats."""

    found: int
    kl: float


def class_coverage(labels: Array, shares: Array) -> Coverage:
    """Compare labels (n,), integers in [0, classes), with the real shares (classes,), which sum to 1.

    KL is the plug-in estimate from the labels' histogram, so it is above 0 even for real data, by about (classes - 1) /
    2n; infinite if a label occurs whose share is 0 (Lin et al. 2018, arXiv:1712.04086, section 4.2).

    Raises:
        UsageError: other labels or shares.
    """
    labels, shares = torch.as_tensor(labels), torch.as_tensor(shares).double()
    if shares.ndim != 1 or not (shares >= 0).all() or not abs(float(shares.sum()) - 1) < 1e-3:
        raise UsageError(
            f"shares: expected (classes,), at least 0 each and 1 in all, which are {float(shares.sum()):g}"
        )
    if labels.ndim != 1 or not len(labels) or labels.is_floating_point():
        raise UsageError(f"labels: expected integers (n,), got {labels.dtype} {tuple(labels.shape)}")
    if labels.min() < 0 or labels.max() >= len(shares):
        raise UsageError(f"labels: expected values from 0 to {len(shares) - 1}")
    q = torch.bincount(labels.cpu().long(), minlength=len(shares)).double() / len(labels)
    there = q > 0
    return Coverage(int(there.sum()), float((q[there] * (q[there] / shares[there]).log()).sum()))
