"""The lesson on the Dirac-GAN: rates by eigenvalue and by trajectory, and the phase portraits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from sparring.theory.dirac import (
    GAMES,
    GAMMA,
    WEAK,
    Dirac,
    alternating,
    cycle_radius,
    eigenvalues,
    field,
    flow,
    growth,
    jacobian,
    measured_rates,
    path,
    simultaneous,
)
from sparring.theory.lesson import FAKE, JUDGE, REAL, Check, Lesson

SHOWN = (
    "non-saturating",
    "wasserstein",
    "least squares 0/1",
    "least squares −1/+1",
    "f-GAN kl",
    "non-saturating, R1 .3",
    "non-saturating, R1 1.5",
    "relativistic, R1R2 .3",
    "non-saturating, unrolled 3 × .3",
    "wasserstein, unrolled 3 × .3",
    "wasserstein, GP .3",
    "non-saturating, DRAGAN .1",
)
CYCLING = {"wasserstein, GP .3": GAMMA, "wasserstein, DRAGAN .3": GAMMA, "non-saturating, DRAGAN .1": WEAK}
"""Games whose penalty wants a slope of one, and its weight."""
RATE = 0.2
"""The size of the gradient steps."""
NEAR, FAR = (0.3, 0.2), (1.1, 0.7)
"""Where the steps begin: near the equilibrium, where the field is all but linear, unless the game settles there."""


def dirac() -> Lesson:
    """Eigenvalues of the gradient vector field and the measured rates of trajectories, for each game and penalty."""
    figures: list[Check] = []
    for name, case in GAMES.items():
        figures += rates(name, case)
    figures += steps()
    figures += cycle()
    return Lesson(
        "The smallest game: data at 0, generator at θ, D(x) = ψ·x",
        "Eigenvalues on the imaginary axis mean that the players chase each other: near the equilibrium nothing draws "
        "them in. So do all games without a penalty; least squares with targets 0/1 do not even turn, and rest "
        "wherever ψ becomes 0. R1 or R2 move the eigenvalues to the left, and the game settles; both together do so as "
        "one of twice the weight. A larger weight settles it faster only as long as the players still turn: beyond "
        "that, one of two real eigenvalues comes back towards 0. A generator that looks k gradient steps of size r "
        "ahead (unrolled) is damped as by a penalty of weight 2·k·r·a², where a is the rate at which the game turns. "
        "WGAN-GP and DRAGAN want a slope of one where the equilibrium needs slope 0: their field jumps there, and they "
        "cycle. Where nothing damps them, steps at once move away from the equilibrium, if D saturates up to a loop; "
        "in turns, they stay bounded.",
        tuple(figures),
        draw,
        (18.0, 6.9),
    )


def rates(name: str, case: Dirac) -> list[Check]:
    """Both parts of the leading eigenvalue: by theory, by autograd, and as trajectories show them."""
    if case.eigenvalues is None:
        return []
    expected = max(case.eigenvalues, key=lambda v: (v.imag, v.real))
    found, _ = eigenvalues(jacobian(case.game))
    seen, _ = measured_rates(case.game)
    loose = 1e-3 if expected == 0 else 1e-6  # a double eigenvalue: an error e of the matrix moves it by √e
    rows = []
    for part in ("real", "imag"):
        title = f"{name}: {'shrinks' if part == 'real' else 'turns'}"
        theory = getattr(expected, part)
        rows.append(Check(f"{title}, eigenvalue", theory, getattr(found, part), 1e-7 if expected == 0 else 1e-10))
        rows.append(Check(f"{title}, trajectory", theory, getattr(seen, part), loose))
    return rows


def steps() -> list[Check]:
    """How a gradient step grows: at once |1 + ih a| = √(1 + h² a²), in turns exactly 1."""
    rows = []
    for name, a in (("non-saturating", 0.5), ("wasserstein", 1.0), ("least squares −1/+1", 1.0)):
        game = GAMES[name].game
        theory = math.sqrt(1 + (RATE * a) ** 2)
        rows.append(Check(f"{name}: growth of a step at once", theory, growth(game, simultaneous, RATE), 1e-8))
        rows.append(Check(f"{name}: growth of steps in turns", 1.0, growth(game, alternating, RATE), 1e-8))
        far = path(game, alternating, (1.0, 0.0), RATE, 500).norm(dim=1)
        rows.append(Check(f"{name}: in turns, largest/first distance within 25 %", 1.0, float(far.max()), 0.25))
    return rows


def cycle() -> list[Check]:
    """Penalties that want a slope of one: the field's jump at ψ = 0, and the cycle that trajectories end in."""
    rows = []
    for name, weight in CYCLING.items():
        for where, side in (("above", 1), ("below", -1)):
            push = field(GAMES[name].game, torch.tensor([0.0, side * 1e-9], dtype=torch.float64))[1]
            rows.append(Check(f"{name}: ψ's push just {where} ψ = 0", side * 2 * weight, float(push), 1e-8))
    for name in ("wasserstein, GP .3", "wasserstein, DRAGAN .3"):
        for begins, start in (("inside", 0.3), ("outside", 2.5)):
            late = path(GAMES[name].game, flow, (start, 0.0), 0.1, 400)[300:, 0]
            title = f"{name}: largest θ of the cycle, from {begins}"
            rows.append(Check(title, cycle_radius(GAMMA), float(late.max()), 0.005))
    return rows


def draw(canvas: Any) -> None:
    """A phase portrait for each of twelve games: the field, and both ways of taking steps."""
    grid = canvas.subplots(2, 6, sharex=True, sharey=True)
    for axes, name in zip(grid.flat, SHOWN, strict=True):
        portrait(axes, name)
    for axes in grid[1]:
        axes.set_xlabel("θ (generator)")
    for axes in grid[:, 0]:
        axes.set_ylabel("ψ (discriminator)")
    grid[0, 0].legend(fontsize=8, loc="upper left")


def portrait(axes: Any, name: str) -> None:
    """The field of one game as streams, and gradient steps at once and in turns from the same start."""
    case = GAMES[name]
    side = np.linspace(-2, 2, 17)
    arrows = np.array([[field(case.game, torch.tensor([theta, psi])).numpy() for theta in side] for psi in side])
    axes.streamplot(
        side, side, arrows[..., 0], arrows[..., 1], color="#c9ced6", linewidth=0.8, density=0.9, arrowsize=0.7
    )
    start = begin(case)
    for update, colour, label in ((simultaneous, FAKE, "steps at once"), (alternating, JUDGE, "steps in turns")):
        states = path(case.game, update, start, RATE, 160).numpy()
        axes.plot(states[:, 0], states[:, 1], "-", marker=".", ms=3, lw=0.7, color=colour, label=label)
    axes.plot(*start, "o", color=REAL, ms=6, label="start")
    axes.plot(0, 0, "*", color="black", ms=11, label="equilibrium")
    axes.set(xlim=(-2, 2), ylim=(-2, 2), aspect="equal")
    axes.set_title(name, fontsize=10.5)
    box = {"facecolor": "white", "alpha": 0.85, "lw": 0, "pad": 2}
    axes.text(0.97, 0.03, spelled(case), transform=axes.transAxes, ha="right", fontsize=9, bbox=box)


def begin(case: Dirac) -> tuple[float, float]:
    """Where a portrait's steps begin."""
    settles = case.eigenvalues is not None and max(value.real for value in case.eigenvalues) < 0
    return FAR if settles else NEAR


def spelled(case: Dirac) -> str:
    """The eigenvalues for a reader."""
    if case.eigenvalues is None:
        return "no eigenvalues: the field jumps"
    first, second = case.eigenvalues
    if first == second == 0:
        return "λ = 0, 0: rests anywhere on ψ = 0"
    if first.imag:
        real = f"{first.real:g} " if first.real else ""
        turn = "" if abs(first.imag) == 1 else f"{abs(first.imag):.3g}"
        return f"λ = {real}± {turn}i"
    return f"λ = {first.real:.3g}, {second.real:.3g}"
