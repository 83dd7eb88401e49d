"""The smallest game there is, and how it moves: all mass at one point, and a discriminator that is a line.

Mescheder, Geiger & Nowozin 2018 (arXiv:1801.04406), sections 2 and 3: the data lie at 0, the generator at θ, and
D(x) = ψ x. Near the equilibrium (0, 0) the eigenvalues of the gradient vector field's Jacobian say everything.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sparring.game import Adversarial, Unrolled, judge
from sparring.objectives import (
    DIVERGENCES,
    Divergence,
    f_gan,
    hinge,
    least_squares_01,
    least_squares_symmetric,
    minimax,
    non_saturating,
    relativistic,
    wasserstein,
)
from sparring.penalties import DRAGAN, R1, R1R2, R2, WGANGP
from sparring.types import Drawn, Players

State = Tensor
"""(θ, ψ), float64."""


class Dirac(NamedTuple):
    """One game on two numbers, and the eigenvalues that theory gives it; none where the field has a jump."""

    game: Adversarial
    eigenvalues: tuple[complex, complex] | None


def rotation(a: float, gamma: float = 0.0) -> tuple[complex, complex]:
    """-γ/2 ± √(γ²/4 - a²): the field turns at the rate a, and a penalty of weight γ damps it."""
    root = cmath.sqrt(gamma**2 / 4 - a**2)
    return -gamma / 2 + root, -gamma / 2 - root


def unrolled(a: float, ahead: int, rate: float) -> tuple[complex, complex]:
    """Those of a game that turns at the rate a, whose generator looks ``ahead`` gradient steps of size r ahead.

    Near the equilibrium the discriminator's loss is a ψ θ and the generator's -a ψ' θ, but for constants, where
    ψ' = ψ - k r a θ is the discriminator after k steps. So the generator moves by d(a ψ' θ)/dθ = a ψ - 2 k r a² θ: the
    Jacobian has -γ on its diagonal, γ = 2 k r a², as with a penalty of that weight. Half of it is because ψ' lies below
    ψ, the other half because θ decides how far: the gradient through the steps ahead.
    """
    return rotation(a, 2 * ahead * rate * a**2)


def f_gan_turns(divergence: Divergence) -> float:
    """The rate a at which the game on an f-divergence turns: T'(0) √(f*'(T(0))), with T the activation.

    The discriminator's loss is f*(T(ψ θ)) but for constants, and the generator's -T(ψ θ): so θ moves by T'(0) ψ, and
    ψ by -f*'(T(0)) T'(0) θ. f*'(T(0)) is the density ratio that the raw output 0 stands for.
    """
    zero = torch.zeros((), dtype=torch.float64)
    at_zero, slope = value_and_slope(divergence.activation, zero)
    _, ratio = value_and_slope(divergence.conjugate, at_zero)
    return float(slope * ratio.sqrt())


def value_and_slope(function: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """The function and its derivative at a number, by autograd."""
    at = x.detach().requires_grad_()
    value = function(at)
    (slope,) = torch.autograd.grad(value, at)
    return value.detach(), slope


def cycle_radius(weight: float) -> float:
    """How far θ goes in the limit cycle of WGAN with a penalty weight · (|ψ| - 1)², for weights w below 1.

    Above ψ = 0 the field is linear: it turns at the rate ω = √(1 - w²) about (2w, 0) and shrinks at the rate w. A half
    turn carries -A to 2w + (A + 2w) e^(-wπ/ω); below ψ = 0 all is the same with the opposite sign. The cycle is where
    that is A: A = 2w coth(wπ/2ω).
    """
    return 2 * weight / math.tanh(weight * math.pi / (2 * math.sqrt(1 - weight**2)))


GAMMA, STRONG, WEAK = 0.3, 1.5, 0.1
AHEAD, AHEAD_RATE = 3, 0.3
GAMES: dict[str, Dirac] = {
    "minimax": Dirac(Adversarial(minimax), rotation(0.5)),
    "non-saturating": Dirac(Adversarial(non_saturating), rotation(0.5)),
    "relativistic": Dirac(Adversarial(relativistic), rotation(0.5)),
    "wasserstein": Dirac(Adversarial(wasserstein), rotation(1)),
    "hinge": Dirac(Adversarial(hinge), rotation(1)),
    "least squares 0/1": Dirac(Adversarial(least_squares_01), (0j, 0j)),
    "least squares −1/+1": Dirac(Adversarial(least_squares_symmetric), rotation(1)),
    **{f"f-GAN {name}": Dirac(Adversarial(f_gan(d)), rotation(f_gan_turns(d))) for name, d in DIVERGENCES.items()},
    "non-saturating, R1 .3": Dirac(Adversarial(non_saturating, penalties=(R1(GAMMA),)), rotation(0.5, GAMMA)),
    "non-saturating, R2 .3": Dirac(Adversarial(non_saturating, penalties=(R2(GAMMA),)), rotation(0.5, GAMMA)),
    "non-saturating, R1 1.5": Dirac(Adversarial(non_saturating, penalties=(R1(STRONG),)), rotation(0.5, STRONG)),
    "relativistic, R1 + R2 .3": Dirac(
        Adversarial(relativistic, penalties=(R1(GAMMA), R2(GAMMA))), rotation(0.5, 2 * GAMMA)
    ),
    "relativistic, R1R2 .3": Dirac(Adversarial(relativistic, penalties=(R1R2(GAMMA),)), rotation(0.5, 2 * GAMMA)),
    "non-saturating, R1R2 1.5": Dirac(
        Adversarial(non_saturating, penalties=(R1R2(STRONG),)), rotation(0.5, 2 * STRONG)
    ),
    "wasserstein, R1 .3": Dirac(Adversarial(wasserstein, penalties=(R1(GAMMA),)), rotation(1, GAMMA)),
    "non-saturating, unrolled 1 × .3": Dirac(
        Unrolled(non_saturating, ahead=1, rate=AHEAD_RATE), unrolled(0.5, 1, AHEAD_RATE)
    ),
    "non-saturating, unrolled 3 × .3": Dirac(
        Unrolled(non_saturating, ahead=AHEAD, rate=AHEAD_RATE), unrolled(0.5, AHEAD, AHEAD_RATE)
    ),
    "wasserstein, unrolled 3 × .3": Dirac(
        Unrolled(wasserstein, ahead=AHEAD, rate=AHEAD_RATE), unrolled(1, AHEAD, AHEAD_RATE)
    ),
    "wasserstein, GP .3": Dirac(Adversarial(wasserstein, penalties=(WGANGP(GAMMA),)), None),
    "wasserstein, DRAGAN .3": Dirac(Adversarial(wasserstein, penalties=(DRAGAN(GAMMA),)), None),
    "non-saturating, DRAGAN .1": Dirac(Adversarial(non_saturating, penalties=(DRAGAN(WEAK),)), None),
}


class Point(nn.Module):
    """The generator: whatever its latent code, θ."""

    def __init__(self, theta: nn.Parameter) -> None:
        super().__init__()
        self.theta = theta

    def forward(self, z: Tensor) -> Tensor:
        """The point, once for each code: (n, 1)."""
        return self.theta.expand(len(z), 1)


class Line(nn.Module):
    """The discriminator: ψ x."""

    def __init__(self, psi: nn.Parameter) -> None:
        super().__init__()
        self.psi = psi

    def forward(self, x: Tensor) -> Tensor:
        """Raw outputs (n, 1) of points (n, 1)."""
        return self.psi * x


def losses(game: Adversarial, theta: nn.Parameter, psi: nn.Parameter) -> tuple[Tensor, Tensor]:
    """The generator's and the discriminator's loss at (θ, ψ), both scalars."""
    players = Players(Point(theta), Line(psi))
    real = (torch.zeros(2, 1, dtype=torch.float64).requires_grad_(),)  # two, as DRAGAN asks for their deviation
    generator, _ = game.generator_loss(players, Drawn(real, real))
    # Not by the discriminator's own turn: its loss does not say how it changes with θ.
    discriminator, _ = game.judged_loss(lambda x: judge(players, (x,)), real, (theta.expand(2, 1),), {})
    return generator, discriminator


def moves(game: Adversarial, theta: nn.Parameter, psi: nn.Parameter, *, graph: bool) -> State:
    """Minus the gradient of each player's loss in its own number."""
    generator, discriminator = losses(game, theta, psi)
    (of_theta,) = torch.autograd.grad(generator, theta, create_graph=graph, retain_graph=True)
    (of_psi,) = torch.autograd.grad(discriminator, psi, create_graph=graph)
    return -torch.stack([of_theta, of_psi])


def field(game: Adversarial, state: State) -> State:
    """Where both players move."""
    theta, psi = (nn.Parameter(value.detach().clone()) for value in state)
    return moves(game, theta, psi, graph=False).detach()


def jacobian(game: Adversarial, at: tuple[float, float] = (0.0, 0.0)) -> Tensor:
    """The field's Jacobian (2, 2), by autograd."""
    theta, psi = (nn.Parameter(torch.tensor(value, dtype=torch.float64)) for value in at)
    moved = moves(game, theta, psi, graph=True)
    rows = [torch.autograd.grad(part, (theta, psi), retain_graph=True, materialize_grads=True) for part in moved]
    return torch.stack([torch.stack(row) for row in rows])


def eigenvalues(matrix: Tensor) -> tuple[complex, complex]:
    """Both, the one with the larger imaginary and then real part first."""
    values = sorted((complex(v) for v in torch.linalg.eigvals(matrix)), key=lambda v: (v.imag, v.real), reverse=True)
    return values[0], values[1]


def runge_kutta(vector: Callable[[State], State], state: State, h: float) -> State:
    """One step of the classical method of fourth order."""
    first = vector(state)
    second = vector(state + h / 2 * first)
    third = vector(state + h / 2 * second)
    fourth = vector(state + h * third)
    return state + h / 6 * (first + 2 * second + 2 * third + fourth)


def measured_rates(
    game: Adversarial, *, time: float = 2.0, steps: int = 40, size: float = 1e-4
) -> tuple[complex, complex]:
    """The rates at which trajectories near the equilibrium turn and shrink, from two of them.

    Where each of two small displacements is carried in some time makes a matrix; the logarithms of its eigenvalues, by
    that time, are the rates.
    """
    columns = []
    for start in (torch.tensor([size, 0.0]), torch.tensor([0.0, size])):
        state = start.double()
        for _ in range(steps):
            state = runge_kutta(lambda at: field(game, at), state, time / steps)
        columns.append(state / size)
    first, second = (cmath.log(value) / time for value in eigenvalues(torch.stack(columns, 1)))
    return first, second


def simultaneous(game: Adversarial, state: State, h: float) -> State:
    """Both players take a gradient step at once."""
    return state + h * field(game, state)


def alternating(game: Adversarial, state: State, h: float) -> State:
    """The discriminator takes a gradient step, then the generator answers it."""
    theta, psi = state
    psi = psi + h * field(game, state)[1]
    theta = theta + h * field(game, torch.stack([theta, psi]))[0]
    return torch.stack([theta, psi])


Update = Callable[[Adversarial, State, float], State]


def growth(game: Adversarial, update: Update, h: float, *, size: float = 1e-5) -> float:
    """The factor by which an update near the equilibrium grows in the long run: its linear part's largest modulus."""
    columns = [update(game, size * torch.eye(2, dtype=torch.float64)[i], h) / size for i in range(2)]
    return max(abs(value) for value in eigenvalues(torch.stack(columns, 1)))


def path(game: Adversarial, update: Update, start: tuple[float, float], h: float, steps: int) -> Tensor:
    """The states (steps + 1, 2) from a start."""
    states = [torch.tensor(start, dtype=torch.float64)]
    for _ in range(steps):
        states.append(update(game, states[-1], h))
    return torch.stack(states)


def flow(game: Adversarial, state: State, h: float) -> State:
    """Both players move continuously, for a time h."""
    return runge_kutta(lambda at: field(game, at), state, h)
