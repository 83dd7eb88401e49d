"""Images without a label, in each part of the data, where the game knows classes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

SMALL = ("--steps", 6, "--batch", 8, "--device", "cpu", "--set", "signals_every=2", "--set", "log_every=2")
NARROW = {
    "auto": ("--set", "conditional=true", "--set", "width=8"),
    "projection": ("--set", "width_generator=8", "--set", "width_discriminator=8"),
}
PARTS = {"train": 80, "val": 30, "test": 30}


@pytest.fixture
def save() -> Callable[..., str]:
    """Write an archive whose parts lack the labels of some images each, two of them a class; gives its name."""

    def write(**lacking: int) -> str:
        random, arrays = np.random.default_rng(0), {}
        for part, n in PARTS.items():
            labels = np.arange(n) % 2
            labels[: lacking.get(part, 0)] = -1
            arrays |= {f"x_{part}": random.integers(0, 256, (n, 8, 8), np.uint8), f"y_{part}": labels}
        np.savez("some.npz", **arrays)
        return "some.npz"

    return write


@pytest.mark.parametrize("recipe", ["cgan", "projection", "acgan", "auto"])
def test_images_that_are_held_out_need_no_label(spar, save, recipe: str) -> None:
    """They are measured with, and what looks at conditions looks at the others."""
    trained = spar("train", save(val=9, test=9), "--recipe", recipe, "--out", "run", *SMALL, *NARROW.get(recipe, ()))
    assert (trained.code, trained.err) == (0, "")
    assert "signal_d_held_out" in Path("run/metrics.jsonl").read_text()


def test_with_no_label_held_out_the_rest_is_done(spar, save) -> None:
    """What says the class of held-out images is left out."""
    assert spar("train", save(val=30, test=30), "--recipe", "cgan", "--out", "run", *SMALL).code == 0
    metrics = Path("run/metrics.jsonl").read_text()
    assert "signal_d_train" in metrics
    assert "signal_d_held_out" not in metrics
    for verb in (("evaluate", "run"), ("report", "run"), ("sample", "run", "-n", 3, "--label", 1)):
        ended = spar(*verb, "--device", "cpu")
        assert (ended.code, ended.err) == (0, ""), verb


def test_training_images_without_one_are_counted(spar, save, one_line) -> None:
    says = "cgan needs a label or attributes for every example; 3 of 80 training examples of some.npz have none"
    one_line(spar("train", save(train=3), "--recipe", "cgan", "--out", "run", *SMALL), 2, says)
    assert not Path("run").exists()
