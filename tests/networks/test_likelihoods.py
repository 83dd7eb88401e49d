"""Likelihoods of decoders against torch's distributions; codes that are standardised."""

import math

import torch
from torch import distributions

from sparring.networks import Bernoulli, Encoder, Gaussian, MLPFeatures, StandardisedEncoder


def test_bernoulli_is_that_of_the_pixels() -> None:
    raw = 3 * torch.randn(6, 1, 2, 3)
    x = torch.randint(0, 2, raw.shape).float() * 2 - 1
    likelihood = Bernoulli()
    pixels = distributions.Bernoulli(logits=raw)
    torch.testing.assert_close(likelihood.log_prob(raw, x), pixels.log_prob((x + 1) / 2).flatten(1).sum(1))
    torch.testing.assert_close(likelihood.mean(raw), 2 * pixels.mean - 1)


def test_bernoulli_learns_where_it_is_surely_wrong() -> None:
    """The mean is 1 in float32 there, so a cross-entropy of the mean would have no gradient."""
    raw = torch.full((1, 1), 60.0, requires_grad=True)
    (gradient,) = torch.autograd.grad(Bernoulli().log_prob(raw, -torch.ones(1, 1)).sum(), raw)
    assert gradient.item() == -1


def test_gaussian_has_the_deviation_that_it_learned() -> None:
    likelihood = Gaussian()
    likelihood.log_deviation.data.fill_(math.log(0.3))
    raw, x = torch.randn(2, 6, 4)
    expected = distributions.Normal(raw, 0.3).log_prob(x).sum(1)
    torch.testing.assert_close(likelihood.log_prob(raw, x), expected)
    assert likelihood.mean(raw) is raw


def test_the_best_deviation_is_the_root_of_the_mean_squared_error() -> None:
    likelihood = Gaussian()
    raw, x = torch.zeros(1, 100), 0.2 * torch.randn(1, 100)
    likelihood.log_deviation.data.fill_(0.5 * x.square().mean().log().item())
    (gradient,) = torch.autograd.grad(likelihood.log_prob(raw, x).sum(), likelihood.log_deviation)
    assert abs(gradient.item()) < 1e-3


def test_codes_of_what_was_trained_on_are_as_the_prior_draws_them() -> None:
    encoder = StandardisedEncoder(MLPFeatures((2,), (16,), activation=torch.nn.ReLU), 3)
    x = 5 + 2 * torch.randn(4000, 2)
    for part in torch.split(x, 40):
        encoder(part)
    codes = encoder.eval()(x)
    torch.testing.assert_close(codes.mean(0), torch.zeros(3), atol=0.1, rtol=0)
    torch.testing.assert_close(codes.std(0), torch.ones(3), atol=0.1, rtol=0)
    raw = Encoder.forward(encoder, x)
    assert (raw.mean(0) - codes.mean(0)).abs().max() > 0.1
