"""The best discriminator is p/(p + q), and a trained one finds it."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from sparring.data.options import DataOptions
from sparring.data.toys import Mixture, SwissRoll, ring
from sparring.game import Adversarial
from sparring.objectives import non_saturating
from sparring.theory.fit import train_discriminator
from sparring.theory.lesson import BEST, FAKE, JUDGE, REAL, Check, Lesson
from sparring.theory.normal import Normal
from sparring.theory.quadrature import Grid, jsd, line, square, value

SEEDS = (0, 1, 2)
P, Q = Normal(0, 1), Normal(2, 1)
ROLL = SwissRoll(0.1)
BLOB = Mixture(torch.zeros(1, 2), 0.8)
STEPS, STEPS_RING, STEPS_ROLL = 600, 1000, 1500
LOG_4 = math.log(4)


def turned_ring(angle: float) -> Mixture:
    """The ring of eight in another unit: radius 4, sigma .6, turned. In units of the radius it would be learned late.

    A change of units leaves p/(p + q) as it is, but a perceptron that begins with weights of a usual size finds coarse
    functions of its inputs first.
    """
    turn = torch.tensor([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    modes = ring(DataOptions()).modes
    assert modes is not None
    return Mixture(4 * modes @ turn, 0.6)


RING, TURNED = turned_ring(0.0), turned_ring(math.pi / 8)


class Match(NamedTuple):
    """Both log densities on a grid, and the raw outputs of a trained discriminator for each seed."""

    grid: Grid
    log_p: Tensor
    log_q: Tensor
    trained: tuple[Tensor, ...]

    @property
    def best(self) -> Tensor:
        """p/(p + q)."""
        return torch.sigmoid(self.log_p - self.log_q)

    @property
    def weight(self) -> Tensor:
        """The density of the even mixture of P and Q."""
        return 0.5 * (self.log_p.exp() + self.log_q.exp())

    @property
    def error(self) -> float:
        """E |D - D*| under the even mixture of P and Q, the worst seed."""
        return max(self.grid.integrate(self.weight * (torch.sigmoid(raw) - self.best).abs()) for raw in self.trained)

    @property
    def least(self) -> float:
        """V of the trained discriminator, the worst seed."""
        return min(value(raw, self.log_p, self.log_q, self.grid) for raw in self.trained)

    @property
    def most(self) -> float:
        """V of the best discriminator."""
        return value(self.log_p - self.log_q, self.log_p, self.log_q, self.grid)

    @property
    def theory(self) -> float:
        """What it should be: 2·JSD − log 4."""
        return 2 * jsd(self.log_p, self.log_q, self.grid) - LOG_4


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
def ring_against_ring() -> Match:
    """The ring of eight against itself turned by half a step: where the one has a mode, the other has a gap."""
    grid = square(9.0, 301)
    trained = [
        train_discriminator(
            Adversarial(non_saturating),
            lambda n, generator: RING.sample(generator, n),
            lambda n, generator: TURNED.sample(generator, n),
            dim=2,
            steps=STEPS_RING,
            seed=seed,
        )(grid.x)
        for seed in SEEDS
    ]
    return Match(grid, RING.log_prob(grid.x), TURNED.log_prob(grid.x), tuple(trained))


@cache
def roll_against_blob() -> Match:
    """The swiss roll, noise .1, against N(0, .8² I): the roll's density is itself an integral, along the spiral."""
    grid = square(6.0, 401)
    raw = train_discriminator(
        Adversarial(non_saturating),
        lambda n, generator: ROLL.sample(generator, n),
        lambda n, generator: BLOB.sample(generator, n),
        dim=2,
        steps=STEPS_ROLL,
        width=128,
        seed=SEEDS[0],
    )
    return Match(grid, ROLL.log_prob(grid.x), BLOB.log_prob(grid.x), (raw(grid.x),))


def discriminator() -> Lesson:
    """The best discriminator p/(p + q) against a trained one, in one and two dimensions."""
    line_match, ring_match, roll = on_the_line(), ring_against_ring(), roll_against_blob()
    figures = (
        Check("swiss roll: ∫p", 1, roll.grid.integrate(roll.log_p.exp()), 1e-8),
        Check("ring: V of D* is 2·JSD − log 4", ring_match.theory, ring_match.most, 1e-8),
        Check("swiss roll: V of D* is 2·JSD − log 4", roll.theory, roll.most, 1e-8),
        Check(f"normal: V of the trained one (worst of {len(SEEDS)} seeds)", line_match.most, line_match.least, 0.005),
        Check(f"normal: E|D − D*| (worst of {len(SEEDS)} seeds)", 0, line_match.error, 0.02),
        Check(f"ring: V of the trained one (worst of {len(SEEDS)} seeds)", ring_match.most, ring_match.least, 0.005),
        Check(f"ring: E|D − D*| (worst of {len(SEEDS)} seeds)", 0, ring_match.error, 0.02),
        Check("swiss roll: V of the trained one (seed 0)", roll.most, roll.least, 0.03),
        Check("swiss roll: E|D − D*| (seed 0)", 0, roll.error, 0.06),
    )
    return Lesson(
        "The best discriminator is D* = p/(p + q), and training finds it",
        "At each point the discriminator's value is p log D + q log(1 − D), largest at D = p/(p + q): the chance that "
        "a sample seen there is real. A network that is trained on samples alone comes to the same function, without "
        "ever seeing a density, where there are samples: in the empty middle of the ring and far outside it says what "
        "it likes, and no figure counts that. The logit is the log of the density ratio.",
        figures,
        draw,
        (13.0, 7.8),
    )


def draw(canvas: Any) -> None:
    """Left: both functions on the line, and one against the other on the ring. Right: two maps and their difference."""
    grid = canvas.subplots(2, 4, width_ratios=(1.5, 1, 1, 1))
    draw_line(grid[0, 0], on_the_line())
    draw_agreement(grid[1, 0], ring_against_ring())
    for row, match, what, side in (
        (grid[0], ring_against_ring(), "ring or turned ring?", 6.5),
        (grid[1], roll_against_blob(), "swiss roll or blob?", 2.0),
    ):
        draw_maps(canvas, row[1:], match, what, side)


def draw_line(axes: Any, match: Match) -> None:
    """Both densities, the best discriminator and the trained ones."""
    x = match.grid.x[:, 0]
    axes.fill_between(x, match.log_p.exp(), color=REAL, alpha=0.25, lw=0, label="P = N(0, 1)")
    axes.fill_between(x, match.log_q.exp(), color=FAKE, alpha=0.25, lw=0, label="Q = N(2, 1)")
    for number, raw in enumerate(match.trained):
        axes.plot(x, torch.sigmoid(raw), color=JUDGE, lw=1.4, label="" if number else "trained (3 seeds)")
    axes.plot(x, match.best, "--", color="black", lw=1.2, label="p/(p + q)")
    axes.set(xlim=(-4, 6), xlabel="x")
    axes.legend(fontsize=8.5)
    axes.set_title("one dimension", fontsize=10.5)


def draw_agreement(axes: Any, match: Match) -> None:
    """The trained value against the best, with the share of samples that have them; white: less than a 10 000th."""
    best, trained = match.best.numpy(), torch.sigmoid(match.trained[0]).numpy()
    share = (match.weight * match.grid.volume).numpy()
    axes.hist2d(best, trained, bins=60, weights=share, cmin=1e-4, cmap="Greens", norm="log")
    axes.plot((0, 1), (0, 1), "--", color="black", lw=1)
    axes.set(xlabel="p/(p + q)", ylabel="trained D", aspect="equal")
    axes.set_title("the ring: samples by best and trained D", fontsize=10.5)


def draw_maps(canvas: Any, row: Any, match: Match, what: str, side: float) -> None:
    """The best discriminator, the trained one and their difference, on [-side, side]²."""
    nodes = round(len(match.grid.x) ** 0.5)
    half = float(match.grid.x.max())
    trained = torch.sigmoid(match.trained[0])
    for axes, values, title, limits, colours in (
        (row[0], match.best, f"p/(p + q): {what}", (0, 1), "RdBu"),
        (row[1], trained, "trained D (seed 0)", (0, 1), "RdBu"),
        (row[2], trained - match.best, "difference", (-0.5, 0.5), "PuOr"),
    ):
        picture = values.reshape(nodes, nodes).T.numpy()
        extent = (-half, half, -half, half)
        shown = axes.imshow(picture, origin="lower", extent=extent, vmin=limits[0], vmax=limits[1], cmap=colours)
        axes.set(xlim=(-side, side), ylim=(-side, side), xticks=[], yticks=[])
        axes.set_title(title, fontsize=10.5)
        canvas.colorbar(shown, ax=axes, shrink=0.75)
    row[0].set_xlabel("1: surely real", color=BEST, fontsize=9)
