"""The best discriminator is p/(p + q), and a trained one finds it."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from sparring.data.toys import Mixture, SwissRoll
from sparring.game import Adversarial
from sparring.objectives import non_saturating
from sparring.theory.fit import train_discriminator
from sparring.theory.lesson import BEST, FAKE, JUDGE, REAL, Figure, Lesson
from sparring.theory.normal import Normal
from sparring.theory.quadrature import Grid, jsd, line, square, value

SEEDS = (0, 1, 2)
P, Q = Normal(0, 1), Normal(2, 1)
ROLL = SwissRoll(0.1)
BLOB = Mixture(torch.zeros(1, 2), 0.8)
STEPS, STEPS_2D = 600, 1500


class Match(NamedTuple):
    """Both log densities on a grid, and the raw outputs of a trained discriminator for each seed."""

    grid: Grid
    log_p: Tensor
    log_q: Tensor
    trained: tuple[Tensor, ...]

    @property
    def error(self) -> float:
        """E |D - D*| under the even mixture of P and Q, the worst seed."""
        weight = 0.5 * (self.log_p.exp() + self.log_q.exp())
        best = torch.sigmoid(self.log_p - self.log_q)
        return max(self.grid.integrate(weight * (torch.sigmoid(raw) - best).abs()) for raw in self.trained)

    @property
    def least(self) -> float:
        """V of the trained discriminator, the worst seed."""
        return min(value(raw, self.log_p, self.log_q, self.grid) for raw in self.trained)

    @property
    def most(self) -> float:
        """V of the best discriminator."""
        return value(self.log_p - self.log_q, self.log_p, self.log_q, self.grid)


@cache
def on_the_line() -> Match:
    """N(0, 1) against N(2, 1)."""
    grid = line(-8, 10, 4001)
    trained = [
        train_discriminator(Adversarial(non_saturating), P.sample, Q.sample, dim=1, steps=STEPS, seed=seed)(grid.x)
        for seed in SEEDS
    ]
    return Match(grid, P.log_prob(grid.x), Q.log_prob(grid.x), tuple(trained))


@cache
def in_the_plane() -> Match:
    """The swiss roll, noise .1, against N(0, .8² I): the roll's density is itself an integral, along the spiral."""
    grid = square(6.0, 401)
    raw = train_discriminator(
        Adversarial(non_saturating),
        lambda n, generator: ROLL.sample(generator, n),
        lambda n, generator: BLOB.sample(generator, n),
        dim=2,
        steps=STEPS_2D,
        width=128,
        seed=SEEDS[0],
    )
    return Match(grid, ROLL.log_prob(grid.x), BLOB.log_prob(grid.x), (raw(grid.x),))


def discriminator() -> Lesson:
    """The best discriminator p/(p + q) against a trained one, in one and two dimensions."""
    flat, plane = on_the_line(), in_the_plane()
    ones = torch.ones(1)
    figures = (
        Figure("swiss roll: ∫p", 1, plane.grid.integrate(plane.log_p.exp()), 1e-8),
        Figure(
            "swiss roll: V of D* is 2·JSD − log 4",
            2 * jsd(plane.log_p, plane.log_q, plane.grid) - 2 * float(ones.double().log1p()),
            plane.most,
            1e-8,
        ),
        Figure(f"normal: V of the trained one (worst of {len(SEEDS)} seeds)", flat.most, flat.least, 0.005),
        Figure(f"normal: E|D − D*| (worst of {len(SEEDS)} seeds)", 0, flat.error, 0.02),
        Figure("swiss roll: V of the trained one (seed 0)", plane.most, plane.least, 0.03),
        Figure("swiss roll: E|D − D*| (seed 0)", 0, plane.error, 0.06),
    )
    return Lesson(
        "The best discriminator is D* = p/(p + q), and training finds it",
        "At each point the discriminator's value is p log D + q log(1 − D), largest at D = p/(p + q): the chance that "
        "a sample seen there is real. A network that is trained on samples alone comes to the same function, without "
        "ever seeing a density. Its logit is the log of the density ratio.",
        figures,
        draw,
        (13.0, 4.2),
    )


def draw(canvas: Any) -> None:
    """In 1-D both functions; in 2-D two maps and their difference."""
    first, *maps = canvas.subplots(1, 4, width_ratios=(1.5, 1, 1, 1))
    flat, plane = on_the_line(), in_the_plane()
    x = flat.grid.x[:, 0]
    first.fill_between(x, flat.log_p.exp(), color=REAL, alpha=0.25, lw=0, label="P = N(0, 1)")
    first.fill_between(x, flat.log_q.exp(), color=FAKE, alpha=0.25, lw=0, label="Q = N(2, 1)")
    for raw in flat.trained:
        first.plot(
            x, torch.sigmoid(raw), color=JUDGE, lw=1.4, label="trained (3 seeds)" if raw is flat.trained[0] else ""
        )
    first.plot(x, torch.sigmoid(flat.log_p - flat.log_q), "--", color="black", lw=1.2, label="p/(p + q)")
    first.set(xlim=(-4, 6), xlabel="x")
    first.legend(fontsize=8.5)
    first.set_title("one dimension", fontsize=10.5)
    side = round(len(plane.grid.x) ** 0.5)
    best, trained = torch.sigmoid(plane.log_p - plane.log_q), torch.sigmoid(plane.trained[0])
    for axes, values, title, limits, colours in (
        (maps[0], best, "p/(p + q): swiss roll or blob?", (0, 1), "RdBu"),
        (maps[1], trained, f"trained, {STEPS_2D} steps", (0, 1), "RdBu"),
        (maps[2], trained - best, "difference", (-0.5, 0.5), "PuOr"),
    ):
        picture = values.reshape(side, side).T.numpy()
        shown = axes.imshow(
            picture, origin="lower", extent=(-6, 6, -6, 6), vmin=limits[0], vmax=limits[1], cmap=colours
        )
        axes.set(xlim=(-2, 2), ylim=(-2, 2), xticks=[], yticks=[])
        axes.set_title(title, fontsize=10.5)
        canvas.colorbar(shown, ax=axes, shrink=0.75)
    maps[0].set_xlabel("D = 1: surely real (roll)", color=BEST, fontsize=9)
