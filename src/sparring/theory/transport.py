"""The Wasserstein distance, in closed form and by a trained critic."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import torch
from torch import Tensor

from sparring.game import Adversarial
from sparring.objectives import wasserstein
from sparring.penalties import WGANGP
from sparring.theory import normal
from sparring.theory.fit import train_discriminator
from sparring.theory.lesson import BEST, FAKE, JUDGE, OTHER, REAL, Check, Lesson
from sparring.theory.normal import Normal
from sparring.theory.quadrature import Grid, jsd, line

PAIRS = {
    "N(0,1), N(1,2²)": (Normal(0, 1), Normal(1, 2)),
    "N(0,1), N(2,1)": (Normal(0, 1), Normal(2, 1)),
}
SEEDS = (0, 1)
STEPS = 400
WEIGHT = 0.3
"""Of the gradient penalty: a larger one holds a critic that began with the wrong slope at -1, a valley of its own."""


def by_distributions(p: Normal, q: Normal, grid: Grid) -> float:
    """∫ |F - G|: the area between the distribution functions."""
    return grid.integrate((p.cdf(grid.x) - q.cdf(grid.x)).abs())


def by_critic(slope: Tensor, p: Normal, q: Normal, grid: Grid) -> float:
    """E_P[f] - E_Q[f] of a critic with these slopes cut to [-1, 1], so that it is 1-Lipschitz and never above W1.

    By parts it is ∫ f' (G - F), with F and G the distribution functions.
    """
    return grid.integrate(slope.clamp(-1, 1) * (q.cdf(grid.x) - p.cdf(grid.x)))


@cache
def critics(name: str) -> tuple[Tensor, ...]:
    """Raw outputs of trained critics on the shown grid, one a seed."""
    p, q = PAIRS[name]
    game = Adversarial(wasserstein, penalties=(WGANGP(WEIGHT),))
    grid = shown()
    return tuple(train_discriminator(game, p.sample, q.sample, dim=1, steps=STEPS, seed=seed)(grid.x) for seed in SEEDS)


def shown() -> Grid:
    """The grid of the trained critics."""
    return line(-10, 12, 2201)


def slopes(raw: Tensor, grid: Grid) -> Tensor:
    """df/dx on the grid."""
    (slope,) = torch.gradient(raw, spacing=(grid.x[:, 0],))
    return slope


def transport() -> Lesson:
    """W1 from a trained critic against the closed form."""
    fine, grid = line(), shown()
    figures: list[Check] = [
        Check("N(0,1), N(1,2²): W1 in closed form", 1.16663, normal.wasserstein(*PAIRS["N(0,1), N(1,2²)"]), 5e-6)
    ]
    for name, (p, q) in PAIRS.items():
        exact = normal.wasserstein(p, q)
        figures.append(Check(f"{name}: ∫|F − G|", exact, by_distributions(p, q, fine), 1e-7))
        best = torch.sign(q.cdf(fine.x) - p.cdf(fine.x))
        figures.append(Check(f"{name}: the best critic, slope ±1", exact, by_critic(best, p, q, fine), 1e-7))
        for seed, raw in zip(SEEDS, critics(name), strict=True):
            found = by_critic(slopes(raw, grid), p, q, grid)
            figures.append(Check(f"{name}: a trained critic, seed {seed}", exact, found, 0.03 * exact))
    return Lesson(
        "The Wasserstein distance: how far mass must be moved, told by a critic of slope one",
        "W1 is the largest E_P[f] − E_Q[f] over functions whose slope is nowhere above one. On the line the best one "
        "rises or falls with slope exactly one, by which distribution function is larger. A critic trained with a "
        "gradient penalty finds it, once its slopes are cut to one. The Jensen-Shannon divergence ends at log 2 as "
        "soon as P and Q do not overlap; W1 goes on telling how far they are apart, and the generator learns from it.",
        tuple(figures),
        draw,
    )


def draw(canvas: Any) -> None:
    """Left: densities and critics. Right: W1 and JSD as the generator moves away."""
    left, right = canvas.subplots(1, 2)
    name = "N(0,1), N(1,2²)"
    p, q = PAIRS[name]
    grid = shown()
    x = grid.x[:, 0]
    best = torch.sign(q.cdf(grid.x) - p.cdf(grid.x)).cumsum(0) * grid.volume
    densities = left.twinx()
    densities.fill_between(x, p.log_prob(grid.x).exp(), color=REAL, alpha=0.2, lw=0, label="P = N(0, 1)")
    densities.fill_between(x, q.log_prob(grid.x).exp(), color=FAKE, alpha=0.2, lw=0, label="Q = N(1, 2²)")
    densities.set(ylim=(0, 1.2), yticks=[])
    densities.legend(fontsize=9, loc="upper right")
    middle = int((x + 1).abs().argmin())
    for number, raw in enumerate(critics(name)):
        cut = slopes(raw, grid).clamp(-1, 1).cumsum(0) * grid.volume
        label = "" if number else "trained critics (2 seeds), slopes cut to ±1"
        left.plot(x, cut - cut[middle], color=JUDGE, lw=1.6, label=label)
    left.plot(x, best - best[middle], "--", color="black", lw=1.2, label="best critic: slope +1, then −1")
    left.set(xlim=(-6, 8), ylim=(-9, 4), xlabel="x", ylabel="f(x), shifted to 0 at its top")
    left.legend(fontsize=9, loc="lower left")
    left.set_title("the critic, trained and best", fontsize=10.5)
    fine = line(-14, 24, 8001)
    shifts = torch.linspace(0, 8, 81, dtype=torch.float64)
    right.plot(shifts, shifts, color=JUDGE, lw=2, label="W1 = m")
    for sigma, style in ((1.0, "-"), (0.25, "--")):
        apart = [jsd(Normal(0, sigma).log_prob(fine.x), Normal(float(m), sigma).log_prob(fine.x), fine) for m in shifts]
        right.plot(shifts, apart, style, color=OTHER, lw=2, label=f"JSD of N(0, {sigma:g}²), N(m, {sigma:g}²)")
    right.axhline(math.log(2), color=BEST, lw=0.8, ls=":")
    right.text(5.6, math.log(2) + 0.05, "log 2: no slope left", color=BEST, fontsize=9)
    right.set(xlabel="m: how far the generator is from the data", ylim=(0, 2.2), xlim=(0, 8))
    right.legend(fontsize=9, loc="lower right")
    right.set_title("what a generator that is far away can feel", fontsize=10.5)
