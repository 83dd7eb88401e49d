import math

import pytest
import scipy.stats
import torch

from sparring.errors import UsageError
from sparring.metrics.points import (
    high_quality_ceiling,
    mode_distance,
    modes_found,
    sliced_wasserstein,
    wasserstein_1d,
)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def ring(n, sigma=0.01, seed=0, modes=8):
    angle = 2 * math.pi * torch.arange(modes, dtype=torch.float64) / modes
    centres = torch.stack([angle.cos(), angle.sin()], 1)
    return centres, centres[torch.arange(n) % modes] + sigma * normal(n, 2, seed=seed)


def test_the_ceiling_is_the_mass_of_a_gaussian_within_three_deviations():
    assert high_quality_ceiling(2) == pytest.approx(1 - math.exp(-4.5), abs=1e-12)
    assert high_quality_ceiling(1) == pytest.approx(0.9973002, abs=1e-7)


def test_the_mixture_itself_reaches_the_ceiling():
    centres, x = ring(80_000)
    got = modes_found(x, centres, 0.01)
    assert (got.found, got.found_strictly, got.of) == (8, 8, 8)
    assert got.high_quality == pytest.approx(got.ceiling, abs=0.002)
    assert mode_distance(got, len(x)) < 0.005


def test_missing_modes_and_bad_samples_are_counted():
    centres, x = ring(8000)
    five = x[torch.arange(8000) % 8 < 5]
    assert modes_found(five, centres, 0.01).found == 5
    stray = torch.cat([five, centres[6:7]])
    got = modes_found(stray, centres, 0.01)
    assert (got.found, got.found_strictly) == (6, 5)
    assert modes_found(3 * x, centres, 0.01).high_quality == 0
    assert mode_distance(modes_found(five, centres, 0.01), 5000) == pytest.approx(3 / 8, abs=0.02)


def test_chunks_do_not_matter():
    centres, x = ring(1000)
    assert modes_found(x, centres, 0.01, chunk=17).counts.equal(modes_found(x, centres, 0.01).counts)


def exact(mean, deviation):
    return lambda u: mean + deviation * math.sqrt(2) * torch.special.erfinv(2 * u - 1)


@pytest.mark.parametrize(("n", "shift"), [(1, 0.0), (7, 0.3), (1000, 2.0)])
def test_w1_agrees_with_scipy_against_a_large_sample_of_quantiles(n, shift):
    x = normal(n) + shift
    u = (torch.arange(1_000_000, dtype=torch.float64) + 0.5) / 1_000_000
    reference = scipy.stats.wasserstein_distance(x.numpy(), exact(0.0, 1.0)(u).numpy())
    assert wasserstein_1d(x, exact(0.0, 1.0)) == pytest.approx(reference, rel=1e-4)
    assert wasserstein_1d(x[:, None], exact(0.0, 1.0)) == wasserstein_1d(x, exact(0.0, 1.0))


def test_w1_closed_forms():
    # One point at the mean: E|X| = σ √(2/π). A far shift: the shift.
    assert wasserstein_1d(torch.zeros(1), exact(0.0, 2.0)) == pytest.approx(2 * math.sqrt(2 / math.pi), rel=1e-4)
    assert wasserstein_1d(normal(1000) + 100, exact(0.0, 1.0)) == pytest.approx(
        100 + float(normal(1000).mean()), rel=1e-6
    )


def test_w1_falls_towards_zero_with_n():
    few, many = (wasserstein_1d(normal(n), exact(0.0, 1.0)) for n in (100, 100_000))
    assert many < 0.01 < few


def test_sliced_distance_of_a_shift_has_its_closed_form():
    x, shift = normal(500, 2), torch.tensor([3.0, 4.0], dtype=torch.float64)
    # The mean of ⟨θ, s⟩² over directions is |s|²/2 in the plane.
    assert sliced_wasserstein(x, x + shift) == pytest.approx(5 / math.sqrt(2), rel=1e-9)
    assert sliced_wasserstein(x, x) == 0
    assert sliced_wasserstein(x, x.flip(0)) == 0


def test_sliced_distance_in_one_dimension_is_scipys():
    x, y = normal(200, 1), normal(200, 1, seed=1) * 2 + 1
    expected = scipy.stats.wasserstein_distance(x[:, 0].numpy(), y[:, 0].numpy())
    assert sliced_wasserstein(x, y, order=1) == pytest.approx(expected, rel=1e-9)


def test_sliced_distance_takes_unequal_sizes_and_many_dimensions():
    x = normal(300, 5)
    assert sliced_wasserstein(x, x.repeat(3, 1)) == pytest.approx(0, abs=1e-12)
    assert sliced_wasserstein(x, normal(400, 5, seed=1)) == sliced_wasserstein(normal(400, 5, seed=1), x)


@pytest.mark.parametrize("bad", [torch.full((9, 2), torch.nan), torch.zeros(9, 3), torch.zeros(0, 2)])
def test_bad_points_are_a_usage_error(bad):
    with pytest.raises(UsageError):
        sliced_wasserstein(torch.zeros(9, 2), bad)
    with pytest.raises(UsageError):
        modes_found(bad, torch.zeros(4, 2), 0.1)
    with pytest.raises(UsageError):
        wasserstein_1d(bad, exact(0.0, 1.0))


def test_a_width_of_zero_is_a_usage_error():
    with pytest.raises(UsageError, match="sigma"):
        modes_found(torch.zeros(9, 2), torch.zeros(4, 2), 0.0)


@pytest.mark.parametrize("bad", [{"slices": 0}, {"order": 0}])
def test_no_slices_and_no_order_are_a_usage_error(bad):
    with pytest.raises(UsageError, match=f"{next(iter(bad))} must be a whole number of at least 1"):
        sliced_wasserstein(normal(50, 3), normal(50, 3), **bad)
