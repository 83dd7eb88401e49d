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

OBJECTIVES: dict[str, Objective] = {
    "minimax": minimax,
    "non-saturating": non_saturating,
    "wasserstein": wasserstein,
    "hinge": hinge,
    "relativistic": relativistic,
    "least-squares-01": least_squares_01,
    "least-squares-symmetric": least_squares_symmetric,
} | {f"f-gan-{name}": f_gan(divergence) for name, divergence in DIVERGENCES.items()}
"""Every objective by name: what the contract test goes through."""

__all__ = [
    "DIVERGENCES",
    "OBJECTIVES",
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
