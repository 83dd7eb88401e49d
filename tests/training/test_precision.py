"""Networks in bfloat16 between losses, weights and optimisers in float32."""

import pytest
import torch
from torch import nn

from sparring.data import DataOptions, open_data
from sparring.game import FeatureMatching
from sparring.game.feature_matching import features
from sparring.networks import MLPDiscriminator, MLPGenerator, spectral
from sparring.objectives import non_saturating
from sparring.recipes import RECIPES
from sparring.recipes.build import build, find
from sparring.training.draw import Draw
from sparring.training.precision import InBfloat16, in_bfloat16
from sparring.training.state import State
from sparring.training.step import Step
from sparring.types import Dataset, Players, Recipe

CPU = torch.device("cpu")


def opened(data: str) -> Dataset:
    return open_data(data, DataOptions() if data == "digits" else DataOptions(points=200))


def play(recipe: Recipe, data: str, steps: int) -> tuple[State, list]:
    source = opened(data).train
    torch.manual_seed(0)
    state = State(recipe, CPU)
    step = Step(recipe, state, Draw(recipe, source, CPU))
    return state, [step() for _ in range(steps)]


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains_near_float32(data_for, narrow, name: str) -> None:
    data = data_for(name)
    recipes = [
        build(find(name), opened(data).spec, narrow(name, data), {"precision": p, "batch": 8})
        for p in ("float32", "bfloat16")
    ]
    (exact, expected), (state, measured) = (play(recipe, data, 3) for recipe in recipes)
    first, other = expected[0][0], measured[0][0]
    loss = "d_loss" if "d_loss" in first else "g_loss"
    assert other[loss].item() == pytest.approx(first[loss].item(), rel=0.02, abs=0.02)
    for move in (move for step in measured for move in step):
        assert all(value.dtype == torch.float32 and value.isfinite() for value in move.values())
    kept = exact.tensors()
    assert {key: t.dtype for key, t in state.tensors().items()} == {key: t.dtype for key, t in kept.items()}
    assert not all(torch.equal(tensor, kept[key]) for key, tensor in state.tensors().items())


def test_inside_it_is_bfloat16_and_outside_float32() -> None:
    seen = []
    network = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 1))
    network[0].register_forward_hook(lambda layer, inputs, output: seen.append(output.dtype))
    made = InBfloat16(network)(torch.randn(2, 4))
    made.sum().backward()
    assert (seen, made.dtype, network[0].weight.grad.dtype) == ([torch.bfloat16], torch.float32, torch.float32)


def test_a_pass_without_gradients_does_not_spoil_the_next() -> None:
    network = InBfloat16(nn.Linear(4, 1))
    with torch.autocast("cpu", torch.bfloat16):
        with torch.no_grad():
            network(torch.randn(2, 4))
        network(torch.randn(2, 4)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_the_players_themselves_stay_as_they_are(tiny) -> None:
    players = State(tiny(), CPU).players
    rough = in_bfloat16(players)
    assert type(players.generator) is MLPGenerator
    assert {id(p) for p in rough.parameters()} == {id(p) for p in players.parameters()}
    assert in_bfloat16(Players(nn.Linear(1, 1))).discriminator is None


def test_features_are_found_where_there_are_some() -> None:
    generator = MLPGenerator(2, (8,), (1,), activation=nn.ReLU)
    players = in_bfloat16(Players(generator, MLPDiscriminator((1,), (8,), activation=nn.Tanh)))
    assert features(players.discriminator, (torch.randn(3, 1),)).dtype == torch.float32
    assert getattr(InBfloat16(nn.Linear(1, 1)), "features", None) is None


def test_features_are_matched(tiny) -> None:
    _, measured = play(tiny(game=FeatureMatching(non_saturating), precision="bfloat16"), "gaussian", 3)
    assert all(value.isfinite() for step in measured for move in step for value in move.values())


def test_spectral_norms_stay_exact() -> None:
    torch.manual_seed(0)
    layer = spectral(nn.Linear(6, 5))
    exact, followed = layer.weight.detach().clone(), layer.parametrizations.weight[0]._u.clone()
    with torch.autocast("cpu", torch.bfloat16):
        layer.eval()
        assert torch.equal(layer.weight, spectral_in_inference(layer))
        layer.train()
        assert layer.weight.dtype == torch.float32
    assert exact.dtype == followed.dtype == torch.float32


def spectral_in_inference(layer: nn.Linear) -> torch.Tensor:
    with torch.autocast("cpu", enabled=False):
        return layer.weight
