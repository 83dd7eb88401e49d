"""The Dirac-GAN: eigenvalues by autograd, by theory, and as trajectories show them."""

import math

import pytest
import torch

from sparring.game import Adversarial, Unrolled
from sparring.objectives import DIVERGENCES, non_saturating, wasserstein
from sparring.penalties import DRAGAN, R1, R1R2, R2, WGANGP
from sparring.theory.dirac import (
    GAMES,
    alternating,
    cycle_radius,
    eigenvalues,
    f_gan_turns,
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
from sparring.theory.motion import CYCLING, RATE, SHOWN, begin, cycle, spelled

LINEAR = [name for name, case in GAMES.items() if case.eigenvalues is not None]
BARE = [name for name in LINEAR if not GAMES[name].game.penalties and not isinstance(GAMES[name].game, Unrolled)]
TURNS = {
    "kl": math.exp(-0.5),
    "reverse-kl": 1.0,
    "pearson": 1.0,
    "neyman": 1.0,
    "squared-hellinger": 1.0,
    "jensen-shannon": 0.5,
    "gan": 0.5,
    "total-variation": 0.5,
}


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
        assert abs(a - b) < 1e-6 * max(1, abs(a)) ** 5  # as the error of a Runge-Kutta step grows


@pytest.mark.parametrize("name", DIVERGENCES)
def test_how_fast_each_f_gan_turns(name: str) -> None:
    assert f_gan_turns(DIVERGENCES[name]) == pytest.approx(TURNS[name], abs=1e-12)
    assert f"f-GAN {name}" in GAMES


@pytest.mark.parametrize("penalty", [R1, R2, R1R2])
@pytest.mark.parametrize("name", BARE)
def test_each_game_with_each_penalty(name: str, penalty: type) -> None:
    """Of a rate a and a penalty γ: λ² + γλ + a² = 0, with twice γ for both penalties."""
    bare = GAMES[name]
    assert bare.eigenvalues is not None
    game = Adversarial(bare.game.objective, penalties=(penalty(0.7),))
    gamma = 1.4 if penalty is R1R2 else 0.7
    matrix = jacobian(game)
    assert float(matrix.trace()) == pytest.approx(-gamma)
    assert float(torch.linalg.det(matrix)) == pytest.approx(abs(bare.eigenvalues[0]) ** 2, abs=1e-12)


@pytest.mark.parametrize("penalty", [WGANGP, DRAGAN])
@pytest.mark.parametrize("name", BARE)
def test_a_slope_of_one_makes_each_game_jump(name: str, penalty: type) -> None:
    game = Adversarial(GAMES[name].game.objective, penalties=(penalty(0.7),))
    for side in (1, -1):
        push = field(game, torch.tensor([0.0, side * 1e-9], dtype=torch.float64))[1].item()
        assert push == pytest.approx(side * 1.4)


def test_more_weight_is_faster_only_while_the_players_turn() -> None:
    def slowest(gamma: float) -> float:
        game = Adversarial(non_saturating, penalties=(R1(gamma),))
        return max(value.real for value in eigenvalues(jacobian(game)))

    assert slowest(0.6) == pytest.approx(2 * slowest(0.3))
    assert (slowest(1.5), slowest(3.0)) == (pytest.approx(-0.191, abs=1e-3), pytest.approx(-0.0858, abs=1e-4))


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


@pytest.mark.parametrize("name", [name for name in SHOWN if "±" in spelled(GAMES[name])])
def test_portraits_show_what_the_eigenvalues_say(name: str) -> None:
    """From where the picture starts: steps at once go out unless the game is damped, and in turns they stay."""
    case = GAMES[name]
    start = math.hypot(*begin(case))
    out, turns = (path(case.game, update, begin(case), RATE, 160).norm(dim=1) for update in (simultaneous, alternating))
    if name in BARE:
        assert out[-40:].min() > 1.2 * start
        assert 0.5 * start < turns.min() < turns.max() < 1.5 * start
    else:
        assert max(out[-1], turns[-1]) < 0.1 * start


def test_the_cycles_radius_is_where_a_half_turn_ends() -> None:
    """By integrating the linear field above ψ = 0 from (-A, 0) until ψ is 0 again."""
    weight = 0.5
    state, h = torch.tensor([-cycle_radius(weight), 0.0], dtype=torch.float64), 0.02
    game = Adversarial(wasserstein, penalties=(WGANGP(weight),))
    state = flow(game, state + torch.tensor([0.0, 1e-12]), h)
    while state[1] > 0:
        state = flow(game, state, h)
    assert state[0].item() == pytest.approx(cycle_radius(weight), abs=5e-3)


@pytest.mark.parametrize("name", ["wasserstein, GP .3", "non-saturating, DRAGAN .1"])
def test_a_slope_of_one_never_arrives(name: str) -> None:
    for start in (0.3, 2.5):
        late = path(GAMES[name].game, flow, (start, 0.0), 0.1, 400)[250:]
        assert late.norm(dim=1).min() > (1.1 if "wasserstein" in name else 0.4)
        assert late.norm(dim=1).max() < 1.5
        assert late.min(0).values.max() < 0 < late.max(0).values.min()  # round the equilibrium, not at rest beside it


def test_the_cycles_figures_fail_for_a_penalty_that_settles(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, weight in CYCLING.items():
        settling = Adversarial(GAMES[name].game.objective, penalties=(R1(weight),))
        monkeypatch.setitem(GAMES, name, GAMES[name]._replace(game=settling))
    assert not any(figure.holds for figure in cycle())
