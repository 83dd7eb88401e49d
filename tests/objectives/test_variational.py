"""The divergence from the prior, in closed form."""

import torch
from torch.distributions import Independent, Normal, kl_divergence

from sparring.objectives import kl_from_standard_normal


def test_divergence_is_that_of_the_distributions() -> None:
    mean, log_variance = torch.randn(2, 7, 5, dtype=torch.float64)
    q = Independent(Normal(mean, (0.5 * log_variance).exp()), 1)
    p = Independent(Normal(torch.zeros(5, dtype=torch.float64), 1.0), 1)
    torch.testing.assert_close(kl_from_standard_normal(mean, log_variance), kl_divergence(q, p))


def test_the_prior_itself_is_at_no_distance() -> None:
    assert kl_from_standard_normal(torch.zeros(3, 4), torch.zeros(3, 4)).tolist() == [0, 0, 0]
