"""The terms of the variational bound that have a closed form."""

from __future__ import annotations

from torch import Tensor


def kl_from_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, diag(exp(log_variance))) ‖ N(0, I)) in nats, (n,), of means and log-variances (n, d).

    Kingma & Welling 2014, Auto-encoding variational Bayes, arXiv:1312.6114, appendix B.
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
