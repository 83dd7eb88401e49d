"""Value functions of the two-player game, per sample and without reduction, on the discriminator's raw outputs."""

from sparring.objectives.adversarial import (
    hinge,
    least_squares,
    least_squares_01,
    least_squares_symmetric,
    minimax,
    non_saturating,
    relativistic,
    smooth,
    wasserstein,
)
from sparring.objectives.divergences import DIVERGENCES, Divergence, f_gan
from sparring.objectives.objective import Objective
from sparring.objectives.variational import kl_from_standard_normal

__all__ = [
    "DIVERGENCES",
    "Divergence",
    "Objective",
    "f_gan",
    "hinge",
    "kl_from_standard_normal",
    "least_squares",
    "least_squares_01",
    "least_squares_symmetric",
    "minimax",
    "non_saturating",
    "relativistic",
    "smooth",
    "wasserstein",
]
