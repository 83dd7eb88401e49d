"""Priors of latent codes, and what truncation makes of them."""

import numpy as np
import pytest
import torch
from scipy import stats

from sparring.errors import UsageError
from sparring.latents.priors import Normal, Stratified, Uniform, truncate


def draw(n: int, dim: int = 3, seed: int = 0) -> torch.Tensor:
    return Normal(dim)(torch.Generator().manual_seed(seed), n)


@pytest.mark.parametrize("threshold", [0.04, 0.5, 1.0, 2.0])
def test_truncated_codes_have_the_truncated_distribution(threshold: float) -> None:
    """BigGAN's numbers are drawn again while they lie beyond the threshold: that is scipy's truncnorm."""
    z = truncate(Normal(3), draw(20_000), threshold)
    assert z.dtype == torch.float32
    assert z.abs().max() <= threshold
    assert stats.kstest(z.flatten().numpy(), stats.truncnorm(-threshold, threshold).cdf).pvalue > 0.01


def test_codes_keep_their_order_and_move_without_a_jump() -> None:
    """Each number stays on its side and in its place, so that a seed gives the same sample, nearer to the centre."""
    z = draw(500, 1)
    before = z
    for threshold in (8.0, 2.0, 1.0, 0.3):
        after = truncate(Normal(1), z, threshold)
        assert torch.equal(after[:, 0].argsort(), z[:, 0].argsort())
        assert (after.sign() == z.sign()).all()
        assert (after.abs() <= before.abs() + 1e-6).all()
        before = after
    torch.testing.assert_close(truncate(Normal(1), z, 20.0), z)


def test_a_code_does_not_depend_on_how_many_there_are() -> None:
    assert torch.equal(draw(700)[:9], draw(9))
    assert torch.equal(truncate(Normal(3), draw(700), 0.5)[:9], truncate(Normal(3), draw(9), 0.5))


@pytest.mark.parametrize("threshold", [0.0, -1.0, float("nan"), float("inf")])
def test_thresholds_that_make_no_sense(threshold: float) -> None:
    with pytest.raises(UsageError, match="above 0"):
        truncate(Normal(3), draw(2), threshold)


def test_other_priors_are_not_truncated() -> None:
    for prior in (Stratified(-5, 5, 0.01), Uniform(3), lambda generator, n: torch.rand(n, 3)):
        with pytest.raises(UsageError, match="normal latent codes"):
            truncate(prior, torch.zeros(2, 3), 0.5)


def test_stratified_codes() -> None:
    z = Stratified(-5, 5, 0.01)(None, 11)[:, 0].numpy()
    assert ((z - np.linspace(-5, 5, 11)) >= 0).all()
    assert ((z - np.linspace(-5, 5, 11)) <= 0.01).all()
