"""The Wasserstein distance, in closed form and by a trained critic."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import torch
from torch import Tensor

from sparring.game import Adversarial
from sparring.objectives import wasserstein
from sparring.penalties import LipschitzPenalty
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
STEPS = 320
BEYOND = 0.001
"""The share of the mass on either side of the region in which a critic's slope is measured."""

GAME = Adversarial(wasserstein, penalties=(LipschitzPenalty(100.0),))


def by_distributions(p: Normal, q: Normal, grid: Grid) -> float:
    """∫ |F - G|: the area between the distribution functions."""
    return grid.integrate((p.cdf(grid.x) - q.cdf(grid.x)).abs())


def gap(f: Tensor, p: Normal, q: Normal, grid: Grid) -> float:
    """E_P[f] - E_Q[f] of a function with these values (n,) on the grid."""
    return grid.integrate(f * (p.log_prob(grid.x).exp() - q.log_prob(grid.x).exp()))


def best_critic(p: Normal, q: Normal, grid: Grid) -> Tensor:
    """The values (n,) of the function of slope ±1 that rises where Q's distribution function is the larger one."""
    slope = torch.sign(q.cdf(grid.x) - p.cdf(grid.x))
    return torch.cat([torch.zeros_like(slope[:1]), torch.cumulative_trapezoid(slope, dx=grid.volume)])


def region(p: Normal, q: Normal, grid: Grid) -> tuple[int, int]:
    """The first and the last node of the middle 99.8 % of the even mixture of P and Q."""
    below = 0.5 * (p.cdf(grid.x) + q.cdf(grid.x))
    inside = ((below > BEYOND) & (below < 1 - BEYOND)).nonzero()
    return int(inside[0]), int(inside[-1])


def steepest(f: Tensor, p: Normal, q: Normal, grid: Grid) -> float:
    """The largest |slope| within the region, between neighbouring nodes."""
    first, last = region(p, q, grid)
    return float(f[first : last + 1].diff().abs().max() / grid.volume)


def lower_bound(f: Tensor, p: Normal, q: Normal, grid: Grid) -> float:
    """E_P[g] - E_Q[g], where g is f by its largest slope within the region, and constant outside.

    So g is 1-Lipschitz on the whole line, and this is never above W1, whatever f is.
    """
    first, last = region(p, q, grid)
    continued = f[torch.arange(len(f)).clamp(first, last)]
    return gap(continued, p, q, grid) / steepest(f, p, q, grid)


@cache
def critics(name: str) -> tuple[Tensor, ...]:
    """Raw outputs of trained critics on the shown grid, one a seed."""
    p, q = PAIRS[name]
    grid = shown()
    return tuple(train_discriminator(GAME, p.sample, q.sample, dim=1, steps=STEPS, seed=seed)(grid.x) for seed in SEEDS)


def shown() -> Grid:
    """The grid of the trained critics."""
    return line(-10, 12, 2201)


def judged(what: str, f: Tensor, p: Normal, q: Normal, grid: Grid) -> list[Check]:
    """What a critic says as it is, how steep it is, and the bound on W1 that it proves."""
    exact = normal.wasserstein(p, q)
    return [
        Check(f"{what}: E_P f − E_Q f, as it is", exact, gap(f, p, q, grid), 0.02 * exact),
        Check(f"{what}: its largest slope", 1, steepest(f, p, q, grid), 0.05),
        Check(f"{what}: made 1-Lipschitz, a bound", exact, lower_bound(f, p, q, grid), 0.04 * exact),
    ]


def transport() -> Lesson:
    """W1 from a trained critic against the closed form."""
    fine, grid = line(), shown()
    figures: list[Check] = [
        Check("N(0,1), N(1,2²): W1 in closed form", 1.16663, normal.wasserstein(*PAIRS["N(0,1), N(1,2²)"]), 5e-6)
    ]
    for name, (p, q) in PAIRS.items():
        exact = normal.wasserstein(p, q)
        figures.append(Check(f"{name}: ∫|F − G|", exact, by_distributions(p, q, fine), 1e-7))
        best = gap(best_critic(p, q, fine), p, q, fine)
        figures.append(Check(f"{name}: the best critic, slope ±1", exact, best, 1e-7))
        for seed, raw in zip(SEEDS, critics(name), strict=True):
            figures += judged(f"{name}: trained, seed {seed}", raw, p, q, grid)
    return Lesson(
        "The Wasserstein distance: how far mass must be moved, told by a critic of slope one",
        "W1 is the largest E_P[f] − E_Q[f] over functions whose slope is nowhere above one. On the line the best one "
        "rises or falls with slope exactly one, by which distribution function is larger. A critic trained on samples, "
        "with a penalty on slopes above one, finds it; as a penalty only leans, its slopes are a little above one here "
        "and there, and what it says may lie above W1. Divided by its largest slope within the middle 99.8 % of the "
        "mass, and constant outside, it is a function that W1 allows, so that its value is a bound from below. The "
        "Jensen-Shannon divergence ends at log 2 as soon as P and Q do not overlap; W1 goes on telling how far they "
        "are apart, and the generator learns from it.",
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
    best = best_critic(p, q, grid)
    densities = left.twinx()
    densities.fill_between(x, p.log_prob(grid.x).exp(), color=REAL, alpha=0.2, lw=0, label="P = N(0, 1)")
    densities.fill_between(x, q.log_prob(grid.x).exp(), color=FAKE, alpha=0.2, lw=0, label="Q = N(1, 2²)")
    densities.set(ylim=(0, 1.2), yticks=[])
    densities.legend(fontsize=9, loc="upper right")
    middle = int((x + 1).abs().argmin())
    for number, raw in enumerate(critics(name)):
        label = "" if number else "trained critics (2 seeds), as they are"
        left.plot(x, raw - raw[middle], color=JUDGE, lw=1.6, label=label)
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
