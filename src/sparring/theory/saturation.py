"""Why the generator is given another loss: the gradient of the first one vanishes where it is needed."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from sparring.objectives import Objective, minimax, non_saturating
from sparring.theory.lesson import BEST, FAKE, JUDGE, REAL, Check, Lesson
from sparring.theory.normal import Normal
from sparring.theory.quadrature import Grid, jsd, line

SHIFTS = (0.5, 2.0, 4.0, 8.0)


def slopes(objective: Objective, raw: Tensor) -> Tensor:
    """d loss / d raw of a generator's loss, by autograd."""
    at = raw.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(objective.generator(at[:0], at).sum(), at)
    return slope


def push(objective: Objective, shift: float, grid: Grid) -> float:
    """The expected slope of the loss in the mean of G = N(shift, 1), against D* of P = N(0, 1) that stands still.

    log p/q = shift²/2 - shift x, so the raw output changes by -shift with each sample that moves by one.
    """
    p, q = Normal(0, 1).log_prob(grid.x), Normal(shift, 1).log_prob(grid.x)
    return grid.integrate(q.exp() * slopes(objective, p - q)) * -shift


def saturation() -> Lesson:
    """The non-saturating gradient against the saturating one when D is confident."""
    figures: list[Check] = []
    for raw in (-10.0, -5.0, -1.0, 0.0):
        chance = 1 / (1 + math.exp(-raw))
        at = torch.tensor([raw], dtype=torch.float64)
        figures.append(Check(f"D = {chance:.5f}: saturating slope is −D", -chance, slopes(minimax, at).item(), 1e-14))
        found = slopes(non_saturating, at).item()
        figures.append(Check(f"D = {chance:.5f}: non-saturating slope is D − 1", chance - 1, found, 1e-14))
    grid = line()
    for shift in SHIFTS:
        name = f"G = N({shift:g}, 1)"
        slope = jsd_slope(shift, grid)
        figures.append(Check(f"{name}: saturating push is d(2·JSD)/dm", slope, push(minimax, shift, grid), 1e-7))
        other = push(non_saturating, shift, grid)  # KL(Q‖P) = m²/2, so its slope is m
        figures.append(Check(f"{name}: non-saturating push is d(KL(Q‖P) − 2·JSD)/dm", shift - slope, other, 1e-7))
    return Lesson(
        "Far from the data the first loss falls silent, the second one speaks up",
        "Early in training D is sure that samples are fake: D(G(z)) is near 0. There log(1 − D) is flat, its slope in "
        "the raw output is −D, and the generator learns nothing. −log D has the slope D − 1, near −1: the same fixed "
        "point, the same direction, but a push when it is needed most. On average over G's samples, against D*, the "
        "first is the gradient of 2·JSD, the second that of KL(Q‖P) − 2·JSD (Arjovsky & Bottou 2017, theorem 2.5).",
        tuple(figures),
        draw,
    )


def jsd_slope(shift: float, grid: Grid, step: float = 1e-4) -> float:
    """d/dm of twice the Jensen-Shannon divergence of N(0, 1) and N(m, 1), by central differences."""
    log_p = Normal(0, 1).log_prob(grid.x)
    below, above = (jsd(log_p, Normal(shift + s, 1).log_prob(grid.x), grid) for s in (-step, step))
    return (above - below) / step


def draw(canvas: Any) -> None:
    """Losses, slopes, and the push on a generator that is far away."""
    first, second, third = canvas.subplots(1, 3)
    raw = torch.linspace(-8, 8, 401, dtype=torch.float64)
    for objective, colour, label in (
        (minimax, FAKE, "saturating: log(1 − D)"),
        (non_saturating, JUDGE, "non-saturating: −log D"),
    ):
        first.plot(raw, objective.generator(raw[:0], raw), color=colour, lw=2, label=label)
        second.plot(raw, -slopes(objective, raw), color=colour, lw=2)
        shifts = torch.linspace(0.02, 8, 100, dtype=torch.float64)
        grid = line(-14, 20, 4001)
        third.semilogy(shifts, [push(objective, float(shift), grid) for shift in shifts], color=colour, lw=2)
    for axes in (first, second):
        axes.axvspan(-8, -3, color=BEST, alpha=0.12, lw=0)
        axes.set_xlabel("raw output on a fake sample")
    first.text(-7.8, -7.6, "D is sure\nit is fake", fontsize=9, color=BEST)
    first.set_title("the generator's loss")
    first.legend(fontsize=8.5, loc="upper right")
    second.set_title("how hard it pushes the output up")
    third.set_title("push on the mean of G = N(m, 1)")
    third.set(xlabel="m: how far G is from the data", ylim=(1e-4, 20))
    third.text(4.3, 6e-3, "vanishes", color=FAKE, fontsize=10)
    third.text(0.2, 2e-4, "P = N(0, 1)", color=REAL, fontsize=9)
