"""Arguments that are no numbers, or not such numbers, are one clear error of every measure."""

import math

import pytest
import torch

from sparring.errors import UsageError
from sparring.metrics.bins import different_bins
from sparring.metrics.bootstrap import bootstrap_mean
from sparring.metrics.kernel import kernel_distance
from sparring.metrics.label_score import label_score
from sparring.metrics.memorisation import plant_copies
from sparring.metrics.mmd import gaussian_mmd
from sparring.metrics.prdc import prdc
from sparring.metrics.two_sample import two_sample_test


def normal(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x: prdc(x, x, k=2.5), "k must be a whole number of at least 1, got 2.5"),
        (lambda x: kernel_distance(x, x, seed="a"), "seed must be a whole number of at least 0, got 'a'"),
        (lambda x: kernel_distance(x, x, seed=1 << 63), "seed must be below"),
        (lambda x: plant_copies(x, x, math.nan), "cannot plant a share nan"),
        (lambda x: gaussian_mmd(x, x, sigma=1e-300), "sigma must lie between"),
        (lambda x: gaussian_mmd(x, x, sigma=math.nan), "sigma must lie between"),
        (lambda x: two_sample_test(x, x, seed=-1), "seed must be a whole number"),
        (lambda x: different_bins(x, x, bins=2.5), "bins must be a whole number"),
        (lambda x: bootstrap_mean(x[:, 0], resamples=True), "resamples must be a whole number"),
        (lambda x: label_score(x.softmax(1), splits=2.0), "splits must be a whole number"),
    ],
)
def test_numbers_that_are_none_are_one_clear_error(call, said):
    with pytest.raises(UsageError, match=said) as caught:
        call(normal(200, 2))
    assert "\n" not in str(caught.value)
