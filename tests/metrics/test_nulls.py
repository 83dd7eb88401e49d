"""Measures against their own null: tests reject as often as they say, errors are as large as the scatter."""

import pytest
import scipy.stats
import torch

from sparring.metrics.bins import different_bins
from sparring.metrics.bootstrap import bootstrap_mean
from sparring.metrics.extrapolation import frechet_at_infinity
from sparring.metrics.kernel import kernel_distance
from sparring.metrics.memorisation import memorisation
from sparring.metrics.mmd import gaussian_mmd
from sparring.metrics.two_sample import two_sample_test


def normal(n, d, seed):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pair(seed, n=200, d=4):
    return normal(n, d, 2 * seed), normal(n, d, 2 * seed + 1)


def rejections_expected(p_values, level):
    """Whether so many rejections at the level are within the 99.9 % interval of the binomial."""
    rejected = sum(p <= level for p in p_values)
    low, high = scipy.stats.binom.interval(0.999, len(p_values), level)
    return low <= rejected <= high


def test_permutation_p_values_are_uniform():
    found = [gaussian_mmd(*pair(s, 60), permutations=99).p for s in range(200)]
    assert scipy.stats.kstest(found, "uniform").pvalue > 1e-3
    assert rejections_expected(found, 0.05)


@pytest.mark.parametrize("by", ["logistic", "neighbours"])
def test_the_two_sample_test_rejects_no_more_than_it_says(by):
    found = [two_sample_test(*pair(s, 100), by=by).p for s in range(150)]
    rejected = sum(p <= 0.05 for p in found)
    assert rejected <= scipy.stats.binom.ppf(0.999, len(found), 0.05)
    # The p-values of a binomial are a little above uniform ones.
    assert sum(found) / len(found) == pytest.approx(0.53, abs=0.09)


def test_the_share_of_different_bins_is_alpha():
    shares = torch.tensor([different_bins(*pair(s, 2000), seed=s).share for s in range(12)])
    assert float(shares.mean()) == pytest.approx(0.05, abs=0.02)


def test_the_kernel_distance_is_unbiased_and_its_error_is_its_scatter():
    found = [kernel_distance(*pair(s, 400), seed=s) for s in range(80)]
    values = torch.tensor([f.value for f in found], dtype=torch.float64)
    errors = torch.tensor([f.error for f in found], dtype=torch.float64)
    assert abs(float(values.mean())) < 4 * float(values.std()) / len(found) ** 0.5
    assert float(errors.square().mean().sqrt()) == pytest.approx(float(values.std()), rel=0.35)


def test_the_distance_at_infinity_has_no_bias_left_and_an_honest_error():
    found = [frechet_at_infinity(*pair(s, 300, 8), seed=s) for s in range(40)]
    values = torch.tensor([f.distance for f in found], dtype=torch.float64)
    errors = torch.tensor([f.error for f in found], dtype=torch.float64)
    biased = torch.tensor([f.distance + f.slope / 300 for f in found], dtype=torch.float64)
    assert float(biased.mean()) > 0.05
    assert abs(float(values.mean())) < 0.2 * float(biased.mean())
    assert 0.8 < float(errors.square().mean().sqrt() / values.std()) < 2.2


def test_samples_that_are_no_copies_are_as_near_as_held_out_ones():
    found = [
        memorisation(normal(150, 5, 3 * s), normal(150, 5, 3 * s + 1), normal(150, 5, 3 * s + 2)) for s in range(60)
    ]
    ranks = torch.tensor([f.rank for f in found])
    # All samples share the training examples, which correlates them a little.
    assert abs(float(ranks.mean())) < 0.5
    assert 0.7 < float(ranks.std()) < 1.4
    assert sum(f.nearer.value for f in found) / 60 == pytest.approx(0.5, abs=0.02)
    assert sum(f.authentic.value - f.floor.value for f in found) / 60 == pytest.approx(0, abs=0.02)


def test_bootstrap_intervals_hold_the_mean_as_often_as_they_say():
    x = normal(60, 400, 0).exp()
    truth = float(torch.tensor(0.5).exp())
    held = [(i := bootstrap_mean(x[:, j], resamples=300, seed=j)).low <= truth <= i.high for j in range(400)]
    # Skewed values make percentile intervals a little short at n = 60.
    assert 0.86 < sum(held) / 400 <= 0.97
    one = bootstrap_mean(x[:, 0])
    assert one.error == pytest.approx(float(x[:, 0].std() / 60**0.5), rel=0.1)
    assert one == bootstrap_mean(x[:, 0])
    assert bootstrap_mean(x[:, 0].tolist()) == pytest.approx(one, rel=1e-12)
    assert one != bootstrap_mean(x[:, 0], seed=1)
