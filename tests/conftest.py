"""What the tests share: one cache, the command in this process and in its own, data in memory, trained runs."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

import sparring
from sparring import cli
from sparring.data.toys import TOYS
from sparring.recipes import IMAGES_ONLY, RECIPES
from sparring.recipes.build import own_defaults
from sparring.training.display import Display
from sparring.types import Batch, Dataset, DataSpec

SMALL = {"device": "cpu", "display": Display(quiet=True)}

CONDITIONAL = '''"""A small conditional game on labelled images."""

import torch
from torch import nn

from sparring.game import Adversarial
from sparring.objectives import non_saturating
from sparring.recipes.parts import adam, normal
from sparring.types import Recipe


class Generator(nn.Module):
    def __init__(self, spec, width):
        super().__init__()
        self.shape = spec.shape
        self.label = nn.Embedding(len(spec.classes), 8)
        self.net = nn.Sequential(nn.Linear(12, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, spec.size))

    def forward(self, z, y):
        return torch.tanh(self.net(torch.cat([z, self.label(y)], 1))).view(len(z), *self.shape)


class Discriminator(nn.Module):
    def __init__(self, spec, width):
        super().__init__()
        self.label = nn.Embedding(len(spec.classes), 8)
        self.net = nn.Sequential(nn.Linear(spec.size + 8, width), nn.LeakyReLU(0.2), nn.Linear(width, 1))

    def forward(self, x, y):
        return self.net(torch.cat([x.flatten(1), self.label(y)], 1))


def recipe(spec, *, width: int = 16):
    """A conditional perceptron."""
    return Recipe(
        paper="none",
        generator=lambda: Generator(spec, width),
        discriminator=lambda: Discriminator(spec, width),
        game=Adversarial(non_saturating),
        latent=normal(4),
        optimiser=adam(0.5, 0.999),
        conditional=True,
        steps=6,
        batch=8,
        grid_every=6,
    )
'''


NARROW = {"width": 8, "width_generator": 8, "width_discriminator": 8, "ahead": 2}
POINTS = {"gan-1d": "gaussian", "gan-1d-mended": "gaussian", "r3gan": "ring", "unrolled": "ring"}


class Result(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


class StoppingAt(Display):
    """Interrupts the training after one of its steps, as Ctrl-C does."""

    def __init__(self, step: int) -> None:
        super().__init__(quiet=True)
        self.at = step

    def step(self, step: int) -> None:
        if step == self.at:
            signal.raise_signal(signal.SIGINT)


@pytest.fixture(scope="session")
def stopping_at() -> type[StoppingAt]:
    """A display that interrupts the training after a step."""
    return StoppingAt


@pytest.fixture(autouse=True)
def seeded() -> None:
    """What a test draws without a seed of its own does not depend on the tests before it."""
    torch.manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def one_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Packed data and trained features are made once for all tests, and never in the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARRING_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def spar(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """The command's own ``main``, in this process: an exception that it does not turn into a line fails the test."""

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["spar", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Result(int(ended.value.code or 0), *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def start(one_cache: None) -> Callable[..., subprocess.Popen[str]]:
    """The command in a process of its own, with one thread, as its bits depend on their number."""

    def run(*arguments: object, folder: Path) -> subprocess.Popen[str]:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
        command = [sys.executable, "-m", "sparring.cli", *map(str, arguments)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True)

    return run


@pytest.fixture(scope="session")
def narrow() -> Callable[..., dict[str, int]]:
    """Settings that make a recipe's networks small, where it heeds them: ``narrow(name, data)``."""

    def settings(name: str, data: str = "digits") -> dict[str, int]:
        unheeded = IMAGES_ONLY.get(name, ()) if data in TOYS else ()
        return {key: NARROW[key] for key in own_defaults(RECIPES[name]) if key in NARROW and key not in unheeded}

    return settings


@pytest.fixture(scope="session")
def data_for() -> Callable[[str], str]:
    """Data on which a recipe is quick: points, where it plays on them and is about them."""
    return lambda name: POINTS.get(name, "digits")


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> sparring.Run:
    """Thirty steps of gan-mnist on the digits; tests that change it take a copy."""
    return sparring.train(
        "digits", "gan-mnist", out=tmp_path_factory.mktemp("runs") / "d", **SMALL, steps=30, log_every=10, grid_every=15
    )


@pytest.fixture(scope="session")
def gaussian_run(tmp_path_factory: pytest.TempPathFactory) -> sparring.Run:
    """Twenty epochs of gan-1d on the Gaussian."""
    return sparring.train(
        "gaussian", "gan-1d", out=tmp_path_factory.mktemp("runs") / "g", **SMALL, epochs=20, K=2, best_every=10
    )


@pytest.fixture
def digits_copy(digits_run: sparring.Run, tmp_path: Path) -> Path:
    """A copy of the digits' run, to be spoiled; not evaluated, whatever other tests did with it."""
    return shutil.copytree(digits_run.path, tmp_path / "copy", ignore=shutil.ignore_patterns("evaluation.json"))


@pytest.fixture(scope="session")
def conditional_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's recipe file."""
    path = tmp_path_factory.mktemp("recipes") / "mine.py"
    path.write_text(CONDITIONAL)
    return path


@pytest.fixture(scope="session")
def conditional_run(conditional_file: Path, tmp_path_factory: pytest.TempPathFactory) -> sparring.Run:
    """A few steps of the user's recipe on the digits."""
    return sparring.train("digits", str(conditional_file), out=tmp_path_factory.mktemp("runs") / "c", **SMALL)


class Source:
    """Arrays as a data source."""

    def __init__(self, spec: DataSpec, x: Tensor, y: Tensor | None) -> None:
        self.spec, self.x, self.y = spec, x, y

    def __len__(self) -> int:
        return len(self.x)

    def read(self, indices: np.ndarray) -> Batch:
        at = torch.from_numpy(indices)
        return Batch(self.x[at], None if self.y is None else self.y[at])

    @property
    def labels(self) -> np.ndarray | None:
        return None if self.y is None or self.spec.attributes else self.y.numpy()

    @property
    def attributes(self) -> np.ndarray | None:
        return None if self.y is None or not self.spec.attributes else self.y.numpy()

    def tensors(self) -> None:
        return None


@pytest.fixture(scope="session")
def make_dataset() -> Callable[..., Dataset]:
    """Build a data set of uint8 images (n, C, H, W), the last of them held out: ``make_dataset(x, y, test=…)``."""

    def make(x, y=None, *, classes=None, validation=0, test=0, fingerprint="test", notes=()) -> Dataset:
        names = tuple(map(str, range(0 if y is None else int(y.max()) + 1))) if classes is None else classes
        spec = DataSpec("image", tuple(x.shape[1:]), names, "test")
        first, second = len(x) - validation - test, len(x) - test
        cuts = [slice(0, first), slice(first, second), slice(second, None)]
        parts = [Source(spec, x[c], None if y is None else y[c]) if len(x[c]) else None for c in cuts]
        return Dataset(spec, *parts, fingerprint, notes)

    return make


@pytest.fixture(scope="session")
def digit_images() -> tuple[Tensor, Tensor]:
    """The 1 797 bundled digits (n, 1, 8, 8) uint8, shuffled, and what they show."""
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.images))
    x = torch.from_numpy((data.images[order] * (255 / 16)).round().astype(np.uint8))[:, None]
    return x, torch.from_numpy(data.target[order].astype(np.int64))


@pytest.fixture(scope="session")
def digits(make_dataset: Callable[..., Dataset], digit_images: tuple[Tensor, Tensor]) -> Dataset:
    """The digits: 1 257 for training, 180 for validation, 360 for the test."""
    return make_dataset(*digit_images, validation=180, test=360)
