"""A tiny recipe on the Gaussian, and steps of it without a directory."""

import io
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from rich.console import Console
from torch import nn

from sparring.data import DataOptions, open_data
from sparring.game import Adversarial
from sparring.identity import Identity
from sparring.networks import MLPDiscriminator, MLPGenerator
from sparring.objectives import non_saturating
from sparring.recipes.parts import adam, normal
from sparring.runs.run import Run
from sparring.training.display import Display
from sparring.training.draw import Draw
from sparring.training.loop import train
from sparring.training.state import State, read_checkpoint
from sparring.training.step import Step
from sparring.types import Dataset, Recipe

CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def tensors() -> Callable[..., dict[str, torch.Tensor]]:
    """The tensors of a run's checkpoint."""

    def read(run: Run, which: str = "last") -> dict[str, torch.Tensor]:
        return read_checkpoint(run.checkpoint(which))[1]

    return read


@pytest.fixture(scope="session")
def same(tensors) -> Callable[..., bool]:
    """Whether two runs have the same bits in a checkpoint."""

    def compare(one: Run, other: Run, which: str = "last") -> bool:
        a, b = tensors(one, which), tensors(other, which)
        return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)

    return compare


@pytest.fixture(scope="session")
def rows() -> Callable[[Run], list[dict[str, float]]]:
    """A run's metrics, without how long it took."""

    def read(run: Run) -> list[dict[str, float]]:
        return [{name: value for name, value in row.items() if name != "images_per_second"} for row in run.metrics]

    return read


@pytest.fixture(scope="session")
def heard() -> Callable[[], tuple[Display, io.StringIO]]:
    """A display, and the text that is said on it."""

    def make() -> tuple[Display, io.StringIO]:
        text = io.StringIO()
        return Display(console=Console(file=text, width=500)), text

    return make


@cache
def gaussian() -> Dataset:
    return open_data("gaussian", DataOptions(points=500))


@pytest.fixture
def dataset() -> Dataset:
    return gaussian()


@pytest.fixture
def tiny() -> Callable[..., Recipe]:
    """A recipe of some hundred weights, with batch norm in the generator."""

    def make(**changes) -> Recipe:
        recipe = Recipe(
            paper="none",
            generator=lambda: MLPGenerator(
                2, (8, 8), (1,), activation=nn.ReLU, norm=nn.BatchNorm1d, output=nn.Identity
            ),
            discriminator=lambda: MLPDiscriminator((1,), (8,), activation=nn.Tanh),
            game=Adversarial(non_saturating),
            latent=normal(2),
            optimiser=adam(0.5, 0.999),
            lr_generator=0.01,
            lr_discriminator=0.01,
            batch=8,
            steps=20,
            grid_every=1000,
            log_every=5,
            best_every=10,
            checkpoint_seconds=0.0,
        )
        return replace(recipe, **changes)

    return make


@pytest.fixture
def play() -> Callable[[Recipe, int], State]:
    """The state after some steps of a recipe."""

    def run(recipe: Recipe, steps: int) -> State:
        torch.manual_seed(0)
        state = State(recipe, CPU)
        step = Step(recipe, state, Draw(recipe, gaussian().train, CPU))
        for _ in range(steps):
            step()
        return state

    return run


@pytest.fixture
def training(tmp_path: Path) -> Callable[..., Run]:
    """Trains a recipe in a directory, or goes on there."""

    def run(recipe: Recipe, name: str = "run", **loop) -> Run:
        identity = Identity("tiny", "", "gaussian", {}, {}, {}, gaussian().spec, fingerprint="")
        made = Run(tmp_path / name, recipe, identity)
        made.directory.make()
        train(
            recipe,
            made.directory,
            loop.get("dataset", gaussian()),
            CPU,
            loop.get("display", Display(quiet=True)),
            loop.get("scalars", lambda step, values: None),
        )
        return made

    return run
