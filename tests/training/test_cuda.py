"""On a GPU: the captured engine plays the same game as the eager one, goes on where it stopped, and bears bfloat16."""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import sparring
from sparring.data import DataOptions, open_data
from sparring.recipes import RECIPES
from sparring.recipes.build import build, find
from sparring.training.display import Display
from sparring.training.engine import WARM_UP, Captured, make_step
from sparring.training.state import read_checkpoint
from sparring.training.step import Step
from sparring.views.adaptive import P

CUDA = torch.device("cuda")

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="NO CUDA DEVICE: captured graphs are not tested")


@pytest.fixture
def step_of(narrow, data_for) -> Callable[..., Step]:
    """A recipe's first step on the GPU, with narrow networks."""

    def make(name: str, augment: str = "", **general: Any) -> Step:
        data = data_for(name)
        source = open_data(data, DataOptions() if data == "digits" else DataOptions(points=1000)).train
        own = narrow(name, data) | ({"augment": augment} if augment else {})
        torch.default_generator.manual_seed(0)
        return make_step(build(find(name), source.spec, own, {"batch": 16, "steps": 100} | general), source, CUDA)

    return make


def losses(step: Step, steps: int) -> torch.Tensor:
    measured = [pair for _ in range(steps) for move in step() for pair in move.items()]
    return torch.stack([value for name, value in measured if name.endswith("loss")]).cpu()


@pytest.mark.parametrize("name", RECIPES)
def test_captured_is_eager_within_float_error(step_of, name: str) -> None:
    """Over 20 steps, with pretraining, an average, clipped gradients and moving learning rates."""
    general = {"pretrain": WARM_UP + 2, "ema": 0.9, "clip": 10.0, "schedule_generator": "linear"}
    eager, captured = (step_of(name, engine=engine, **general) for engine in ("eager", "captured"))
    assert (type(eager), type(captured)) == (Step, Captured)
    steps = WARM_UP + 2 + 20
    torch.testing.assert_close(losses(captured, steps), losses(eager, steps), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("name", RECIPES)
def test_random_numbers_are_those_of_eager_steps(step_of, name: str) -> None:
    """At rate 0 nothing is learned, so a step's losses are a function of what it drew: they agree step by step."""
    rates = {"lr_generator": 0.0, "lr_discriminator": 0.0}
    eager, captured = (step_of(name, engine=engine, **rates) for engine in ("eager", "captured"))
    torch.testing.assert_close(losses(captured, 12), losses(eager, 12), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("augment", ["diffaugment", "ada:blit,geometry,colour"])
def test_augmentations_are_captured(step_of, augment: str) -> None:
    """With the same draws as eager steps, with p about .5; rate 0, so that steps can be compared one by one."""
    general = {"lr_generator": 0.0, "lr_discriminator": 0.0}
    eager, captured = (step_of("dcgan", augment, engine=engine, **general) for engine in ("eager", "captured"))
    for step in (eager, captured):
        if P in step.state.memory:
            step.state.memory[P].fill_(0.5)
    torch.testing.assert_close(losses(captured, 12), losses(eager, 12), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("engine", ["eager", "captured"])
@pytest.mark.parametrize("name", RECIPES)
def test_bfloat16(step_of, name: str, engine: str) -> None:
    exact, rough = (step_of(name, engine=engine, precision=p) for p in ("float32", "bfloat16"))
    torch.testing.assert_close(losses(rough, 1), losses(exact, 1), rtol=0.05, atol=0.05)
    assert losses(rough, 20).isfinite().all()


def test_auto_captures(step_of) -> None:
    assert type(step_of("gan-mnist")) is Captured


def test_a_step_waits_for_nothing(step_of) -> None:
    """Nothing in a replayed step makes the host wait for the device."""
    step = step_of("cgan", engine="captured")
    losses(step, WARM_UP + 2)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(5):
            step()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_its_memory_is_given_back(step_of) -> None:
    def left() -> int:
        losses(step_of("dcgan", engine="captured"), WARM_UP + 2)
        gc.collect()
        return torch.cuda.memory_allocated()

    left()  # the libraries keep workspaces
    assert left() <= left()


def test_a_run_goes_on(tmp_path: Path) -> None:
    """Stopped after 30 steps and gone on with, a run is the uninterrupted one up to rounding; the caller's random
    numbers are untouched."""
    plain = {"device": "cuda", "display": Display(quiet=True), "engine": "captured", "pretrain": 5, "ema": 0.9}
    plain |= {"batch": 16, "log_every": 10, "checkpoint_seconds": 0.0}
    before = torch.cuda.get_rng_state()
    whole = sparring.train("digits", "gan-mnist", out=tmp_path / "whole", steps=60, **plain)
    sparring.train("digits", "gan-mnist", out=tmp_path / "parts", steps=30, **plain)
    parts = sparring.train("digits", "gan-mnist", out=tmp_path / "parts", steps=60, **plain)
    assert torch.equal(before, torch.cuda.get_rng_state())
    (_, one), (_, other) = (read_checkpoint(run.checkpoint("last")) for run in (whole, parts))
    assert one.keys() == other.keys()
    for key, tensor in one.items():
        torch.testing.assert_close(other[key], tensor, rtol=1e-2, atol=1e-2, msg=key)
    eager = sparring.train("digits", "gan-mnist", out=tmp_path / "whole", steps=70, **(plain | {"engine": "eager"}))
    assert eager.step("last") == 70
