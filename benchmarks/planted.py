"""The planted failures: runs that are set wrongly on purpose, each to be sick in one way; and healthy runs."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.datasets import load_digits

import sparring
from sparring.data import DataOptions, open_data
from sparring.diagnosis.remedies import Remedy
from sparring.diagnosis.verdict import HEALTHY
from sparring.errors import SparringError, UsageError
from sparring.metrics.ranking import make_ranking
from sparring.metrics.survey import SampleSurvey
from sparring.runs.run import Run
from sparring.settings import Value
from sparring.training.display import Display
from sparring.training.loop import Interrupted

Images = npt.NDArray[np.uint8]
PLANTED = {"design": (100, 101, 0), "test": (1, 2, 3, 4, 5, 6)}
HEALTHY_SEEDS = {"design": (100, 101, 0), "test": (1, 2, 3, 4, 5)}
"""The seeds of each case."""
FEW = "few-"
"""Data sets that are too small: so many digits."""


@dataclass(frozen=True)
class Case:
    """A run that is to be of a kind: what is trained on what, and what is set wrongly."""

    kind: str
    data: str
    recipe: str
    settings: dict[str, Value] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """All of it in one line."""
        return " ".join([self.data, self.recipe, *(f"{name}={value}" for name, value in self.settings.items())])


POINTS: dict[str, Value] = {"pack": 1, "latent_dim": 2, "batch": 100, "lr_generator": 1e-3, "lr_discriminator": 1e-3}
"""The plain game on points, at rates at which it learns."""
SATURATING: dict[str, Value] = {"divergence": "gan", "saturating": True, "pretrain": 500}
SATURATING |= {"lr_discriminator": 0.002, "lr_generator": 1e-5}
"""The minimax game against a discriminator that is sure already."""
CASES = [
    Case(HEALTHY, "gaussian", "r3gan", {"steps": 1500}),
    Case(HEALTHY, "swissroll", "r3gan", {"steps": 2500}),
    Case(HEALTHY, "ring", "r3gan", {"steps": 3000}),
    Case(HEALTHY, "digits", "auto", {"steps": 1500}),
    Case(HEALTHY, "digits", "gan-mnist", {"steps": 6000}),
    Case(HEALTHY, "digits", "dcgan-upsample", {"steps": 2000}),
    Case(HEALTHY, "digits", "wgan-gp", {"steps": 1500}),
    Case(HEALTHY, "digits", "lsgan", {"steps": 6000}),
    Case(HEALTHY, "digits", "f-gan", {"steps": 6000}),
    Case(HEALTHY, "mnist", "auto", {"steps": 3000}),
    Case("discriminator overpowers", "mnist", "gan-mnist", {"steps": 800, "lr_discriminator": 0.01}),
    Case("discriminator overpowers", "mnist", "lsgan", {"steps": 800, "lr_discriminator": 0.01}),
    Case("discriminator overpowers", "mnist", "f-gan", {"steps": 600, "lr_discriminator": 0.01}),
    Case("discriminator overpowers", "digits", "dcgan-upsample", {"steps": 600, "lr_discriminator": 0.02}),
    Case("generator gradient vanishes", "digits", "f-gan", SATURATING | {"steps": 1000}),
    Case("generator gradient vanishes", "mnist", "f-gan", SATURATING | {"steps": 500}),
    Case("generator gradient vanishes", "ring", "f-gan", SATURATING | {"steps": 1000}),
    Case("generator gradient vanishes", "digits", "f-gan", SATURATING | {"steps": 600, "divergence": "jensen-shannon"}),
    Case("modes missing", "ring", "pacgan", {"steps": 2000} | POINTS),
    Case("modes missing", "grid", "pacgan", {"steps": 2000} | POINTS),
    Case("modes missing", "digits", "gan-mnist", {"steps": 1500, "lr_generator": 0.003}),
    Case("modes missing", "digits", "lsgan", {"steps": 1500, "lr_generator": 0.004}),
    Case("collapse to few images", "digits", "gan-mnist", {"steps": 1000, "lr_generator": 0.01}),
    Case("collapse to few images", "digits", "lsgan", {"steps": 1000, "lr_generator": 0.02}),
    Case("collapse to few images", "ring", "pacgan", {"steps": 1500} | POINTS | {"lr_generator": 0.05}),
    Case("collapse to few images", "mnist", "gan-mnist", {"steps": 800, "lr_generator": 0.01}),
    Case("oscillation", "gaussian", "wgan", {"steps": 1500, "clip_weights": 10.0, "lr_generator": 0.01}),
    Case("oscillation", "gaussian", "wgan", {"steps": 1500, "clip_weights": 10.0, "lr_discriminator": 0.01, "k": 1}),
    Case("oscillation", "gaussian", "wgan-gp", {"steps": 1500, "weight": 0.0, "lr_generator": 0.01}),
    Case("oscillation", "gaussian", "gan-1d", {"epochs": 800, "K": 1}),
    Case("divergence", "digits", "wgan", {"steps": 500, "clip_weights": 1e6, "lr_discriminator": 0.01}),
    Case("divergence", "digits", "wgan-gp", {"steps": 600, "weight": 0.0, "lr_discriminator": 0.01}),
    Case("divergence", "ring", "wgan", {"steps": 1500, "clip_weights": 1e6, "lr_discriminator": 0.01}),
    Case("divergence", "digits", "gan-mnist", {"steps": 2000, "lr_generator": 0.1, "lr_discriminator": 0.1}),
    Case("memorisation", "few-8", "gan-mnist", {"steps": 3000, "batch": 8}),
    Case("memorisation", "few-16", "gan-mnist", {"steps": 5000, "batch": 16}),
    Case("memorisation", "few-32", "gan-mnist", {"steps": 6000}),
    Case("memorisation", "few-16", "auto", {"steps": 1200, "batch": 16, "augment": "none"}),
    Case("nothing learned", "digits", "gan-mnist", {"steps": 600, "hold": "generator"}),
    Case("nothing learned", "ring", "r3gan", {"steps": 600, "lr_generator": 1e-7}),
    Case("nothing learned", "mnist", "gan-mnist", {"steps": 600, "lr_generator": 1e-7}),
    Case("nothing learned", "gaussian", "r3gan", {"steps": 600, "hold": "generator"}),
    Case("generator overpowers", "digits", "gan-mnist", {"steps": 1000, "hold": "discriminator"}),
    Case("generator overpowers", "digits", "gan-mnist", {"steps": 1500, "lr_discriminator": 1e-6}),
    Case("generator overpowers", "ring", "pacgan", {"steps": 1000} | POINTS | {"lr_discriminator": 1e-6}),
    Case("generator overpowers", "mnist", "gan-mnist", {"steps": 600, "hold": "discriminator"}),
    Case("undertrained", "digits", "auto", {"steps": 250}),
    Case("undertrained", "mnist", "auto", {"steps": 200}),
    Case("undertrained", "digits", "gan-mnist", {"steps": 400}),
    Case("undertrained", "digits", "dcgan-upsample", {"steps": 200}),
]


def few_images(folder: Path, count: int) -> Path:
    """A data set of a few digits."""
    path = folder / "few.npz"
    np.savez(path, images=bundled_digits(0)[:count])
    return path


NEW = {"sizes": (8, 12, 16, 24, 32, 60, 120), "design": range(100, 115), "test": range(1, 16)}
"""Sets of so few digits, and the draws of them, beside which other digits stand in place of samples."""


def floors(data: str, samples: Images | None = None) -> dict[str, float]:
    """A survey's floors, and its figures of images in place of samples; they depend on the data alone."""
    dataset = open_data(data, DataOptions())
    survey = SampleSurvey(dataset, rank := make_ranking(dataset))
    if samples is None:
        return survey.floors()
    return survey.floors() | survey(rank.features(dataset.spec.encode(torch.from_numpy(samples)[:, None])))


@cache
def floors_of(case: str) -> dict[str, float]:
    """The floors of a case's data, which come first in its name."""
    data = case.split()[0]
    with tempfile.TemporaryDirectory() as folder:
        return floors(str(few_images(Path(folder), int(data[len(FEW) :]))) if data.startswith(FEW) else data)


def of_new_digits(count: int, draw: int) -> dict[str, float]:
    """What is recorded of digits that are no samples at all but new, beside a set of so few others."""
    images = bundled_digits(draw)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "few.npz"
        np.savez(path, images=images[:count])
        return floors(str(path), images[count : count + 1000])


def bundled_digits(draw: int) -> Images:
    """All digits (n, 8, 8) uint8 in an order."""
    digits: Images = (load_digits().images * 255 / 16).round().astype(np.uint8)
    return np.random.default_rng(draw).permutation(digits)


def cases(
    split: str, kinds: Collection[str], data: Collection[str], some: Collection[int] = ()
) -> Iterator[tuple[Case, int]]:
    """Each case of these kinds on these data with these seeds of the split, seed by seed; of what is empty, all."""
    for seed in some or PLANTED[split]:
        for case in CASES:
            seeds = (HEALTHY_SEEDS if case.kind == HEALTHY else PLANTED)[split]
            if seed in seeds and case.kind in (kinds or [case.kind]) and case.data in (data or [case.data]):
                yield case, seed


def trained(case: Case, seed: int, folder: Path, remedy: Remedy | None = None) -> tuple[Run, str]:
    """A case's run, or that of its remedy, and how it ended."""
    few = case.data.startswith(FEW)
    data = str(few_images(folder, int(case.data[len(FEW) :]))) if few else case.data
    recipe = remedy.recipe if remedy else case.recipe
    settings: dict[str, Any] = remedy.settings if remedy else {**case.settings, "seed": seed, "threads": 1}
    out, ended = folder / "run", "done"
    try:
        sparring.train(data, recipe, out=out, display=Display(quiet=True), **settings)
    except (UsageError, Interrupted):
        raise
    except SparringError as error:
        ended = str(error).split(".")[0]
    return sparring.load(out), ended
