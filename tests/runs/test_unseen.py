"""What a classifier is asked about: of a named set, the images that were held out from its own training."""

import csv
from pathlib import Path

import pytest
import torch

import sparring
from sparring.training.display import Display

FEW = {"labels_per_class": 2, "batch": 10, "network": "perceptron", "device": "cpu", "display": Display(quiet=True)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> sparring.Run:
    """A classifier that was trained on other parts than the usual ones."""
    return sparring.train("digits", "few-labels", out=tmp_path_factory.mktemp("r") / "r", **FEW, steps=2, holdout=0.02)


def test_of_a_named_set_the_held_out_images_are_classified(run: sparring.Run, spar, tmp_path: Path) -> None:
    ended = spar("predict", run.path, "digits", "--out", tmp_path / "p.csv")
    held_out = run.dataset().test.tensors()
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"{len(held_out.x)} images that digits holds out: {tmp_path / 'p.csv'}\n"
    lines = list(csv.DictReader((tmp_path / "p.csv").read_text().splitlines()))
    assert [line["image"] for line in lines] == [str(i) for i in range(len(held_out.x))]
    assert [int(line["class"]) for line in lines] == run.predict(held_out.x).argmax(1).tolist()


def test_another_named_set_and_mistakes(run: sparring.Run, spar, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments, why in (
        (("digits", "--set", "size=4"), "holds images of 1 x 4 x 4, but this run was trained on images of 1 x 8 x 8"),
        (("digits", "--fit", "crop"), "--fit is for files; for digits say --set size=HEIGHTxWIDTH, and --set fit=crop"),
        (("gaussian",), "gaussian holds points, no images"),
        (("digits", "--set", "holdout=0", "--set", "validation=train"), "nothing of digits is held out"),
    ):
        ended = spar("predict", run.path, *arguments)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), why
        assert why in ended.err
    torch.save({}, tmp_path / "digits")  # a file of that name wins
    assert "digits is of no known type" in spar("predict", run.path, "digits").err
