"""Signals against closed forms."""

import math

import pytest
import torch
from sklearn.metrics import roc_auc_score

from sparring.metrics.signals import (
    area_under_curve,
    autocorrelation,
    cosine,
    distance_in_pairs,
    effective_rank,
    histogram,
    largest,
    norm,
    norms,
    oscillation,
    spread,
)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("above", "below", "area"),
    [
        ([2.0, 3.0], [0.0, 1.0], 1.0),
        ([0.0], [1.0, 2.0], 0.0),
        ([1.0, 1.0], [1.0], 0.5),
        ([1.0, 3.0], [1.0, 2.0], 0.625),
    ],
)
def test_area_under_curve_counts_pairs(above: list[float], below: list[float], area: float) -> None:
    assert area_under_curve(torch.tensor(above), torch.tensor(below)) == area


def test_area_under_curve_is_that_of_the_roc_curve_with_ties() -> None:
    above, below = (4 * normal(50)).round() + 1, (4 * normal(70, seed=1)).round()
    truth = torch.cat([torch.ones(50), torch.zeros(70)])
    assert area_under_curve(above, below) == pytest.approx(roc_auc_score(truth, torch.cat([above, below])), abs=1e-12)
    assert area_under_curve(below, above) == pytest.approx(1 - area_under_curve(above, below), abs=1e-12)
    assert area_under_curve(above**3 + 2, below**3 + 2) == area_under_curve(above, below)


@pytest.mark.parametrize("shape", [(64, 5), (20, 300)])
def test_effective_rank_of_equal_singular_values_is_their_number(shape: tuple[int, int]) -> None:
    """Centred orthogonal columns (or as many rows) of one length: the rank itself; one direction: 1; none: 0."""
    n, d = shape
    rank = min(n - 1, d)
    left = torch.linalg.qr(torch.cat([torch.ones(n, 1), normal(n, rank)], 1).double()).Q[:, 1:]
    right = torch.linalg.qr(normal(d, rank, seed=1).double()).Q
    assert effective_rank(7 + left @ right.T) == pytest.approx(rank, rel=1e-9)
    assert effective_rank(7 + left[:, :1] @ right[:, :1].T) == pytest.approx(1, abs=1e-6)
    assert effective_rank(torch.ones(n, d)) == 0


def test_effective_rank_is_the_entropy_of_singular_values() -> None:
    """Shares 3/4 and 1/4."""
    left = torch.linalg.qr(torch.cat([torch.ones(9, 1), normal(9, 2)], 1).double()).Q[:, 1:]
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert effective_rank(left * torch.tensor([3.0, 1.0])) == pytest.approx(math.exp(entropy), rel=1e-9)


def test_spread_is_the_trace_of_the_covariance() -> None:
    x = normal(40, 6)
    assert spread(x) == pytest.approx(float(torch.cov(x.double().T).trace()), rel=1e-12)
    assert spread(3 * x + 1) == pytest.approx(9 * spread(x), rel=1e-5)


def test_independent_partners_are_one_apart() -> None:
    a, b = normal(20_000, 4), normal(20_000, 4, seed=1)
    assert distance_in_pairs(a, b, 4.0) == pytest.approx(1, abs=0.03)
    assert distance_in_pairs(a, a, 4.0) == 0
    assert distance_in_pairs(a, a + 1, 4.0) == pytest.approx(0.5, rel=1e-6)


def test_lengths_and_angles_are_those_of_the_joined_parts() -> None:
    a, b = [normal(3, 4), normal(5, seed=1)], [normal(3, 4, seed=2), normal(5, seed=3)]
    x, y = (torch.cat([part.flatten() for part in parts]) for parts in (a, b))
    assert norm(a) == pytest.approx(float(x.norm()), rel=1e-6)
    assert cosine(a, b) == pytest.approx(float(torch.cosine_similarity(x, y, dim=0)), abs=1e-6)
    assert cosine(a, [-2 * part for part in a]) == pytest.approx(-1, abs=1e-6)
    assert math.isnan(cosine(a, [torch.zeros_like(part) for part in a]))
    assert norms(torch.tensor([[[3.0, 4.0]], [[0.0, 1.0]]])).tolist() == [5, 1]


def test_largest_sees_what_is_not_finite() -> None:
    assert largest([torch.tensor([1.0, -3.0]), torch.tensor(2.0)]) == 3
    assert not math.isfinite(largest([torch.tensor([1.0, math.inf])]))
    assert not math.isfinite(largest([torch.tensor([1.0, math.nan]), torch.tensor(2.0)]))
    assert not math.isfinite(largest([torch.tensor(2.0), torch.tensor([1.0, math.nan])]))


def test_autocorrelation_of_a_wave_is_a_shrinking_wave() -> None:
    """Whole periods: cos(2π lag / period) (1 - lag / n), up to what the cut pieces leave."""
    n, period = 200, 20
    found = autocorrelation(torch.sin(2 * math.pi * torch.arange(n) / period))
    lags = torch.arange(n // 2 + 1)
    expected = torch.cos(2 * math.pi * lags / period) * (1 - lags / n)
    assert found[0] == 1
    assert torch.allclose(found, expected.double(), atol=0.02)


def test_oscillation_tells_waves_from_noise() -> None:
    t = torch.arange(256)
    wave = torch.sin(2 * math.pi * t / 16)
    assert oscillation(wave) > 0.9
    assert oscillation((-1.0) ** t) > 0.9
    assert all(oscillation(normal(256, seed=seed)) < 0.3 for seed in range(20))
    assert oscillation(torch.ones(256)) == 0


def test_histogram_has_a_share_for_each_class() -> None:
    assert histogram(torch.tensor([0, 2, 2, 0]), 4) == [0.5, 0, 0.5, 0]
