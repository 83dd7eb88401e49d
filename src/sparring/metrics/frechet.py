"""The Fréchet distance between two Gaussians, exact, without a matrix square root.

Dowson and Landau 1982; Heusel et al. 2017 (arXiv:1706.08500), equation 6::

    FD = |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½)

With any factors Σ₁ = F₁ᵀF₁ and Σ₂ = F₂ᵀF₂, tr (Σ₁Σ₂)^½ is the sum of the singular values of F₁F₂ᵀ. A factor has as few
rows as the covariance has rank: few samples of many features, and constant features, are cheap rather than difficult.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from scipy.linalg.lapack import dpstrf
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.checks import Array, as_matrix, as_pair, warn_of_covariance
from sparring.metrics.threads import one_thread_if

# The quick way (eigenvalues of a Gram matrix) is kept if its error surely is below this share of the distance.
RELATIVE_TOLERANCE = 1e-7
# A covariance may be off by this share of its largest variance: float32's rounding, and that of sums.
ROUNDING = 1e-5
# Up to so many features one CPU thread does the work.
SMALL = 512


class Moments(NamedTuple):
    """Mean (d,) and unbiased covariance (d, d) of n rows of features, float64 on the CPU."""

    mean: Tensor
    covariance: Tensor
    n: int


def moments(features: Array) -> Moments:
    """Mean and covariance of features (n, d), n ≥ 2.

    Raises:
        UsageError: other shapes, or values not finite.
    """
    x = as_matrix(features, "features", least=2)
    mean = x.mean(0)
    centred = x - mean
    return Moments(mean.cpu(), (centred.T @ centred / (len(x) - 1)).cpu(), len(x))


def frechet_from_moments(mean1: Array, covariance1: Array, mean2: Array, covariance2: Array) -> float:
    """Fréchet distance, ≥ 0, in squared feature units, from means (d,) and covariances (d, d).

    Raises:
        UsageError: the shapes disagree, a value is not finite, or a covariance is not symmetric or has a negative
            eigenvalue.
    """
    mean1, covariance1, mean2, covariance2 = map(torch.as_tensor, (mean1, covariance1, mean2, covariance2))
    for name, mean, covariance in (("first", mean1, covariance1), ("second", mean2, covariance2)):
        _check_gaussian(name, mean, covariance)
    if mean1.shape != mean2.shape:
        raise UsageError(f"the means have {len(mean1)} and {len(mean2)} entries: they must be equal")
    sigma1, sigma2 = (c.detach().cpu().to(torch.float64) for c in (covariance1, covariance2))
    shift = mean1.detach().cpu().to(torch.float64) - mean2.detach().cpu().to(torch.float64)
    with one_thread_if(len(shift) <= SMALL):
        factors = [_checked_factor(name, sigma) for name, sigma in (("first", sigma1), ("second", sigma2))]
        return _combine(shift, sigma1.trace(), sigma2.trace(), factors[0], factors[1])


def frechet_distance(first: Array, second: Array) -> float:
    """Fréchet distance, ≥ 0, in squared feature units, between Gaussians fitted to features (n₁, d) and (n₂, d).

    Covariances are the unbiased ones. With too few rows for them, Python's warning says so (``covariance_warning``).

    Raises:
        UsageError: the widths differ, a side has fewer than two rows, or a value is not finite.
    """
    distance = distance_between(first, second)
    warn_of_covariance(min(len(first), len(second)), first.shape[1])
    return distance


def distance_between(first: Array, second: Array) -> float:
    """``frechet_distance`` for callers that tell their reader themselves where there are too few rows."""
    x, y = (v.cpu() for v in as_pair(first, second, ("first features", "second features"), least=2))
    with one_thread_if(x.shape[1] <= SMALL):
        factors = [_factor_of_features(v) for v in (x, y)]
        traces = [v.var(0).sum() for v in (x, y)]
        return _combine(x.mean(0) - y.mean(0), traces[0], traces[1], factors[0], factors[1])


def _check_gaussian(name: str, mean: Tensor, covariance: Tensor) -> None:
    if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)) or not len(mean):
        raise UsageError(
            f"{name} Gaussian: expected a mean (d,) and a covariance (d, d), "
            f"got {tuple(mean.shape)} and {tuple(covariance.shape)}"
        )
    if not (torch.isfinite(mean).all() and torch.isfinite(covariance).all()):
        raise UsageError(f"{name} Gaussian: some values are NaN or infinite")
    scale = covariance.diagonal().abs().max()
    if (
        not torch.allclose(covariance, covariance.T, rtol=0.0, atol=ROUNDING * float(scale))
        or covariance.diagonal().min() < 0
    ):
        raise UsageError(f"{name} Gaussian: the covariance must be symmetric, with no negative variance")


def _checked_factor(name: str, covariance: Tensor) -> Tensor:
    """``_factor``, unless what it leaves over is no rounding error: then an eigenvalue is negative."""
    factor = _factor(covariance)
    if len(factor) < len(covariance):
        left = (covariance - factor.T @ factor).abs().max()
        if left > ROUNDING * covariance.diagonal().max():
            raise UsageError(f"{name} Gaussian: the covariance has a negative eigenvalue, so it is none")
    return factor


def _factor_of_features(x: Tensor) -> Tensor:
    """F (r, d) with FᵀF the covariance of x: its centred rows themselves where they are fewer than its columns."""
    centred = (x - x.mean(0)) / (len(x) - 1) ** 0.5
    return centred if len(x) <= x.shape[1] else _factor(centred.T @ centred)


def _factor(covariance: Tensor) -> Tensor:
    """F (r, d) with FᵀF = covariance, r its numerical rank."""
    lower: Tensor
    lower, failed = torch.linalg.cholesky_ex(covariance)
    if not int(failed):
        return lower.T
    # A singular one: Cholesky with pivots stops when what is left is rounding error.
    packed, pivots, rank, _ = dpstrf(covariance.numpy(), lower=1)
    factor = torch.zeros(rank, len(covariance), dtype=torch.float64)
    factor[:, torch.from_numpy(pivots).long() - 1] = torch.from_numpy(packed).tril()[:, :rank].T
    return factor


def _combine(shift: Tensor, trace1: Tensor, trace2: Tensor, factor1: Tensor, factor2: Tensor) -> float:
    """The distance, by the quick way if that is accurate enough for the value it gives, else by singular values."""
    ends = shift.square().sum() + trace1 + trace2
    if not len(factor1) or not len(factor2):
        return float(ends)
    product = factor1 @ factor2.T
    cross, error = _nuclear_norm_from_gram(product)
    distance = ends - 2 * cross
    if 2 * error > RELATIVE_TOLERANCE * distance:
        distance = ends - 2 * torch.linalg.svdvals(product).sum()
    return max(float(distance), 0.0)


def _nuclear_norm_from_gram(product: Tensor) -> tuple[Tensor, Tensor]:
    """Sum of singular values as roots of the Gram matrix's eigenvalues λ, and a bound on its error.

    The eigenvalues have an absolute error of a few ε λ_max, so that of a root is at most min(√δ, δ / √λ).
    """
    gram = product @ product.T if len(product) <= product.shape[1] else product.T @ product
    values = torch.linalg.eigvalsh(gram).clamp_min(0.0)
    roots = values.sqrt()
    delta = 8 * torch.finfo(torch.float64).eps * values[-1]
    bounds = torch.minimum(delta.sqrt(), delta / roots.clamp_min(torch.finfo(torch.float64).tiny))
    return roots.sum(), bounds.sum()
