"""Class balance: whether the classes are as frequent among samples as in the data, and which are missing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from sparring.errors import UsageError
from sparring.metrics.checks import Array

# A class counts as missing below this share of its real share, where at least FEWEST_EXPECTED of it were due.
MISSING_SHARE = 0.1
FEWEST_EXPECTED = 5.0
RESAMPLES = 1000


class Balance(NamedTuple):
    """Total variation distance in [0, 1] (0: equal shares), the numbers of missing classes, the distance's error."""

    distance: float
    missing: tuple[int, ...]
    error: float


def class_balance(real: Array, fake: Array, classes: int, *, seed: int = 0) -> Balance:
    """Compare the labels fake (m,) with real (n,), integers in [0, classes).

    The distance is ½ Σ |p_c − q_c| over the shares p and q of the classes. A class is missing if the samples hold less
    than a tenth of its real share, and at least five of it were to be expected. The error is the bootstrap's over the
    fake labels, by ``seed``, the real ones being what they are.

    Raises:
        UsageError: other labels.
    """
    real, fake = torch.as_tensor(real), torch.as_tensor(fake)
    for name, labels in (("real", real), ("fake", fake)):
        if labels.ndim != 1 or not len(labels) or labels.is_floating_point():
            raise UsageError(f"{name} labels: expected integers (n,), got {labels.dtype} {tuple(labels.shape)}")
        if labels.min() < 0 or labels.max() >= classes:
            raise UsageError(f"{name} labels: expected values from 0 to {classes - 1}")
    p, q = (torch.bincount(v.cpu().long(), minlength=classes).double() / len(v) for v in (real, fake))
    missing = (q < MISSING_SHARE * p) & (p * len(fake) >= FEWEST_EXPECTED)
    # Labels drawn with replacement fall on the classes as a multinomial does.
    counts = np.random.default_rng(seed).multinomial(len(fake), q.numpy(), RESAMPLES)
    error = float(np.abs(p.numpy() - counts / len(fake)).sum(1).std() / 2)
    return Balance(float((p - q).abs().sum() / 2), tuple(int(c) for c in missing.nonzero()[:, 0]), error)


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
