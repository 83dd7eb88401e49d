"""The balance of the two sides: shares of learning rates, in every game, resumed bit for bit."""

import math

import pytest
import torch

import sparring
from sparring.data import DataOptions, open_data
from sparring.errors import UsageError
from sparring.recipes import RECIPES
from sparring.recipes.build import build, find, own_defaults, share_out
from sparring.training.balance import QUICKNESS, SHARE, SLOWEST, full_shares, rebalance
from sparring.training.draw import Draw
from sparring.training.schedule import learning_rate
from sparring.training.state import State
from sparring.training.step import Step
from sparring.types import Recipe

CPU = torch.device("cpu")
NARROW = {"width": 8, "width_generator": 8, "width_discriminator": 8, "ahead": 2}
DATA = {"gan-1d": "gaussian", "gan-1d-mended": "gaussian"}


def step_of(name: str, **settings) -> Step:
    """A recipe with narrow networks, about to play."""
    data = DATA.get(name, "digits")
    source = open_data(data, DataOptions() if data == "digits" else DataOptions(points=200)).train
    small = {key: NARROW[key] for key in own_defaults(RECIPES[name]) if key in NARROW}
    own, general, _ = share_out(find(name), small | {"batch": 8, "steps": 8} | settings, {})
    recipe = build(find(name), source.spec, own, general)
    torch.manual_seed(0)
    return Step(recipe, State(recipe, CPU), Draw(recipe, source, CPU))


def adversarial() -> list[str]:
    digits, gaussian = (open_data(data, DataOptions()).spec for data in ("digits", "gaussian"))
    specs = {name: gaussian if name in DATA else digits for name in RECIPES}
    return [name for name in RECIPES if RECIPES[name](specs[name]).discriminator is not None]


def shares_after(recipe: Recipe, rights: list[float]) -> list[float]:
    """The generator's and the discriminator's share, after moves in which the latter was right so often."""
    memory = full_shares(recipe)
    for right in rights:
        statistics = {"d_real": torch.tensor(right + 0.1), "d_fake": torch.tensor(right - 0.1)}
        rebalance(recipe, memory, statistics)
    assert [statistics[name] for name in SHARE.values()] == [memory[name] for name in SHARE.values()]
    return [memory[SHARE[player]].item() for player in ("generator", "discriminator")]


def test_who_is_ahead_slows_down_by_how_far_and_rises_again(tiny) -> None:
    recipe = tiny(balance=0.7)
    assert shares_after(recipe, [0.5, 0.6, 0.7] * 10) == pytest.approx([1, 1])
    assert shares_after(recipe, [0.9] * 20) == pytest.approx([1, math.exp(-20 * QUICKNESS * 0.2)])
    assert shares_after(recipe, [0.9] * 20 + [0.6] * 10) == pytest.approx([1, math.exp(-30 * QUICKNESS * 0.1)])
    assert shares_after(recipe, [0.3] * 20) == pytest.approx([math.exp(-20 * QUICKNESS * 0.2), 1])
    assert shares_after(recipe, [0.95] * 1000) == pytest.approx([1, SLOWEST])
    assert shares_after(recipe, [0.95] * 1000 + [0.6] * 1000) == pytest.approx([1, 1])


def test_shares_are_of_what_the_schedule_says(tiny, play) -> None:
    """The rates of the last step are those that the move before it had left."""
    settings = {"balance": 0.7, "schedule_generator": "linear", "lr_discriminator": 0.5}
    before, after = play(tiny(**settings), 7), play(tiny(**settings), 8)
    assert before.memory[SHARE["discriminator"]] < 1
    for player, optimiser in after.optimisers.items():
        expected = learning_rate(after.recipe, player, 7) * before.memory[SHARE[player]].item()
        assert optimiser.param_groups[0]["lr"] == pytest.approx(expected)


@pytest.mark.parametrize("name", adversarial())
def test_every_recipe_balances_and_goes_on_to_the_same_bits(name: str, tmp_path) -> None:
    whole, first, second = (step_of(name, balance=0.51, k=2) for _ in range(3))
    measured = [whole() for _ in range(4)][-1]
    assert all(measured[0].keys() >= {name} for name in SHARE.values())
    for _ in range(2):
        first()
    first.state.save(tmp_path / "000002.safetensors")
    second.state.load(tmp_path / "000002.safetensors")
    for _ in range(2):
        second()
    tensors, again = whole.state.tensors(), second.state.tensors()
    assert {f"game.{name}" for name in SHARE.values()} <= tensors.keys()
    assert [key for key in tensors if not torch.equal(tensors[key], again[key])] == []


def test_without_it_nothing_is_kept_or_said(tiny, play) -> None:
    assert not set(SHARE.values()) & play(tiny(), 1).memory.keys()


@pytest.mark.parametrize("value", [0.5, 1, -0.7, math.nan])
def test_a_balance_that_is_none_is_refused(value: float, tmp_path) -> None:
    with pytest.raises(UsageError, match=r"^balance=.* makes no sense: .* between \.5 and 1"):
        sparring.train("digits", "gan-mnist", out=tmp_path / "run", device="cpu", balance=value)
    assert not (tmp_path / "run").exists()


def test_one_side_cannot_be_balanced(tiny) -> None:
    with pytest.raises(UsageError, match="no discriminator"):
        tiny(balance=0.7, discriminator=None)


def test_a_game_that_tells_no_skill_cannot_be_balanced(tiny) -> None:
    recipe = tiny(balance=0.7)
    with pytest.raises(UsageError, match="how often its discriminator is right"):
        rebalance(recipe, full_shares(recipe), {"d_loss": torch.tensor(1.0)})
