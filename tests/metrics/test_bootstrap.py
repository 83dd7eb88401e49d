"""Errors of figures are the scatter that they stand for."""

import pytest
import torch

from sparring.metrics.bootstrap import jackknife_error, share_error


def normal(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("n", "shift"), [(400, 0.5), (50, 2.0)])
def test_the_jackknife_gives_the_scatter_of_a_mean(n, shift):
    values = torch.stack([normal(n, 1, seed)[:, 0] + shift for seed in range(200)])
    errors = [jackknife_error(lambda kept, x=x: float(x[kept].mean()), n, groups=10) for x in values]
    assert sum(errors) / 200 == pytest.approx(1 / n**0.5, rel=0.1)


def test_the_error_of_a_share_is_that_of_a_binomial_one_and_never_zero():
    assert share_error(0.3, 10_000) == pytest.approx((0.3 * 0.7 / 10_000) ** 0.5, rel=0.01)
    assert share_error(0.0, 100) == pytest.approx(share_error(1.0, 100))
    assert share_error(1.0, 100) > 0.005
