"""The unrolled game on players of one number each, where its gradient can be worked out by hand."""

import copy

import pytest
import torch
from torch import Tensor, nn

from sparring.errors import UsageError
from sparring.game import Unrolled
from sparring.networks import MLPDiscriminator, MLPGenerator
from sparring.objectives import least_squares_01, non_saturating, relativistic, wasserstein
from sparring.optimisers import LeanAdam
from sparring.penalties import R1, WGANGP
from sparring.types import Drawn, Players

DOUBLE = torch.float64
REAL, THETA, PSI, RATE = 0.7, -0.4, 0.9, 0.2


class Point(nn.Module):
    """A generator of one point."""

    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(THETA, dtype=DOUBLE))

    def forward(self, z: Tensor) -> Tensor:
        return self.theta.expand(len(z), 1)


class Slope(nn.Module):
    """D(x) = ψ x, which also counts its passes."""

    def __init__(self) -> None:
        super().__init__()
        self.psi = nn.Parameter(torch.tensor(PSI, dtype=DOUBLE))
        self.register_buffer("passes", torch.zeros((), dtype=DOUBLE))

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        return self.psi * x


def play(game: Unrolled) -> tuple[float, float, Players]:
    """The generator's loss and its derivative with respect to θ."""
    players = Players(Point(), Slope())
    drawn = Drawn((torch.full((4, 1), REAL, dtype=DOUBLE),), (torch.zeros(4, 1, dtype=DOUBLE),))
    loss, _ = game.generator_loss(players, drawn)
    (gradient,) = torch.autograd.grad(loss, players.generator.theta)
    return loss.item(), gradient.item(), players


@pytest.mark.parametrize("ahead", [0, 1, 3, 10])
def test_a_linear_game(ahead: int) -> None:
    """Wasserstein's critic climbs at the constant rate x - θ, so ψ_k = ψ + k η (x - θ), and the loss is -ψ_k θ.

    Its derivative is -ψ_k + k η θ: the second term is what the plain game does not see.
    """
    loss, gradient, _ = play(Unrolled(wasserstein, ahead=ahead, rate=RATE))
    psi = PSI + ahead * RATE * (REAL - THETA)
    assert loss == pytest.approx(-psi * THETA)
    assert gradient == pytest.approx(-psi + ahead * RATE * THETA)


@pytest.mark.parametrize("ahead", [1, 2, 5])
def test_a_quadratic_game(ahead: int) -> None:
    """Least squares: one step is ψ ← ψ - η (x (ψ x - 1) + ψ θ²), affine in ψ with the factor c = 1 - η (x² + θ²).

    So ψ_k = c^k ψ + s (1 + c + … + c^(k-1)) with s = η x, and c' = -2 η θ; the loss is ½ (ψ_k θ - 1)².
    """
    loss, gradient, _ = play(Unrolled(least_squares_01, ahead=ahead, rate=RATE))
    c, s = 1 - RATE * (REAL**2 + THETA**2), RATE * REAL
    psi = c**ahead * PSI + s * sum(c**i for i in range(ahead))
    slope = -2 * RATE * THETA * (ahead * c ** (ahead - 1) * PSI + s * sum(i * c ** (i - 1) for i in range(1, ahead)))
    assert loss == pytest.approx(0.5 * (psi * THETA - 1) ** 2)
    assert gradient == pytest.approx((psi * THETA - 1) * (psi + THETA * slope))


@pytest.mark.parametrize("objective", [non_saturating, least_squares_01])
@pytest.mark.parametrize("penalties", [(), (R1(2.0),), (WGANGP(3.0),)])
def test_the_gradient_is_that_of_finite_differences(objective, penalties: tuple) -> None:
    game = Unrolled(objective, ahead=4, rate=RATE, penalties=penalties)
    losses = []
    for shift in (-1e-5, 1e-5):
        torch.manual_seed(0)
        players = Players(Point(), Slope())
        with torch.no_grad():
            players.generator.theta += shift
        drawn = Drawn((torch.full((4, 1), REAL, dtype=DOUBLE),), (torch.zeros(4, 1, dtype=DOUBLE),))
        losses.append(game.generator_loss(players, drawn)[0].item())
    torch.manual_seed(0)
    _, gradient, _ = play(game)
    assert gradient == pytest.approx((losses[1] - losses[0]) / 2e-5, rel=1e-6)


def test_looking_ahead_changes_nothing() -> None:
    """Neither the weights nor the buffers of the discriminator."""
    _, _, players = play(Unrolled(non_saturating, ahead=3, rate=RATE))
    assert players.discriminator.psi.item() == PSI
    assert players.discriminator.passes.item() == 0
    assert players.discriminator.psi.grad is None


def test_in_the_limit_the_generator_meets_the_best_discriminator() -> None:
    """Least squares, ψ* = x/(x² + θ²): after many steps loss and gradient are those against the optimum."""
    loss, gradient, players = play(Unrolled(least_squares_01, ahead=400, rate=RATE))
    theta = copy.deepcopy(players.generator.theta).requires_grad_()
    best = REAL / (REAL**2 + theta**2)
    expected = 0.5 * (best * theta - 1).square()
    assert loss == pytest.approx(expected.item())
    assert gradient == pytest.approx(torch.autograd.grad(expected, theta)[0].item())


def two_players(moves: int, units: int = 6) -> tuple[Players, Drawn]:
    """Small networks whose discriminator has made some moves by Adam, and what the next turns draw."""
    torch.manual_seed(3)
    players = Players(
        MLPGenerator(3, (units,), (2,), activation=nn.Tanh, output=nn.Identity),
        MLPDiscriminator((2,), (units,), activation=nn.Tanh),
    ).double()
    optimiser = LeanAdam(players.discriminator.parameters(), lr=0.01, betas=(0.5, 0.9))
    players.optimisers = {"discriminator": optimiser}
    drawn = Drawn((torch.randn(5, 2, dtype=DOUBLE) + 1,), (torch.randn(5, 3, dtype=DOUBLE),))
    for _ in range(moves):
        move(players, drawn)
    return players, drawn


def move(players: Players, drawn: Drawn) -> None:
    """One real move of the discriminator."""
    loss, _ = Unrolled(non_saturating).discriminator_loss(players, drawn)
    loss.backward(inputs=list(players.discriminator.parameters()))
    players.optimisers["discriminator"].step()
    players.discriminator.zero_grad()


@pytest.mark.parametrize("moves", [0, 1, 4])
def test_the_steps_ahead_are_those_that_the_discriminators_adam_then_makes(moves: int) -> None:
    players, drawn = two_players(moves)
    before = copy.deepcopy(players.optimisers["discriminator"].state_dict())
    loss, _ = Unrolled(non_saturating, ahead=3).generator_loss(players, drawn)
    after = players.optimisers["discriminator"].state_dict()
    assert str(after) == str(before)
    for _ in range(3):
        move(players, drawn)
    expected, _ = Unrolled(non_saturating, ahead=0).generator_loss(players, drawn)
    torch.testing.assert_close(loss, expected, rtol=1e-7, atol=0)  # torch counts steps in float32


@pytest.mark.parametrize("ahead", [1, 5])
@pytest.mark.parametrize("objective", [non_saturating, relativistic, wasserstein])
@pytest.mark.parametrize("penalties", [(), (R1(2.0),)])
def test_the_gradient_goes_through_adams_steps(ahead: int, objective, penalties: tuple) -> None:
    """Along a direction in the generator's weights, against central differences."""
    players, drawn = two_players(4)
    game = Unrolled(objective, ahead=ahead, penalties=penalties)
    weights = list(players.generator.parameters())
    directions = [torch.randn_like(w) for w in weights]

    def shifted(shift: float) -> Tensor:
        with torch.no_grad():
            for weight, direction in zip(weights, directions, strict=True):
                weight += shift * direction
        loss, _ = game.generator_loss(players, drawn)
        with torch.no_grad():
            for weight, direction in zip(weights, directions, strict=True):
                weight -= shift * direction
        return loss.detach()

    found = torch.autograd.grad(game.generator_loss(players, drawn)[0], weights)
    along = sum((g * d).sum() for g, d in zip(found, directions, strict=True))
    torch.testing.assert_close(along, (shifted(1e-5) - shifted(-1e-5)) / 2e-5, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("moves", [0, 2])
def test_a_unit_that_never_was_active_spoils_no_gradient(moves: int) -> None:
    """Its gradient and Adam's averages are exactly 0."""
    players, drawn = two_players(0)
    players.discriminator.net[2] = nn.ReLU()
    with torch.no_grad():
        players.discriminator.net[1].bias[0] = -1e3
    for _ in range(moves):
        move(players, drawn)
    loss, _ = Unrolled(non_saturating, ahead=2).generator_loss(players, drawn)
    assert all(g.isfinite().all() for g in torch.autograd.grad(loss, list(players.generator.parameters())))


def test_steps_that_are_not_adams_need_a_rate() -> None:
    players, drawn = two_players(0)
    players.optimisers = {"discriminator": torch.optim.SGD(players.discriminator.parameters(), lr=0.1)}
    with pytest.raises(UsageError, match="set rate"):
        Unrolled(non_saturating).generator_loss(players, drawn)
    Unrolled(non_saturating, rate=0.1).generator_loss(players, drawn)
