"""The variational autoencoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sparring.networks.encoder import Encoder, WithEncoder
from sparring.networks.likelihoods import Likelihood


class GaussianEncoder(Encoder):
    """An encoder that gives each example a normal distribution of codes, of independent numbers; called, its mean."""

    def __init__(self, features: nn.Module, latent_dim: int) -> None:
        super().__init__(features, 2 * latent_dim)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Means and logarithms of the variances, each (n, latent_dim), of examples (n, *shape)."""
        mean, log_variance = self.code(self.features(x)).chunk(2, 1)
        return mean, log_variance

    def forward(self, x: Tensor) -> Tensor:
        """Mean codes (n, latent_dim) of examples (n, *shape)."""
        return self.posterior(x)[0]


class VariationalAutoencoder(WithEncoder):
    """A decoder, its likelihood and a Gaussian encoder as one player (Kingma & Welling 2014, arXiv:1312.6114).

    Called with codes it gives the mean of p(x | z), which is what is shown of a sample: the noise about it is left out.
    """

    encoder: GaussianEncoder

    def __init__(self, decoder: nn.Module, likelihood: Likelihood, encoder: GaussianEncoder) -> None:
        super().__init__(decoder, encoder)
        self.likelihood = likelihood

    def forward(self, *inputs: Tensor) -> Tensor:
        """Mean examples (n, *shape) of codes (n, latent_dim)."""
        return self.likelihood.mean(super().forward(*inputs))

    def evidence(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """log p(x | z) (n,) of examples (n, *shape), each at a code z drawn from q(z | x); and q's means and logarithms
        of variances, (n, latent_dim).

        The code is mean + deviation · ε with ε normal, so that gradients reach the encoder (section 2.4).
        """
        mean, log_variance = self.encoder.posterior(x)
        z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        return self.likelihood.log_prob(self.generator(z), x), mean, log_variance
