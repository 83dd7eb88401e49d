"""The value functions that papers name: classifiers, critics, and the pairing of real with fake."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from sparring.errors import UsageError
from sparring.objectives.objective import Objective


def _cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    """-[log D(x) + log(1 - D(G(z)))] with D = sigmoid(output), in its numerically stable form: the negative of V."""
    return softplus(-real) + softplus(fake)


def _same(log_ratio: Tensor) -> Tensor:
    return log_ratio


minimax = Objective(_cross_entropy, lambda real, fake: -softplus(fake), _same, name="minimax")
"""Goodfellow et al. 2014 (arXiv:1406.2661), eq. 1: both players on one value V; at equilibrium the loss is log 4."""

non_saturating = Objective(_cross_entropy, lambda real, fake: softplus(-fake), _same, name="non_saturating")
"""Goodfellow et al. 2014, section 3: the generator maximises log D(G(z)) instead; the discriminator's part is V."""

wasserstein = Objective(lambda real, fake: fake - real, lambda real, fake: -fake, name="wasserstein")
"""Arjovsky, Chintala & Bottou 2017 (arXiv:1701.07875), eq. 2: a critic, which must be kept 1-Lipschitz by other means
(clipped weights, a gradient penalty). Its optimum depends on the whole of both densities, not on their ratio alone."""

hinge = Objective(
    lambda real, fake: relu(1 - real) + relu(1 + fake),
    lambda real, fake: -fake,
    torch.sign,
    name="hinge",
)
"""Lim & Ye 2017 (arXiv:1705.02894), eq. 3; Miyato et al. 2018 (arXiv:1802.05957), eqs. 16 and 17."""

relativistic = Objective(
    lambda real, fake: softplus(fake - real),
    lambda real, fake: softplus(real - fake),
    _same,
    relativistic=True,
    name="relativistic",
)
"""RpGAN: f(t) = -log(1 + e^-t) of the difference within pairs of one real and one fake example, as many of each
(Jolicoeur-Martineau 2018, arXiv:1807.00734, section 3; Huang et al. 2024, R3GAN, arXiv:2501.05441, eq. 2)."""


def least_squares(fake: float, real: float, target: float) -> Objective:
    """Mao et al. 2017 (arXiv:1611.04076), eq. 2: ½(D(x) - real)² + ½(D(G(z)) - fake)², and ½(D(G(z)) - target)².

    The best discriminator is (real · p + fake · q)/(p + q), eq. 5.
    """
    return Objective(
        lambda on_real, on_fake: 0.5 * (on_real - real).square() + 0.5 * (on_fake - fake).square(),
        lambda on_real, on_fake: 0.5 * (on_fake - target).square(),
        lambda log_ratio: fake + (real - fake) * torch.sigmoid(log_ratio),
        name=f"least_squares(fake={fake}, real={real}, target={target})",
    )


least_squares_01 = least_squares(0.0, 1.0, 1.0)
"""Targets 0 and 1 (eq. 9)."""

least_squares_symmetric = least_squares(-1.0, 1.0, 1.0)
"""Targets -1 and +1: twice the distance, and a discriminator that is centred at equilibrium."""


def smooth(objective: Objective, share: float = 0.1) -> Objective:
    """One-sided label smoothing (Salimans et al. 2016, arXiv:1606.03498, section 3.4).

    A share of the real examples' weight carries the label of fake ones. With a(x) the loss of an output on real and
    b(x) on fake examples, the discriminator's is (1 - share) a(real) + share b(real) + b(fake), up to a constant; its
    optimum is that of (1 - share) p against q + share p.

    Raises:
        UsageError: a critic or a pairing has no labels that could be smoothed; or the share is not in (0, .5): above a
            half most real examples are called fake.
    """
    optimum = objective.optimum
    if optimum is None or objective.relativistic:
        raise UsageError("label smoothing needs an objective with labels for real and for fake examples.")
    if not 0 < share < 0.5:
        raise UsageError(
            f"smoothing={share} makes no sense: it must be above 0 and below .5: beyond, labels are reversed."
        )

    def discriminator(real: Tensor, fake: Tensor) -> Tensor:
        none = torch.zeros_like(real)
        labelled_fake = objective.discriminator(none, real) - objective.discriminator(none, none)
        labelled_real = objective.discriminator(real, none) - objective.discriminator(none, none)
        return objective.discriminator(real, fake) + share * (labelled_fake - labelled_real)

    def smoothed_optimum(log_ratio: Tensor) -> Tensor:
        return optimum(math.log1p(-share) + log_ratio - softplus(log_ratio + math.log(share)))

    name = f"smooth({objective.name}, share={share})"
    return Objective(discriminator, objective.generator, smoothed_optimum, name=name)
