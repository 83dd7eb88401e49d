"""The Dirac-GAN: eigenvalues by autograd, by theory, and as trajectories show them."""

import math

import pytest
import torch

from sparring.game import Adversarial, Unrolled
from sparring.objectives import non_saturating, wasserstein
from sparring.penalties import R1, R2
from sparring.theory.dirac import (
    GAMES,
    alternating,
    eigenvalues,
    field,
    flow,
    growth,
    jacobian,
    measured_rates,
    path,
    rotation,
    simultaneous,
    unrolled,
)

LINEAR = [name for name, case in GAMES.items() if case.eigenvalues is not None]


@pytest.mark.parametrize("name", LINEAR)
def test_eigenvalues_and_trajectories_agree_with_theory(name: str) -> None:
    case = GAMES[name]
    theory = sorted(case.eigenvalues, key=lambda v: (v.imag, v.real))
    found = sorted(eigenvalues(jacobian(case.game)), key=lambda v: (v.imag, v.real))
    for a, b in zip(theory, found, strict=True):
        assert abs(a - b) < 1e-10
    if name == "least squares 0/1":  # defective: the matrix, not its eigenvalues, can be measured well
        assert jacobian(case.game).tolist() == [[0.0, 1.0], [0.0, 0.0]]
        return
    seen = sorted(measured_rates(case.game), key=lambda v: (round(v.imag, 6), v.real))
    for a, b in zip(theory, seen, strict=True):
        assert abs(a - b) < 1e-6


@pytest.mark.parametrize("gamma", [0.1, 1.0, 3.0])
def test_both_penalties_together_double_the_weight(gamma: float) -> None:
    both = Adversarial(non_saturating, penalties=(R1(gamma), R2(gamma)))
    double = Adversarial(non_saturating, penalties=(R1(2 * gamma),))
    torch.testing.assert_close(jacobian(both), jacobian(double))
    expected = rotation(0.5, 2 * gamma)
    for a, b in zip(sorted(expected, key=abs), sorted(eigenvalues(jacobian(both)), key=abs), strict=True):
        assert abs(abs(a) - abs(b)) < 1e-10


@pytest.mark.parametrize(("objective", "a"), [(non_saturating, 0.5), (wasserstein, 1.0)])
@pytest.mark.parametrize(("ahead", "rate"), [(0, 0.1), (1, 0.1), (6, 0.1)])
def test_looking_ahead_damps_like_a_penalty(objective, a: float, ahead: int, rate: float) -> None:
    game = Unrolled(objective, ahead=ahead, rate=rate)
    found = jacobian(game)
    expected = torch.tensor([[-2 * ahead * rate * a**2, a], [-a, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(found, expected)
    for theory, seen in zip(unrolled(a, ahead, rate), measured_rates(game), strict=True):
        assert abs(theory - seen) < 1e-6
    if ahead:
        assert growth(game, alternating, 0.2) < 0.999


@pytest.mark.parametrize(("name", "a"), [("minimax", 0.5), ("wasserstein", 1.0)])
@pytest.mark.parametrize("h", [0.05, 0.5])
def test_at_once_spirals_out_and_in_turns_stays(name: str, a: float, h: float) -> None:
    game = GAMES[name].game
    assert growth(game, simultaneous, h) == pytest.approx(math.sqrt(1 + (h * a) ** 2))
    assert growth(game, alternating, h) == pytest.approx(1, abs=1e-6)
    out = path(game, simultaneous, (0.1, 0.0), h, 100).norm(dim=1)
    turns = path(game, alternating, (0.1, 0.0), h, 100).norm(dim=1)
    assert out[-1] > out[0]
    assert (turns / turns[0]).min() > 0.7
    assert (turns / turns[0]).max() < 1.4


def test_the_wasserstein_flow_is_a_circle() -> None:
    states = path(Adversarial(wasserstein), flow, (0.6, 0.8), 0.1, 63)
    torch.testing.assert_close(states.norm(dim=1), torch.ones(64, dtype=torch.float64), rtol=0, atol=1e-5)
    angle = math.atan2(0.8, 0.6) - 6.3
    expected = torch.tensor([math.cos(angle), math.sin(angle)], dtype=torch.float64)
    torch.testing.assert_close(states[-1], expected, rtol=0, atol=1e-5)


def test_the_gradient_penalty_has_no_slope_at_zero_and_cycles() -> None:
    game = GAMES["wasserstein, GP 0.3"].game
    above, below = (field(game, torch.tensor([0.0, s * 1e-9], dtype=torch.float64))[1].item() for s in (1, -1))
    assert (above, below) == (pytest.approx(0.6), pytest.approx(-0.6))
    for start in (0.3, 2.5):
        late = path(game, flow, (start, 0.0), 0.1, 900)[700:].norm(dim=1)
        assert late.min() > 1.1
        assert late.max() < 1.5
