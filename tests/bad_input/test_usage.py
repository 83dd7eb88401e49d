"""Wrong usage of the command and of settings."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import sparring
from sparring.identity import Remedied
from sparring.training.directory import Directory

OUT = ("--out", "out", "--steps", 2, "--device", "cpu")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--recipe", "gan-mnits"), "Did you mean gan-mnist"),
        (("--recipe", "none.py"), "none.py cannot be read"),
        (("--set", "epoch=3"), "there is no setting 'epoch'"),
        (("--set", "lr_generater=3"), "Did you mean lr_generator"),
        (("--set", "steps=many"), "steps=many is not a whole number"),
        (("--set", "steps"), "not of the form NAME=VALUE"),
        (("--set", "ema=1", "--set", "ema=2"), "ema is given twice"),
        (("--recipe", "gan-mnist", "--set", "updates=three"), "updates=three is not one of one, two"),
        (("--set", "size=huge"), "size=huge"),
        (("--set", "mu=1"), "'mu' has no meaning for the images of digits"),
        (("--steps", 0), "steps=0 is too small"),
        (("--batch", 1), "batch=1 is too small"),
        (("--batch", 1_000_000), "too few for a batch of 1000000"),
        (("--batch", 8, "--recipe", "dcgan", "--set", "pack=1000"), "which draws 8000 at once: lower --batch or pack"),
        (("--recipe", "gan-mnist", "--set", "ema_rampup=0.05"), "give --set ema=0.999 too"),
        (("--seed", -1), "seed=-1 is too small"),
        (("--seed", 2**64), "seed=18446744073709551616 is too large"),
        (("--seed", 2**63 - 1), "seed=9223372036854775807 is too large"),
        (("--steps", 10**12), "steps=1000000000000 is too large"),
        (("--set", f"pretrain={10**30}"), "is too large"),
        (("--set", f"k={10**12}"), "k=1000000000000 is too large"),
        (("--recipe", "wgan-gp", "--set", "weight=inf"), "weight=inf makes no sense"),
        (("--recipe", ""), "there is no recipe ''"),
        (("--device", "cuda:0" if not torch.cuda.is_available() else "cuda:99"), "has no cuda"),
        (("--device", "gpu"), "there is no device 'gpu'"),
        (("--recipe", "gan-1d"), "gan-1d plays on one-dimensional points"),
    ],
)
def test_wrong_usage(spar, snapshot, one_line, tmp_path: Path, arguments: tuple, says: str) -> None:
    one_line(spar("train", "digits", "--out", "out", "--set", "log_every=1", *arguments), 2, says)
    assert snapshot(tmp_path) == {}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("ring", "--recipe", "r3gan", "--set", "width=8"), "width has no meaning for r3gan on ring"),
        (("ring", "--recipe", "r3gan", "--set", "blocks=1"), "blocks has no meaning for r3gan on ring"),
        (("ring", "--set", "width=8"), "width has no meaning for auto on ring"),
        (("gaussian", "--set", "width=8"), "width has no meaning for auto on gaussian"),
        (("ring", "--set", "gamma=10"), "gamma has no meaning for auto on ring"),
        (("digits", "--recipe", "vae", "--set", "k=2"), "k has no meaning for vae: it has no discriminator"),
        (("ring", "--recipe", "ae", "--set", "lr_discriminator=1"), "lr_discriminator has no meaning for ae"),
        (("gaussian", "--set", "augment=ada"), "plays on images"),
        (("digits", "--recipe", "dcgan", "--set", "augment=noise:x"), "augment=noise:x makes no sense"),
        (("digits", "--recipe", "dcgan", "--set", "smoothing=0.5"), "smoothing=0.5 makes no sense"),
        (("gaussian", "--recipe", "gan-1d", "--set", "M=8", "--batch", 8), "M is what gan-1d calls batch"),
        (("gaussian", "--recipe", "gan-1d", "--set", "K=2", "--set", "k=2"), "K is what gan-1d calls k"),
        (("gaussian", "--recipe", "gan-1d", "--set", "epochs=2", "--steps", 2), "epochs is what gan-1d calls steps"),
        (("gaussian", "--set", f"points={10**12}"), "points=1000000000000 does not work"),
    ],
)
def test_settings_that_would_not_be_heeded(
    spar, snapshot, one_line, tmp_path: Path, arguments: tuple, says: str
) -> None:
    one_line(spar("train", *arguments, "--out", "out"), 2, says)
    assert snapshot(tmp_path) == {}


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        torch.OutOfMemoryError("CUDA out of memory."),
    ],
)
def test_no_memory(spar, one_line, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def train(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("sparring.api.train", train)
    one_line(spar("train", "digits"), 1, "not enough memory", "--batch")


def test_a_training_without_memory_leaves_its_directory_to_others(spar, one_line, monkeypatch) -> None:
    """One that never made a step: its settings are no others' obstacle."""
    with monkeypatch.context() as small:
        small.setattr("sparring.training.loop.make_step", lambda *_: exec("raise MemoryError"))
        one_line(spar("train", "digits", *OUT, "--set", "width=99", "--batch", 9), 1, "not enough memory")
    ended = spar("train", "digits", *OUT, "--set", "width=8", "--batch", 8)
    assert (ended.code, ended.err) == (0, "")
    identity = sparring.load("out").identity
    assert (identity.own["width"], identity.general["batch"]) == (8, 8)
    one_line(spar("train", "digits", *OUT, "--set", "width=9", "--batch", 8), 2, "other settings (width is 8, not 9)")


@pytest.mark.parametrize("pretrain", [0, 3])
def test_a_training_without_memory_for_its_first_step(spar, one_line, monkeypatch, pretrain: int) -> None:
    """The line of the untrained generator, of another step where that is pretrained, goes too."""
    first = ("--recipe", "gan-mnist", "--set", f"pretrain={pretrain}")
    with monkeypatch.context() as small:
        small.setattr("sparring.training.step.Step.play", lambda *_: exec("raise MemoryError"))
        one_line(spar("train", "digits", *OUT, *first, "--batch", 98), 1, "not enough memory")
    assert len(sparring.load("out").metrics) == 1
    assert spar("train", "digits", *OUT, "--recipe", "gan-mnist", "--batch", 8).code == 0
    steps = [row["step"] for row in sparring.load("out").metrics]
    assert steps == sorted(steps)
    assert steps[0] == 0


def test_a_run_that_was_taken_back_to_its_first_weights_is_nobody_elses(spar, one_line) -> None:
    assert spar("train", "digits", *OUT, "--set", "width=8", "--batch", 8).code == 0
    directory = Directory(Path("out"))
    identity = sparring.load("out").identity
    remedied = replace(identity, remedies=(Remedied(0, "oscillation", {"lr_generator": 1e-3}),))
    directory.return_to(0)
    directory.cut_metrics(None)
    directory.write_identity(remedied)
    one_line(spar("train", "digits", *OUT, "--set", "width=9", "--batch", 8), 2, "other settings")
    directory.write_identity(identity)
    assert spar("train", "digits", *OUT, "--set", "width=9", "--batch", 8).code == 0


def test_a_recipe_that_does_not_exist_in_full(spar, one_line) -> None:
    one_line(spar("recipes", "gan-2d"), 2, "Did you mean gan-1d")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("train", "pictures/of/cats"), 2, "pictures/of/cats does not exist"),
        (("train", "gaussian", "--steps", "2", "--out", "file/run"), 1, "cannot make file/run"),
        (("sample", "nowhere"), 2, "nowhere holds no run"),
    ],
)
def test_in_a_process_of_its_own(start, tmp_path: Path, arguments: tuple, code: int, says: str) -> None:
    Path("file").write_text("")
    process = start(*arguments, folder=tmp_path)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (code, "")
    assert err.startswith("spar: ")
    assert err.count("\n") == 1
    assert says in err


@pytest.mark.parametrize("arguments", [("train",), ("trian", "digits"), ("train", "digits", "--step", "3")])
def test_what_the_parser_refuses(spar, arguments: tuple) -> None:
    result = spar(*arguments)
    assert result.code == 2
    assert "Traceback" not in result.err
    assert result.out == ""
