"""Labelled images of a generator: as many of each class as asked, no copies, and data again when they are read."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import sparring
from sparring.data import open_data
from sparring.data.labelled import write_labelled
from sparring.errors import SparringError, UsageError
from sparring.recipes import RECIPES
from sparring.recipes.build import build, find
from sparring.runs.augment import KNOW_CLASSES, augment
from sparring.training.display import Display
from sparring.types import Batch, DataSpec

QUIET = {"device": "cpu", "display": Display(quiet=True)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> sparring.Run:
    """A few steps of cgan on the digits."""
    return sparring.train("digits", "cgan", out=tmp_path_factory.mktemp("runs") / "c", steps=4, batch=16, **QUIET)


def sorted_rows(batch: Batch) -> list[list[int]]:
    """Labels and pixels, in an order that the files' does not matter for."""
    assert batch.y is not None
    return sorted(torch.cat([batch.y[:, None], batch.x.flatten(1)], 1).tolist())


def everything(source) -> Batch:
    return source.read(np.arange(len(source)))


def within(x: torch.Tensor) -> float:
    """The share of the variance of seven images a class that is within the classes."""
    values = x.float().view(10, 7, -1)
    return (values.var(1).mean() / values.flatten(0, 1).var(0).mean()).item()


def test_as_many_of_each_class_by_seed(run) -> None:
    made = run.augment(7)
    assert made.train.x.shape == (70, 1, 8, 8)
    assert made.train.x.dtype == torch.uint8
    assert made.counts().tolist() == [[0, 7]] * 10
    again, other, near = run.augment(7), run.augment(7, seed=1), run.augment(7, truncation=0.1)
    assert torch.equal(made.train.x, again.train.x)
    assert not torch.equal(made.train.x, other.train.x)
    assert within(near.train.x) < 0.5 * within(made.train.x)


def test_completes_the_training_images_and_leaves_the_others(run) -> None:
    made, data = run.augment(balance=True), run.dataset()
    largest = int(np.bincount(data.train.labels).max())
    assert (made.counts().sum(1) == largest).all()
    real = ~made.generated
    assert sorted_rows(Batch(made.train.x[real], made.train.y[real])) == sorted_rows(everything(data.train))
    for name in ("validation", "test"):
        assert sorted_rows(made.held_out[name]) == sorted_rows(everything(getattr(data, name)))
    alone = run.augment(1).held_out
    assert alone.keys() == {"test"}
    assert sorted_rows(alone["test"]) == sorted_rows(made.held_out["test"])
    assert (run.augment(200, balance=True).counts().sum(1) == 200).all()
    with pytest.raises(UsageError, match=rf"has {largest} training images already: ask for that many"):
        run.augment(largest - 1, balance=True)


@pytest.mark.parametrize("name", ["set.npz", "set"])
@pytest.mark.parametrize("balance", [False, True])
def test_is_read_again_as_it_was(run, tmp_path: Path, name: str, balance: bool) -> None:
    made = run.augment(160 if balance else 12, balance=balance)
    made.save(tmp_path / name)
    data = open_data(str(tmp_path / name))
    assert data.spec.classes == run.spec.classes
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    assert (data.validation is not None) == balance
    for part, batch in {"train": made.train, **made.held_out}.items():
        assert sorted_rows(everything(parts[part])) == sorted_rows(batch)
    assert data.skipped == ()
    assert any(note.endswith(f"of which {int(made.generated.sum())} are generated") for note in data.notes)


@pytest.mark.parametrize("name", ["set.npz", "set"])
def test_what_is_held_out_is_real(tmp_path: Path, name: str) -> None:
    """Where a set has no parts of its own: of 60 images every second one is generated, or all are."""
    y, generated = torch.arange(60) % 3, torch.arange(60) % 2 == 0
    batch = Batch(torch.arange(60, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 4, 4) * 4, y)
    write_labelled(tmp_path / name, ("a", "b", "c"), {"train": batch}, generated)
    data = open_data(str(tmp_path / name))
    for part in (data.validation, data.test):
        assert (everything(part).x[:, 0, 0, 0] // 4 % 2 == 1).all()
    assert len(data.train) + len(data.validation) + len(data.test) == 60
    write_labelled(tmp_path / f"all-{name}", ("a", "b", "c"), {"train": batch}, torch.ones(60, dtype=torch.bool))
    data = open_data(str(tmp_path / f"all-{name}"))
    assert (data.validation, data.test, len(data.train)) == (None, None, 60)
    assert "test: none, nothing can be held out (under 10 real images)" in data.notes


@pytest.mark.parametrize("second", ["../cat", "Train"])
@pytest.mark.parametrize("name", ["set.npz", "set"])
def test_classes_keep_their_names(tmp_path: Path, name: str, second: str) -> None:
    """And their numbers; also those that are no names of folders, or the names of parts, or in no order."""
    classes = ("wolf", second, "9", "10")
    y = torch.arange(40) % 4
    batch = Batch(y.view(-1, 1, 1, 1).expand(-1, 1, 4, 4).to(torch.uint8) * 20 + 100, y)
    write_labelled(tmp_path / name, classes, {"train": batch}, torch.ones(40, dtype=torch.bool))
    data = open_data(str(tmp_path / name))
    assert data.spec.classes == classes
    for part in (data.train, data.validation, data.test):
        if part is not None:
            found = everything(part)
            shown = (found.x[:, 0, 0, 0].long() - 100) // 20
            assert [data.spec.classes[c] for c in found.y] == [classes[c] for c in shown]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_folders_of_classes_are_not_taken_for_parts(tmp_path: Path) -> None:
    classes = ("test", "train")
    y = torch.arange(40) % 2
    batch = Batch(torch.arange(40).view(-1, 1, 1, 1).expand(-1, 1, 4, 4).to(torch.uint8), y)
    write_labelled(tmp_path / "set", classes, {"train": batch}, torch.zeros(40, dtype=torch.bool))
    data = open_data(str(tmp_path / "set"))
    assert data.spec.classes == classes
    assert sum(len(part) for part in (data.train, data.validation, data.test) if part is not None) == 40
    assert len(data.train) < 40
    assert {*data.train.labels} == {0, 1}


def test_copies_are_left_out_and_made_up_for(run, digits) -> None:
    """Half of what this generator makes are training images, and class 3 is nothing else for a while."""
    held, calls = everything(digits.test), []

    def make(labels: torch.Tensor) -> torch.Tensor:
        calls.append(len(labels))
        images = torch.stack([held.x[held.y == c][(len(calls) * 7 + i) % 25] for i, c in enumerate(labels.tolist())])
        copies = (torch.arange(len(labels)) + len(calls)) % 2 == 0
        copies |= (labels == 3) & (len(calls) < 3)
        images[copies] = digits.train.read(np.arange(len(labels))).x[copies]
        return images

    def made(*, keep_copies: bool):
        calls.clear()
        return augment(
            make, digits.spec, lambda: digits, 20, balance=False, keep_copies=keep_copies, progress=lambda *_: None
        )

    found = made(keep_copies=False)
    assert found.counts().tolist() == [[0, 20]] * 10
    assert len(calls) > 3
    assert found.copies == sum(calls) - 200
    assert not {*map(bytes, found.train.x.numpy())} & {*map(bytes, digits.train.x.numpy())}
    kept = made(keep_copies=True)
    assert (calls, kept.copies) == ([200], 0)


def test_a_generator_of_nothing_but_copies_is_refused(run, digits) -> None:
    def make(labels: torch.Tensor) -> torch.Tensor:
        return digits.train.x[: len(labels)]

    with pytest.raises(SparringError, match=r"are copies of training images, and class 0, 1, .* by heart"):
        augment(make, digits.spec, lambda: digits, 2, balance=False, keep_copies=False, progress=lambda *_: None)


def test_a_generator_without_classes_is_refused(digits_run, gaussian_run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"knows no classes.*cgan, acgan, projection, auto"):
        digits_run.augment(3)
    with pytest.raises(UsageError, match="only images"):
        gaussian_run.augment(3)
    np.savez(tmp_path / "plain.npz", images=np.random.default_rng(0).integers(0, 256, (40, 8, 8)).astype(np.uint8))
    plain = sparring.train(str(tmp_path / "plain.npz"), "gan-mnist", out=tmp_path / "run", steps=1, batch=8, **QUIET)
    with pytest.raises(UsageError, match="plain has no classes: put its images into one sub-folder a class"):
        plain.augment(3)


def test_the_recipes_that_know_classes_are_named() -> None:
    spec = DataSpec("image", (1, 28, 28), ("a", "b"))
    names = []
    for name in RECIPES:
        try:
            recipe = build(find(name), spec, {}, {})
        except UsageError:
            continue
        names += [name] if recipe.conditional else []
    assert ", ".join([*names, "auto with --set conditional=true"]) == KNOW_CLASSES
    assert build(find("auto"), spec, {"conditional": True}, {}).conditional


def test_the_command(run, spar, tmp_path: Path) -> None:
    out = tmp_path / "more"
    done = spar("augment", run.path, "--per-class", 12, "--out", out)
    assert (done.code, done.err) == (0, "")
    assert f"120 images made by step 4: {out}\nnext: spar data {out}\n" in done.out
    pictures = sorted((out / "train" / "3").iterdir())
    labels = dict(json.loads((out / "dataset.json").read_text())["labels"])
    assert len(pictures) == 12
    assert all(labels[str(picture.relative_to(out))] == 3 for picture in pictures)
    assert {picture.name.split("-")[0] for picture in pictures} == {"generated"}
    assert {picture.name.split("-")[0] for picture in (out / "test").rglob("*.png")} == {"real"}
    shown = spar("data", out, "--out", tmp_path / "sheet.png")
    assert "note: train: 120 images, of which 120 are generated\n" in shown.out


def test_the_command_completes_data_that_are_read_again(run, spar, tmp_path: Path) -> None:
    out = tmp_path / "balanced.npz"
    done = spar("augment", run.path, "--balance", "--per-class", 158, "--out", out)
    assert (done.code, done.err) == (0, "")
    assert "real + generated: 0: 1" in done.out
    assert "validation: 153 real\ntest: 160 real\n" in done.out
    shown = spar("data", out, "--out", tmp_path / "sheet.png")
    assert "examples: train 1580, validation 153, test 160\n" in shown.out
    assert "classes: 10 (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)" in shown.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say how many images: --per-class N, or --balance"),
        (("--per-class", 0), "--per-class 0 makes no sense"),
        (("--per-class", 10**20), "from 1 to 1000000"),
        (("--per-class", 2, "--out", "a.png"), "give FILE.npz or a directory"),
        (("--per-class", 2, "--out", "."), "is there already"),
        (("--per-class", 2, "--truncation", 0), "truncation"),
        (("--per-class", 2, "--seed", -1), "the seed -1 is out of range"),
        (("--per-class", 2, "--checkpoint", 17), "has no checkpoint '17'"),
    ],
)
def test_mistakes_are_one_line(run, spar, tmp_path, monkeypatch, arguments, said) -> None:
    (tmp_path / "there").touch()
    monkeypatch.chdir(tmp_path)
    done = spar("augment", run.path, *arguments)
    assert done.code == 2
    assert done.err.startswith("spar: ")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@pytest.mark.parametrize("names", ['["a", "a"]', '["a"]', '"ab"', "[1, 2]"])
def test_class_names_that_fit_no_labels_are_refused(tmp_path: Path, names: str) -> None:
    batch = Batch(torch.zeros(4, 1, 4, 4, dtype=torch.uint8), torch.tensor([0, 0, 1, 1]))
    write_labelled(tmp_path / "set", ("a", "b"), {"train": batch}, torch.ones(4, dtype=torch.bool))
    listing = tmp_path / "set" / "dataset.json"
    listing.write_text(f'{{"labels": {json.dumps(json.loads(listing.read_text())["labels"])}, "class_names": {names}}}')
    with pytest.raises(UsageError, match="class_names"):
        open_data(str(tmp_path / "set"))


def test_an_archive_that_names_two_classes_alike_is_refused(tmp_path: Path) -> None:
    images, labels = np.zeros((4, 4, 4), np.uint8), np.array([0, 0, 1, 1])
    np.savez(tmp_path / "set.npz", images=images, labels=labels, class_names=np.array(["a", "a"]))
    with pytest.raises(UsageError, match=r"class_names in set\.npz names two classes alike"):
        open_data(str(tmp_path / "set.npz"))
