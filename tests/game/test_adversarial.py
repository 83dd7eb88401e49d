"""The adversarial game: who is moved by which turn, and what each turn shows to whom."""

import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

from sparring.data import open_data
from sparring.errors import UsageError
from sparring.game import Adversarial, TwoUpdates
from sparring.networks import MLPDiscriminator, MLPGenerator
from sparring.objectives import minimax, non_saturating
from sparring.recipes.parts import adam, normal
from sparring.training.draw import Draw
from sparring.training.state import State
from sparring.training.step import Step
from sparring.types import Drawn, Players, Recipe

SHAPE = (1,)
GAMES = {
    "apart": Adversarial(non_saturating),
    "joined": Adversarial(non_saturating, joined=True),
    "half": Adversarial(minimax, joined=True, half=True),
    "two updates": TwoUpdates(non_saturating),
}
each = pytest.mark.parametrize("game", GAMES.values(), ids=GAMES.keys())


class NormedDiscriminator(MLPDiscriminator):
    """A discriminator that has running averages too."""

    def __init__(self) -> None:
        super().__init__(SHAPE, (8,), activation=nn.Tanh)
        self.net.insert(2, nn.BatchNorm1d(8))


def tiny(**changes) -> Recipe:
    recipe = Recipe(
        paper="",
        generator=lambda: MLPGenerator(3, (8, 8), SHAPE, activation=nn.ReLU, norm=nn.BatchNorm1d, output=nn.Identity),
        discriminator=NormedDiscriminator,
        game=Adversarial(non_saturating),
        latent=normal(3),
        optimiser=adam(0.5, 0.999),
        batch=16,
        steps=10,
    )
    return replace(recipe, **changes)


def ready(recipe: Recipe) -> tuple[State, Step]:
    torch.manual_seed(0)
    cpu = torch.device("cpu")
    state = State(recipe, cpu)
    return state, Step(recipe, state, Draw(recipe, open_data("gaussian").train, cpu))


def copy(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def changed(before: dict[str, torch.Tensor], module: nn.Module) -> set[str]:
    return {name for name, tensor in module.state_dict().items() if not torch.equal(before[name], tensor)}


@each
def test_a_turn_moves_its_own_player_alone(game: Adversarial) -> None:
    """Weights, running averages and the count of batches of the other one: nothing moves."""
    state, step = ready(tiny(game=game))
    for move in step.draw.moves[1]:
        generator, discriminator = copy(state.players.generator), copy(state.players.discriminator)
        step.draw.prepare(0)
        step.move(move)
        moved = changed(generator, state.players.generator), changed(discriminator, state.players.discriminator)
        own, other = moved if move.turn.player == "generator" else moved[::-1]
        assert other == set()
        assert any(name.endswith("weight") for name in own)
        assert any("num_batches_tracked" in name for name in own)
        assert all(parameter.grad is None for parameter in state.players.parameters())


def test_only_the_own_player_gets_a_gradient() -> None:
    """Also where a loss lets gradients through to the other one, and in a network without running averages."""
    torch.manual_seed(0)
    recipe = tiny(discriminator=lambda: MLPDiscriminator(SHAPE, (8,), activation=nn.Tanh), hold="discriminator")
    state, step = ready(recipe)
    before = copy(state.players.discriminator)
    for _ in range(3):
        step()
    assert changed(before, state.players.discriminator) == set()


@pytest.mark.parametrize("half", [False, True])
def test_joined_equals_apart_without_batch_norm_in_the_discriminator(half: bool) -> None:
    torch.manual_seed(0)
    players = Players(
        MLPGenerator(3, (8,), (2, 2), activation=nn.ReLU), MLPDiscriminator((2, 2), (8,), activation=nn.Tanh)
    ).double()
    drawn = Drawn((torch.randn(6, 2, 2, dtype=torch.float64),), (torch.randn(6, 3, dtype=torch.float64),))
    results = []
    for joined in (False, True):
        loss, statistics = Adversarial(non_saturating, joined=joined, half=half).discriminator_loss(players, drawn)
        gradients = torch.autograd.grad(loss, list(players.discriminator.parameters()))
        results.append((loss, *statistics.values(), *gradients))
    for apart, joined in zip(*results, strict=True):
        torch.testing.assert_close(apart, joined)


def test_joined_batches_meet_in_batch_norm() -> None:
    """With batch norm in the discriminator it matters whether real and fake are seen together."""
    torch.manual_seed(0)
    players = Players(MLPGenerator(3, (8,), SHAPE, activation=nn.ReLU), NormedDiscriminator())
    drawn = Drawn((torch.randn(6, 1) + 5,), (torch.randn(6, 3),))
    apart, joined = (
        Adversarial(non_saturating, joined=j).discriminator_loss(players, drawn)[0].item() for j in (False, True)
    )
    assert apart != pytest.approx(joined, rel=1e-3)


@pytest.mark.parametrize(
    ("game", "expected"),
    [
        (Adversarial(non_saturating), [("discriminator", 10, 10), ("generator", 0, 10)]),
        (Adversarial(non_saturating, half=True), [("discriminator", 5, 5), ("generator", 0, 10)]),
        (Adversarial(non_saturating._replace(relativistic=True)), [("discriminator", 10, 10), ("generator", 10, 10)]),
        (TwoUpdates(non_saturating), [("discriminator", 5, 0), ("discriminator", 0, 5), ("generator", 0, 10)]),
    ],
)
def test_what_each_turn_draws(game: Adversarial, expected: list[tuple[str, int, int]]) -> None:
    assert [(turn.player, turn.real, turn.fake) for turn in game.turns(10)] == expected


class Recorder(nn.Module):
    """A discriminator that keeps what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.shown: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.shown.append(x.detach())
        return self.weight * x.flatten(1).sum(1, keepdim=True)


def test_two_updates_makes_its_fakes_with_running_averages() -> None:
    torch.manual_seed(0)
    generator = MLPGenerator(3, (8,), SHAPE, activation=nn.ReLU, norm=partial(nn.BatchNorm1d, momentum=0.5))
    generator(torch.randn(50, 3))  # the averages are no longer those of the start
    players = Players(generator, Recorder())
    z = torch.randn(8, 3)
    averages = copy(generator)
    TwoUpdates(non_saturating).fake_loss(players, Drawn((), (z,)))
    assert generator.training
    assert changed(averages, generator) == set()
    with torch.no_grad():
        expected = generator.eval()(z)
        in_training_mode = generator.train()(z)
    torch.testing.assert_close(players.discriminator.shown[0], expected)
    assert not torch.allclose(players.discriminator.shown[0], in_training_mode)


def test_a_generator_that_is_not_training_stays_so() -> None:
    players = Players(MLPGenerator(3, (8,), SHAPE, activation=nn.ReLU).eval(), Recorder())
    TwoUpdates(non_saturating).fake_loss(players, Drawn((), (torch.randn(4, 3),)))
    assert not players.generator.training


def test_the_two_updates_are_the_halves_of_the_joined_one() -> None:
    torch.manual_seed(0)
    players = Players(MLPGenerator(3, (8,), SHAPE, activation=nn.ReLU), Recorder())
    real, z = (torch.randn(6, 1),), (torch.randn(6, 3),)
    together, statistics = Adversarial(non_saturating).discriminator_loss(players, Drawn(real, z))
    on_real, of_real = TwoUpdates(non_saturating).real_loss(players, Drawn(real, ()))
    on_fake, of_fake = TwoUpdates(non_saturating).fake_loss(players, Drawn((), z))
    torch.testing.assert_close(together, on_real + on_fake)
    assert statistics["d_real"] == of_real["d_real"]
    assert statistics["d_fake"] == of_fake["d_fake"]


def test_statistics_of_a_blind_discriminator() -> None:
    players = Players(MLPGenerator(3, (8,), SHAPE, activation=nn.ReLU), Recorder())
    nn.init.zeros_(players.discriminator.weight)
    drawn = Drawn((torch.randn(6, 1),), (torch.randn(6, 3),))
    _, of_discriminator = Adversarial(minimax).discriminator_loss(players, drawn)
    assert of_discriminator["d_loss"].item() == pytest.approx(math.log(4))
    _, of_generator = Adversarial(non_saturating).generator_loss(players, drawn)
    assert of_generator["g_loss"].item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("batch", [2, 3, 5, 33])
@pytest.mark.parametrize("game", [Adversarial(non_saturating, joined=True, half=True), TwoUpdates(non_saturating)])
def test_batches_that_cannot_be_halved_are_refused(game: Adversarial, batch: int) -> None:
    with pytest.raises(UsageError, match=f"batch={batch} does not fit"):
        game.turns(batch)
