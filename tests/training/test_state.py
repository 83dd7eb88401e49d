"""Checkpoints: what was saved comes back, and what does not belong is refused before anything is changed."""

import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from sparring.data import DataOptions, open_data
from sparring.errors import UsageError
from sparring.networks import MLPGenerator
from sparring.recipes import RECIPES
from sparring.recipes.build import build, find, own_defaults
from sparring.recipes.parts import nesterov
from sparring.training.draw import Draw
from sparring.training.state import State, read_checkpoint
from sparring.training.step import Step
from sparring.types import Memory, Recipe

CPU = torch.device("cpu")


def contents(state: State) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in state.tensors().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@pytest.fixture
def saved(tiny, play, tmp_path: Path) -> Path:
    state: State = play(tiny(ema=0.9), 6)
    state.best, state.first_figure = (4, 0.25), 1.5
    path = tmp_path / "000006.safetensors"
    state.save(path)
    return path


@pytest.mark.parametrize("optimiser", [None, nesterov(0.6), lambda ps, lr: torch.optim.SGD(ps, lr=lr)])
@pytest.mark.parametrize("steps", [0, 3])
def test_all_comes_back(tiny, play, tmp_path: Path, optimiser, steps: int) -> None:
    recipe: Recipe = tiny(ema=0.9, **({} if optimiser is None else {"optimiser": optimiser}))
    state: State = play(recipe, steps)
    state.best, state.first_figure = (2, 0.1), 0.3
    state.save(tmp_path / "a.safetensors")
    torch.manual_seed(99)
    other = State(recipe, CPU)
    other.load(tmp_path / "a.safetensors")
    assert same(contents(other), contents(state))
    assert (other.step, other.best, other.first_figure) == (steps, (2, 0.1), 0.3)
    other.save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_a_state_that_has_played_takes_up_another(tiny, play, saved: Path, tmp_path: Path) -> None:
    """Loading does not depend on what was there before, and the game goes on from it to the same bits."""

    source = open_data("gaussian", DataOptions(points=500)).train
    played: State = play(tiny(ema=0.9), 3)
    fresh = State(tiny(ema=0.9), CPU)
    for state in (played, fresh):
        state.load(saved)
        step = Step(state.recipe, state, Draw(state.recipe, source, CPU))
        for _ in range(4):
            step()
    expected: State = play(tiny(ema=0.9), 10)
    assert same(contents(fresh), contents(expected))
    assert same(contents(played), contents(expected))


def test_a_parameter_that_never_moves_is_no_other_recipe(tiny, play, tmp_path: Path) -> None:
    """What the loss does not depend on has no optimiser state, and none is asked for."""

    class WithSpare(MLPGenerator):
        def __init__(self) -> None:
            super().__init__(2, (8,), (1,), activation=nn.ReLU)
            self.spare = nn.Linear(2, 2)

    recipe: Recipe = tiny(generator=WithSpare)
    state: State = play(recipe, 3)
    state.save(tmp_path / "a.safetensors")
    other = State(recipe, CPU)
    other.load(tmp_path / "a.safetensors")
    assert same(contents(other), contents(state))


def test_a_held_player_has_no_optimiser_state(tiny, play, tmp_path: Path) -> None:
    recipe = tiny(hold="generator")
    state: State = play(recipe, 2)
    assert not any(name.startswith("optimiser.generator") for name in state.tensors())
    state.save(tmp_path / "a.safetensors")
    other = State(recipe, CPU)
    other.load(tmp_path / "a.safetensors")
    assert same(contents(other), contents(state))


def test_the_games_own_tensors_are_kept(tiny, tmp_path: Path) -> None:
    class Counting:
        def memory(self) -> Memory:
            return {"p": torch.tensor(0.25)}

    recipe = tiny(game=Counting())
    one, other = State(recipe, CPU), State(recipe, CPU)
    one.memory["p"].fill_(0.75)
    assert other.memory["p"].item() == 0.25  # two trainings of one recipe share nothing
    one.save(tmp_path / "a.safetensors")
    other.load(tmp_path / "a.safetensors")
    assert other.memory["p"].item() == 0.75


@pytest.mark.parametrize("name", ["dcgan", "sngan"])
def test_the_layout_of_weights_changes_nothing_but_the_time(name: str, tmp_path: Path) -> None:
    """Channels last, the game is the same up to rounding, and so is the file: it goes on in either layout."""
    source = open_data("digits").train
    own = {key: 8 for key in own_defaults(RECIPES[name]) if key.startswith("width")}
    recipe = build(find(name), source.spec, own, {"batch": 8, "k": 1, "ema": 0.9})
    steps = {}
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        state = State(recipe, CPU, layout=layout)
        steps[layout] = Step(recipe, state, Draw(recipe, source, CPU))
    weight = next(p for p in state.players.parameters() if p.dim() == 4 and min(p.shape) > 1)
    assert weight.is_contiguous(memory_format=torch.channels_last)
    for _ in range(3):
        first, last = (step() for step in steps.values())
        for one, other in zip(first, last, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)
    state.save(tmp_path / "000003.safetensors")
    plain = State(recipe, CPU, layout=torch.contiguous_format)
    plain.load(tmp_path / "000003.safetensors")
    assert same(contents(plain), contents(state))
    plain.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "000003.safetensors").read_bytes()


def rewrite(path: Path, change) -> None:
    """Save a checkpoint again with other tensors or facts."""
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["sparring"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(tensors, facts)
    save_file(tensors, path, {"sparring": json.dumps(facts)})


def wrong_shape(tensors, facts) -> None:
    tensors["optimiser.generator.0.exp_avg"] = torch.zeros(1)


def scalar_moment(tensors, facts) -> None:
    tensors["optimiser.generator.0.exp_avg_sq"] = torch.zeros(())


def missing_moment(tensors, facts) -> None:
    del tensors["optimiser.discriminator.1.exp_avg"]


def moment_too_many(tensors, facts) -> None:
    tensors["optimiser.generator.99.exp_avg"] = torch.zeros(1)


def wrong_weight(tensors, facts) -> None:
    name = "players.generator.net.0.weight"
    tensors[name] = tensors[name][:1]


def half_precision(tensors, facts) -> None:
    tensors["players.generator.net.0.weight"] = tensors["players.generator.net.0.weight"].half()


def missing_weight(tensors, facts) -> None:
    del tensors["average.net.0.weight"]


def other_format(tensors, facts) -> None:
    facts["format"] = "sparring-checkpoint-0"


def no_facts(tensors, facts) -> None:
    facts.clear()


def no_step(tensors, facts) -> None:
    del facts["step"]


def odd_step(tensors, facts) -> None:
    facts["step"] = "six"


def odd_best(tensors, facts) -> None:
    facts["best"] = 3


def short_best(tensors, facts) -> None:
    facts["best"] = [3]


def no_first_figure(tensors, facts) -> None:
    del facts["first_figure"]


SPOILED = [
    wrong_shape,
    scalar_moment,
    missing_moment,
    moment_too_many,
    wrong_weight,
    half_precision,
    missing_weight,
    other_format,
    no_facts,
    no_step,
    odd_step,
    odd_best,
    short_best,
    no_first_figure,
]


@pytest.mark.parametrize("change", SPOILED)
def test_what_does_not_belong_is_refused_and_changes_nothing(tiny, play, saved: Path, change) -> None:
    rewrite(saved, change)
    state: State = play(tiny(ema=0.9), 2)
    before = contents(state)
    with pytest.raises(UsageError, match=r"does not belong|damaged|not a checkpoint") as caught:
        state.load(saved)
    assert "\n" not in str(caught.value)
    assert str(saved) in str(caught.value)
    assert same(contents(state), before)
    assert state.step == 2


@pytest.mark.parametrize("facts", ["{", "[1]", "3", '"a"'])
def test_facts_that_are_none(tiny, saved: Path, facts: str) -> None:
    save_file({"a": torch.zeros(1)}, saved, {"sparring": facts})
    with pytest.raises(UsageError, match="damaged"):
        State(tiny(), CPU).load(saved)


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def short(path: Path) -> None:
    os.truncate(path, 5)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def noise(path: Path) -> None:
    path.write_bytes(b"\xff" * 1000)


def vast_header(path: Path) -> None:
    path.write_bytes((1 << 60).to_bytes(8, "little") + path.read_bytes()[8:])


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def vanished(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("spoil", [truncated, short, empty, noise, vast_header, folder, vanished])
def test_damaged_files(tiny, saved: Path, spoil) -> None:
    spoil(saved)
    state = State(tiny(ema=0.9), CPU)
    before = contents(state)
    with pytest.raises(UsageError, match="damaged") as caught:
        state.load(saved)
    assert "--fresh" in str(caught.value)
    assert same(contents(state), before)


class Bomb:
    def __init__(self, target: str) -> None:
        self.target = target

    def __reduce__(self):
        return os.mkdir, (self.target,)


@pytest.mark.parametrize("how", ["pickle", "torch"])
def test_a_pickle_under_a_safe_name_runs_nothing(tiny, saved: Path, tmp_path: Path, how: str) -> None:
    bomb = Bomb(str(tmp_path / "proof"))
    if how == "pickle":
        saved.write_bytes(pickle.dumps(bomb))
    else:
        torch.save({"weights": bomb}, saved)
    with pytest.raises(UsageError, match="damaged"):
        State(tiny(ema=0.9), CPU).load(saved)
    assert not (tmp_path / "proof").exists()
    if how == "pickle":  # the bomb is a real one
        pickle.loads(saved.read_bytes())
        assert (tmp_path / "proof").exists()


def test_another_recipes_checkpoint(tiny, saved: Path) -> None:
    wider = tiny(ema=0.9, generator=lambda: MLPGenerator(2, (9, 9), (1,), activation=nn.ReLU, norm=nn.BatchNorm1d))
    with pytest.raises(UsageError, match="does not belong to this recipe"):
        State(wider, CPU).load(saved)
    with pytest.raises(UsageError, match=r"does not belong to this recipe.*average"):
        State(tiny(), CPU).load(saved)
    with pytest.raises(UsageError, match="does not belong to this recipe"):
        State(tiny(ema=0.9, optimiser=nesterov(0.5)), CPU).load(saved)


def test_facts_and_tensors(saved: Path) -> None:
    facts, tensors = read_checkpoint(saved)
    assert facts == {"step": 6, "best": (4, 0.25), "first_figure": 1.5, "since_line": {}, "since_signals": []}
    assert all(tensor.device.type == "cpu" for tensor in tensors.values())
    assert tensors["optimiser.generator.0.step"].item() == 6


def test_what_is_not_told_yet_goes_on(tiny, saved: Path, tmp_path: Path) -> None:
    """And checkpoints of earlier versions, which hold none of it, can be read."""
    state = State(tiny(ema=0.9), CPU)
    state.load(saved)
    state.since_line, state.since_signals = {"d_loss": [0.1, 2.5]}, [1 / 3]
    state.save(tmp_path / "000006.safetensors")
    again = State(tiny(ema=0.9), CPU)
    again.load(tmp_path / "000006.safetensors")
    assert (again.since_line, again.since_signals) == ({"d_loss": [0.1, 2.5]}, [1 / 3])
    facts = {"format": "sparring-checkpoint-1", "step": 6, "best": None, "first_figure": None}
    _, tensors = read_checkpoint(saved)
    save_file({name: tensor.clone() for name, tensor in tensors.items()}, saved, {"sparring": json.dumps(facts)})
    again.load(saved)
    assert (again.since_line, again.since_signals) == ({}, [])
