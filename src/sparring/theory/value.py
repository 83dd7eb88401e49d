"""The value of the game against the best discriminator: twice the Jensen-Shannon divergence less log 4."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from sparring.objectives import non_saturating
from sparring.theory.lesson import BEST, FAKE, JUDGE, REAL, Check, Lesson
from sparring.theory.normal import Normal
from sparring.theory.quadrature import Grid, jsd, line
from sparring.theory.quadrature import value as value_of

DATA = Normal(0, 1)
GENERATORS = (Normal(2, 1), Normal(1, 1.2), Normal(0, 1), Normal(-3, 0.5))


def value() -> Lesson:
    """V(G, D*) = 2·JSD − log 4, and the discriminator's cross-entropy is −V."""
    grid = line()
    log_p = DATA.log_prob(grid.x)
    figures: list[Check] = []
    for generator in GENERATORS:
        log_q = generator.log_prob(grid.x)
        name = f"G = N({generator.mean:g}, {generator.sigma:g}²)"
        best = value_of(log_p - log_q, log_p, log_q, grid)
        figures.append(Check(f"{name}: V(G, D*)", 2 * jsd(log_p, log_q, grid) - math.log(4), best, 1e-12))
        loss = grid.integrate(cross_entropy(log_p - log_q, log_p, log_q))
        figures.append(Check(f"{name}: cross-entropy of D*", -best, loss, 1e-12))
    log_q = GENERATORS[0].log_prob(grid.x)
    figures.append(Check("JSD of N(0,1) and N(2,1)", 0.33683, jsd(log_p, log_q, grid), 5e-6))
    figures.append(Check("V of N(0,1) and N(2,1)", -0.71263, value_of(log_p - log_q, log_p, log_q, grid), 5e-6))
    return Lesson(
        "What the generator minimises: V(G, D*) = 2·JSD(P‖Q) − log 4",
        "For each generator there is a best discriminator, D* = p/(p + q), and its value is twice the Jensen-Shannon "
        "divergence less log 4. Any other discriminator gives less. The generator wants the lowest of these largest "
        "values: it is −log 4, where Q = P and D* can only guess. The loss that one trains, the cross-entropy of a "
        "classifier of real against fake, is −V.",
        tuple(figures),
        draw,
    )


def cross_entropy(raw: Tensor, log_p: Tensor, log_q: Tensor) -> Tensor:
    """The discriminator's expected loss at each point, from the objective that is trained."""
    none = torch.zeros_like(raw)
    at_zero = non_saturating.discriminator(none, none) / 2
    on_real = non_saturating.discriminator(raw, none) - at_zero
    on_fake = non_saturating.discriminator(none, raw) - at_zero
    return log_p.exp() * on_real + log_q.exp() * on_fake


def draw(canvas: Any) -> None:
    """Left: V over a family of discriminators for several generators. Right: the largest of each, over generators."""
    left, right = canvas.subplots(1, 2)
    grid = line(-14, 14, 4001)
    log_p = DATA.log_prob(grid.x)
    scales = torch.linspace(-0.5, 2.5, 121, dtype=torch.float64)
    for mean, shade in zip((0.0, 1.0, 1.5, 2.0, 3.0), (0.3, 0.45, 0.6, 0.8, 1.0), strict=True):
        log_q = Normal(mean, 1).log_prob(grid.x)
        curve = [value_of(scale * (log_p - log_q), log_p, log_q, grid) for scale in scales]
        left.plot(scales, curve, color=FAKE, alpha=shade, lw=1.6)
        left.plot(1, value_of(log_p - log_q, log_p, log_q, grid), "o", color=JUDGE, ms=6, zorder=3)
        top = value_of(log_p - log_q, log_p, log_q, grid)
        left.text(1.0, top + (0.035 if mean else -0.1), f"m = {mean:g}", fontsize=8.5, ha="center", color=JUDGE)
    left.axhline(-math.log(4), color=BEST, lw=0.8, ls=":")
    left.set(
        ylim=(-2.4, 0), xlim=(-0.5, 2.5), xlabel="s (a discriminator that believes in $(p/q)^s$)", ylabel="V(G, D)"
    )
    left.set_title("for each generator N(m, 1), the best D (s = 1) lies on top", fontsize=10.5)
    means = torch.linspace(-6, 6, 121, dtype=torch.float64)
    for sigma, style in ((1.0, "-"), (0.5, "--"), (2.0, ":")):
        best = [largest(Normal(float(mean), sigma), log_p, grid) for mean in means]
        right.plot(means, best, style, color=FAKE, lw=1.8, label=f"G = N(m, {sigma:g}²)")
    right.axhline(0, color=BEST, lw=0.8, ls=":")
    right.axhline(-math.log(4), color=BEST, lw=0.8, ls=":")
    right.text(-5.9, -math.log(4) + 0.03, "−log 4: D can only guess", fontsize=9, color=BEST)
    right.text(-1.35, -0.07, "0: D is always right", fontsize=9, color=BEST)
    right.plot(0, -math.log(4), "o", color=REAL, ms=8, label="G = P = N(0, 1)", zorder=3)
    right.set(xlabel="m", ylabel="max over D of V(G, D)", ylim=(-1.75, 0.08))
    right.set_title("what is left for the generator to minimise: 2·JSD − log 4", fontsize=10.5)
    right.legend(fontsize=9, loc="lower right", ncols=2)


def largest(generator: Normal, log_p: Tensor, grid: Grid) -> float:
    """V(G, D*)."""
    log_q = generator.log_prob(grid.x)
    return value_of(log_p - log_q, log_p, log_q, grid)
