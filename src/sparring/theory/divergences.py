"""Every f-divergence: its closed form, the integral, and the bound that a discriminator can reach."""

from __future__ import annotations

import math
from typing import Any

import torch

from sparring.objectives import DIVERGENCES
from sparring.theory import normal
from sparring.theory.lesson import BEST, FAKE, REAL, Check, Lesson
from sparring.theory.normal import Normal
from sparring.theory.quadrature import bound, f_divergence, jsd, line

PAIRS = {
    "N(0,1), N(2,1)": (Normal(0, 1), Normal(2, 1)),
    "N(0,1), N(1,1.2²)": (Normal(0, 1), Normal(1, 1.2)),
}
COLOURS = ("#1f6fb4", "#e0641c", "#2b8a3e", "#8e44ad", "#b8860b", "#d6336c", "#0c8599", "#6b6b6b")


def closed_forms(p: Normal, q: Normal) -> dict[str, float]:
    """The divergences of P from Q that have a closed form, by the names of ``DIVERGENCES``."""
    return {
        "kl": normal.kl(p, q),
        "reverse-kl": normal.kl(q, p),
        "pearson": normal.chi_squared(p, q),
        "neyman": normal.chi_squared(q, p),
        "squared-hellinger": normal.squared_hellinger(p, q),
        "total-variation": normal.total_variation(p, q),
    }


def divergences() -> Lesson:
    """A discriminator measures a divergence: the best one reaches it, and in expectation none goes beyond."""
    grid = line()
    figures: list[Check] = []
    for pair, (p, q) in PAIRS.items():
        log_p, log_q = p.log_prob(grid.x), q.log_prob(grid.x)
        twice = 2 * jsd(log_p, log_q, grid)
        known = closed_forms(p, q) | {"jensen-shannon": twice, "gan": twice - math.log(4)}
        for name, divergence in DIVERGENCES.items():
            tolerance = 1e-8 if name == "total-variation" else 1e-10 * max(1, known[name])
            integral = f_divergence(divergence, log_p, log_q, grid)
            reached = bound(divergence, divergence.optimum(log_p - log_q), log_p, log_q, grid)
            figures.append(Check(f"{pair}: {name}, integral", known[name], integral, tolerance))
            figures.append(Check(f"{pair}: {name}, best bound", known[name], reached, tolerance))
    return Lesson(
        "A discriminator estimates a divergence, from below",
        "For every convex f with f(1) = 0, D_f(P‖Q) = ∫ q f(p/q) says how far the generator's Q is from the data's P. "
        "It equals the largest value of E_P[T] - E_Q[f*(T)] over all functions T, reached at T = f'(p/q) alone. So a "
        "discriminator that maximises this estimates the divergence, and its expectation is never above it. Its mean "
        "over a batch may be, above all over the samples that it was trained on. Each f punishes other mistakes: KL a "
        "generator that leaves data out, reverse KL one that invents.",
        tuple(figures),
        draw,
        (11.5, 4.8),
    )


def draw(canvas: Any) -> None:
    """The f's, and the bound as the discriminator turns from blind to overconfident."""
    left, right = canvas.subplots(1, 2)
    u = torch.linspace(0.02, 4, 400, dtype=torch.float64)
    p, q = PAIRS["N(0,1), N(1,1.2²)"]
    grid = line(-14, 14, 4001)
    log_p, log_q = p.log_prob(grid.x), q.log_prob(grid.x)
    ratio = log_p - log_q
    scales = torch.linspace(0, 2, 81, dtype=torch.float64)
    for (name, divergence), colour in zip(DIVERGENCES.items(), COLOURS, strict=True):
        at_one = torch.ones(1, dtype=torch.float64, requires_grad=True)
        shift = float(divergence.f(at_one).detach())
        (slope,) = torch.autograd.grad(divergence.f(at_one).sum(), at_one)
        label = f"{name} + log 4" if shift else name
        left.plot(
            u, divergence.f(u) - shift - slope * (u - 1), color=colour, label=label, lw=1.6, ls="--" if shift else "-"
        )
        largest = f_divergence(divergence, log_p, log_q, grid) - shift
        outputs = [divergence.optimum(scale * ratio) for scale in scales]
        values = [(bound(divergence, raw, log_p, log_q, grid) - shift) / largest for raw in outputs]
        right.plot(scales, values, color=colour, lw=1.6, ls="--" if shift else "-")
    left.axvline(1, color=BEST, lw=0.8, ls=":")
    left.set(ylim=(-0.08, 3), xlabel="u = p/q")
    left.set_title("f(u) − f′(1)(u − 1): what a density ratio costs", fontsize=10.5)
    left.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=4)  # below: curves are everywhere
    right.axhline(1, color=BEST, lw=0.8, ls=":")
    right.axvline(1, color=BEST, lw=0.8, ls=":")
    right.set(ylim=(-0.5, 1.1), xlabel="s", ylabel="bound / divergence")
    right.set_title("a discriminator that believes in (p/q)$^s$: best at s = 1", fontsize=10.5)
    right.text(0.03, 0.02, "P = N(0, 1), Q = N(1, 1.2²)", transform=right.transAxes, fontsize=9)
    right.annotate("blind", (0, 0), (0.12, -0.28), color=REAL, arrowprops={"arrowstyle": "->", "color": REAL})
    right.text(1.62, 0.86, "overconfident", color=FAKE, fontsize=9)
