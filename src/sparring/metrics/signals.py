"""Formulas of the signals: pure functions of raw outputs, features, gradients and losses."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from scipy.stats import rankdata
from torch import Tensor


def area_under_curve(above: Tensor, below: Tensor) -> float:
    """The chance that one of ``above`` (n,) is larger than one of ``below`` (m,), ties counted half.

    It is the area under the ROC curve, exactly: Mann and Whitney's U, by ranks, over n m. 0 to 1, .5 for equal
    distributions; it needs no threshold, so it is the same for every strictly rising function of raw outputs.
    """
    n, m = len(above), len(below)
    ranks = rankdata(torch.cat([above, below]).cpu().numpy())
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def spread(features: Tensor) -> float:
    """The total variance of features (n, d), n ≥ 2: the trace of their covariance, unbiased."""
    return float(features.double().var(0).sum())


def effective_rank(features: Tensor) -> float:
    """How many directions the features (n, d) fill about their mean: 1 to min(n - 1, d), 0 if they are all alike.

    The exponential of the entropy of the singular values' shares (Roy & Vetterli 2007, "The effective rank", eq. 3).
    """
    centred = features.double() - features.double().mean(0)
    # From the smaller Gram matrix: its eigenvalues are their squares, in a fraction of the time.
    gram = centred @ centred.T if len(centred) < centred.shape[1] else centred.T @ centred
    values = torch.linalg.eigvalsh(gram)
    # Below the precision of the largest, an eigenvalue is rounding, and its root would not be small.
    values = values[values > values[-1] * len(values) * torch.finfo(values.dtype).eps].sqrt()
    if not len(values):
        return 0.0
    shares = values / values.sum()
    return float(torch.exp(-(shares * shares.log()).sum()))


def distance_in_pairs(a: Tensor, b: Tensor, variance: float) -> float:
    """Mean squared distance of features (n, d) from their partners (n, d), over that of two independent real examples.

    The latter is twice the real examples' total ``variance``. 0: partners are alike; 1: they have nothing in common.
    """
    return float((a.double() - b.double()).square().sum(1).mean()) / (2 * variance)


def cosine(a: Sequence[Tensor], b: Sequence[Tensor]) -> float:
    """The cosine between two gradients, each in parts of the same shapes; nan if one is 0."""
    product = sum(float((x * y).sum()) for x, y in zip(a, b, strict=True))
    lengths = norm(a) * norm(b)
    return product / lengths if lengths else float("nan")


def norm(parts: Sequence[Tensor]) -> float:
    """The Euclidean length of a gradient in parts."""
    return math.hypot(*(float(torch.linalg.vector_norm(part)) for part in parts))


def norms(gradient: Tensor) -> Tensor:
    """The length (n,) of each example's gradient (n, …)."""
    return gradient.flatten(1).double().square().sum(1).sqrt()


def largest(parts: Sequence[Tensor]) -> float:
    """The largest absolute value in some tensors; infinite or nan where one of them is."""
    # torch's maximum, unlike Python's, lets nan through.
    return float(torch.stack([part.detach().float().abs().max() for part in parts]).max())


def autocorrelation(series: Tensor) -> Tensor:
    """Of a series (n,) at lags 0 to n // 2, (n // 2 + 1,): about its mean, all sums over n c₀; 0 for a constant series.

    The usual estimate (Box & Jenkins), which shrinks by lag / n: a pure oscillation has nearly 1 - lag / n in size.
    """
    centred = series.double() - series.double().mean()
    power = centred.square().sum()
    n = len(centred)
    products = torch.stack([centred[lag:] @ centred[: n - lag] for lag in range(n // 2 + 1)])
    return products / power if power > 0 else torch.zeros_like(products)


def oscillation(series: Tensor) -> float:
    """How far the autocorrelation falls below 0 at any lag up to half of the series: 0 none, towards 1 a pure one.

    Noise of n numbers has about 2.5 / √n; a steady trend has some .4 too, so it takes both signs to see a cycle.
    """
    return max(0.0, -float(autocorrelation(series).min()))


def histogram(labels: Tensor, classes: int) -> list[float]:
    """The share of each class among labels (n,)."""
    return (torch.bincount(labels.cpu(), minlength=classes).double() / len(labels)).tolist()
