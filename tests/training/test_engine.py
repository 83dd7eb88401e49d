"""The captured engine, with a stand-in for a CUDA graph that a CPU can run.

The stand-in is a tape: it records every operation that torch dispatches, with the tensors it read and wrote, and
replays these operations on these tensors. Like a graph it knows nothing of Python: whatever a step computes outside of
tensors is frozen at what it was, and no value may be read on the host.
"""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import sparring
from sparring.data import DataOptions, open_data
from sparring.errors import SparringError, UsageError
from sparring.game import Adversarial
from sparring.objectives import non_saturating
from sparring.recipes import RECIPES
from sparring.recipes.build import build, find, share_out
from sparring.training.draw import Draw
from sparring.training.engine import WARM_UP, Captured, captures, make_step
from sparring.training.state import State
from sparring.training.step import Step
from sparring.types import PROGRESS, DataSource, Recipe

CPU = torch.device("cpu")
FROM_HOST = torch.ops.aten.lift_fresh.default
HOST = {torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default, FROM_HOST}
"""Operations that a graph cannot hold, as they bring values from the device to the host or back."""
CHANGING = {
    "batch": 8,
    "steps": 20,
    "pretrain": WARM_UP + 2,
    "k": 2,
    "ema": 0.9,
    "clip": 1.0,
    "schedule_generator": "linear",
    "schedule_discriminator": "cosine",
}
SETTINGS = [
    ("dcgan", {"precision": "bfloat16"}),
    ("dcgan", {"augment": "ada"}),
    ("dcgan", {"augment": "diffaugment"}),
    ("acgan", {"augment": "ada"}),
    ("gan-mnist", {"updates": "two"}),
    ("cgan", {"data": "circle"}),
    ("gan-1d", {"balance": 0.6}),
    ("gan-mnist", {"updates": "two", "balance": 0.6}),
    ("wgan", {"balance": 0.6}),
]
"""What else a recipe's step may hold."""


class Tape(TorchDispatchMode):
    """All operations within, recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, tuple, dict, list[Any]]] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        one = func is FROM_HOST and args[0].item() == 1  # with which torch's RMSprop counts its steps on a CPU
        assert one or func not in HOST, f"{func}: a captured step cannot do this"
        result = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, tree_leaves(result)))
        return result

    @torch.no_grad()
    def replay(self) -> None:
        for func, args, kwargs, before in self.calls:
            for old, new in zip(before, tree_leaves(func(*args, **kwargs)), strict=True):
                if isinstance(old, Tensor) and old.untyped_storage().data_ptr() != new.untyped_storage().data_ptr():
                    old.copy_(new)


class TapeRecorder:
    """Recording plays, so the state and the random numbers are put back as they were."""

    def __init__(self, state: State) -> None:
        self.state, self.recorded = state, 0

    def aside(self) -> nullcontext:
        return nullcontext()

    def record(self, work: Callable[[], Tensor]) -> Callable[[], Tensor]:
        before = {name: tensor.clone() for name, tensor in everything(self.state).items()}
        numbers = torch.get_rng_state()
        with Tape() as tape:
            made = work()
        with torch.no_grad():
            for name, tensor in everything(self.state).items():
                tensor.copy_(before[name])
        torch.set_rng_state(numbers)
        self.recorded += 1

        def replay() -> Tensor:
            tape.replay()
            return made

        return replay


def everything(state: State) -> dict[str, Tensor]:
    return {f"memory.{name}": tensor for name, tensor in state.memory.items()} | state.tensors()


def source_for(name: str) -> DataSource:
    return open_data(name, DataOptions() if name == "digits" else DataOptions(points=200)).train


@pytest.fixture
def small(narrow, data_for) -> Callable[..., tuple[Recipe, DataSource]]:
    """A recipe with narrow networks, and its data."""

    def make(name: str, data: str | None = None, **settings: Any) -> tuple[Recipe, DataSource]:
        source = source_for(data or data_for(name))
        own, general, _ = share_out(find(name), narrow(name, source.spec.name) | settings, {})
        return build(find(name), source.spec, own, general), source

    return make


def static_step(recipe: Recipe, source: DataSource, *, captured: bool) -> Step:
    torch.manual_seed(0)
    state, draw = State(recipe, CPU, static=True), Draw(recipe, source, CPU, static=True)
    return Captured(recipe, state, draw, TapeRecorder(state)) if captured else Step(recipe, state, draw)


@pytest.fixture(autouse=True)
def _capturable(monkeypatch) -> None:
    """Torch's RMSprop takes the way that can be captured only on devices that capture."""
    monkeypatch.setattr(
        sys.modules[torch.optim.RMSprop.__module__], "_get_capturable_supported_devices", lambda: ["cpu"]
    )


@pytest.mark.parametrize("case", [*((name, {}) for name in RECIPES), *SETTINGS], ids=str)
def test_captured_is_eager_bit_for_bit(small, case: tuple[str, dict[str, Any]]) -> None:
    """With pretraining, several discriminator updates, an average, clipped gradients and moving learning rates."""
    name, settings = case
    recipe, source = small(name, **(CHANGING | settings))
    eager, captured = (static_step(recipe, source, captured=which) for which in (False, True))
    steps = recipe.pretrain + WARM_UP + 3
    expected, measured = [eager() for _ in range(steps)], [captured() for _ in range(steps)]
    assert captured.recorder.recorded == (2 if recipe.discriminator else 1)  # the pretraining, if any, and the game
    for one, other in zip(expected, measured, strict=True):
        assert [list(move) for move in one] == [list(move) for move in other]
        for a, b in zip(one, other, strict=True):
            assert all(torch.equal(a[key], b[key]) for key in a), (name, a, b)
    assert captured.state.step == eager.state.step
    other = everything(captured.state)
    for key, tensor in everything(eager.state).items():
        assert torch.equal(tensor, other[key]), key


def test_a_static_state_learns_as_any(small, tiny) -> None:
    """Learning rates as tensors are the same numbers, up to float32."""
    recipe, source = small("gan-mnist", **CHANGING)
    torch.manual_seed(0)
    plain = Step(recipe, State(recipe, CPU), Draw(recipe, source, CPU))
    static = static_step(recipe, source, captured=False)
    for _ in range(recipe.pretrain + 5):
        for one, other in zip(plain(), static(), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_all_that_changes_stays_where_it_is(small) -> None:
    recipe, source = small("cgan", **(CHANGING | {"pretrain": 0}))
    step = static_step(recipe, source, captured=True)

    def places() -> dict[str, int]:
        stored = {"x": step.draw.real_stream.stored.x, "y": step.draw.real_stream.stored.y}
        rates = {player: o.param_groups[0]["lr"] for player, o in step.state.optimisers.items()}
        return {name: tensor.data_ptr() for name, tensor in (everything(step.state) | stored | rates).items()}

    for _ in range(WARM_UP):
        step()
    before, progress = places(), step.state.memory[PROGRESS].item()
    for _ in range(4):
        step()
    assert places() == before
    assert step.state.memory[PROGRESS].item() > progress


def test_a_loaded_state_is_captured(small, tmp_path) -> None:
    recipe, source = small("gan-mnist", **(CHANGING | {"pretrain": 0}))
    whole = static_step(recipe, source, captured=True)
    for _ in range(5):
        whole()
    whole.state.save(tmp_path / "000005.safetensors")
    resumed = static_step(recipe, source, captured=True)
    resumed.state.load(tmp_path / "000005.safetensors")
    for _ in range(WARM_UP + 3):
        whole()
        resumed()
    other = resumed.state.tensors()
    assert all(torch.equal(tensor, other[key]) for key, tensor in whole.state.tensors().items())


def test_a_run_of_captured_steps_is_a_run_of_eager_ones(tiny, training, monkeypatch) -> None:
    """Figures, checkpoints and going on after a stop between replays: all as ever."""

    def trained(name: str, *steps: int, captured: bool) -> tuple[bytes, list[dict[str, float]]]:
        monkeypatch.setattr(
            "sparring.training.loop.make_step", lambda recipe, source, _: static_step(recipe, source, captured=captured)
        )
        run = [training(tiny(steps=n, ema=0.9, pretrain=7), name) for n in steps][-1]
        rows = [{key: row[key] for key in row if key != "images_per_second"} for row in run.metrics]
        return run.checkpoint("last").read_bytes(), rows

    eager = trained("eager", 30, captured=False)
    assert trained("captured", 30, captured=True) == eager
    assert trained("parts", 10, 30, captured=True)[0] == eager[0]


def test_a_stage_without_moves(tiny) -> None:
    """While a held discriminator would be pretrained, nothing moves and nothing is captured."""
    recipe, source = tiny(hold="discriminator", pretrain=WARM_UP + 2), source_for("gaussian")
    step = static_step(recipe, source, captured=True)
    assert [step() for _ in range(WARM_UP + 2)] == [[]] * (WARM_UP + 2)
    for _ in range(WARM_UP + 2):
        assert step()[0]["g_loss"].isfinite()
    assert step.recorder.recorded == 1


def test_the_tape_refuses_what_a_graph_cannot_hold(tiny) -> None:
    class Reading(Adversarial):
        def generator_loss(self, players, drawn):
            loss, statistics = super().generator_loss(players, drawn)
            return loss * (1.0 + drawn.memory[PROGRESS].item()), statistics

    step = static_step(tiny(game=Reading(non_saturating)), source_for("gaussian"), captured=True)
    for _ in range(WARM_UP):
        step()
    with pytest.raises(AssertionError, match="a captured step cannot do this"):
        step()


def test_a_step_that_cannot_be_captured_says_so(tiny) -> None:
    class Failing(TapeRecorder):
        def record(self, work: Callable[[], Tensor]) -> Callable[[], Tensor]:
            raise RuntimeError("operation not permitted\nand many lines more")

    step = static_step(tiny(), source_for("gaussian"), captured=True)
    step.recorder = Failing(step.state)
    for _ in range(WARM_UP):
        step()
    with pytest.raises(SparringError, match=r"^the step cannot be captured \(operation not permitted\)\. .*=eager\.$"):
        step()


@pytest.fixture
def _no_collection() -> Iterator[None]:
    gc.disable()
    gc.freeze()  # what is there already does not count
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.usefixtures("_no_collection")
@pytest.mark.parametrize("name", RECIPES)
def test_no_gradient_graph_outlives_its_step(small, name: str) -> None:
    """What is left of one keeps nodes on the stream that it was made on, and breaks a capture on another."""
    recipe, source = small(name, batch=8, k=1, pretrain=0)
    step = static_step(recipe, source, captured=False)
    step()
    statistics = step()
    left = [o for o in gc.get_objects() if issubclass(type(o), Tensor) and o.grad_fn is not None]
    assert left == []
    assert all(not value.requires_grad for move in statistics for value in move.values())


def test_which_engine(small) -> None:
    cuda = torch.device("cuda")
    assert [captures(name, CPU) for name in ("auto", "eager")] == [False, False]
    assert [captures(name, cuda) for name in ("auto", "eager", "captured")] == [True, False, True]
    assert type(make_step(*small("gan-mnist"), CPU)) is Step


def test_a_cpu_captures_nothing(tmp_path) -> None:
    with pytest.raises(UsageError, match=r"^engine=captured needs a CUDA device, not cpu: [^\n]*$"):
        sparring.train("digits", "gan-mnist", device="cpu", engine="captured", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_first_weights_that_depend_on_the_data_are_decided_by_the_seed(small) -> None:
    """Before the first step, with the averages; a network of another kind is left as it is."""
    recipe, source = small("few-labels")
    states = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        states.append(make_step(recipe, source, CPU).state)
    bias, same, other = (state.players.discriminator.hidden[2].bias for state in states)
    assert torch.equal(bias, same)
    assert bias.abs().min() > 0
    assert not torch.equal(bias, other)
    for average, network in states[0].averaged():
        assert all(map(torch.equal, average.state_dict().values(), network.state_dict().values()))
