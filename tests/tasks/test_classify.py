"""Few labels to a classifier: the figures, the run, the CSV, and every mistake in one line."""

import csv
import json
import os
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sparring
from sparring.data import DataOptions
from sparring.errors import UsageError
from sparring.recipes.build import build, find
from sparring.tasks.baselines import supervised_steps
from sparring.tasks.classification import (
    ALL,
    ALONE,
    ENSEMBLE,
    GAME,
    SPREADING,
    Classification,
    in_words,
    kept_errors,
    to_json,
    to_table,
)
from sparring.training.display import Display
from sparring.training.loop import Interrupted
from sparring.types import DataSpec

QUIET = {"device": "cpu", "display": Display(quiet=True)}
SMALL = {"steps": 100, "batch": 20, "width": 128}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Classification:
    return sparring.classify("digits", 3, seed=1, out=tmp_path_factory.mktemp("runs") / "c", **QUIET, **SMALL)


def test_every_classifier_is_measured_on_what_was_held_out(found: Classification) -> None:
    assert set(found.errors) == {GAME, ALONE, SPREADING, ALL}
    assert (found.labelled, found.held_out) == (30, len(sparring.open_data("digits").test))
    assert found.errors[ALL] < 0.5  # even after 100 steps; chance is .9
    held_out = sparring.open_data("digits").test
    x, y = held_out.read(np.arange(len(held_out)))
    assert (found.run.predict(x).argmax(1) != y).float().mean().item() == pytest.approx(found.errors[GAME])


def test_where_every_label_is_shown_none_is_left_to_train_on_besides(tmp_path):
    found = sparring.classify("digits", out=tmp_path / "run", **QUIET, **SMALL)
    assert found.labelled == found.examples
    assert set(found.errors) == {GAME, ALONE, SPREADING}


def test_the_run_says_which_labels_were_shown(found: Classification) -> None:
    listing = json.loads((found.run.path / "labelled.json").read_text())
    labels = sparring.open_data("digits", DataOptions(validation="train")).train.labels
    assert len(labels) == found.examples
    assert labels[listing["positions"]].tolist() == listing["labels"]
    assert np.bincount(listing["labels"]).tolist() == [3] * 10


def test_the_same_call_again_measures_nothing_anew(found: Classification, monkeypatch) -> None:
    monkeypatch.delattr("sparring.tasks.classify.train_supervised")
    again = sparring.classify("digits", 3, seed=1, out=found.run.path, **QUIET, **SMALL)
    assert again.errors == found.errors


def test_what_was_measured_after_other_steps_is_measured_anew(tmp_path: Path) -> None:
    file = tmp_path / "classification.json"
    file.write_text(json.dumps({"errors": {GAME: 0.1, ALONE: 0.2, SPREADING: 0.3}, "steps": {GAME: 9, ALONE: 9}}))
    assert kept_errors(file, {GAME: 9, ALONE: 9}) == {GAME: 0.1, ALONE: 0.2, SPREADING: 0.3}
    assert kept_errors(file, {GAME: 9, ALONE: 8}) == {GAME: 0.1, SPREADING: 0.3}
    assert kept_errors(file, {GAME: 8, ALONE: 9}) == {}


def test_many_labels_are_learned_as_long_as_few_images_are_seen() -> None:
    recipe = build(find("few-labels"), DataSpec("image", (1, 8, 8), ("a", "b")), {}, {})
    digits = sparring.open_data("digits").train
    few = sparring.open_data("digits", DataOptions(labels_per_class=1)).train
    for batch, steps, source, expected in ((10, 30_000, digits, 7 * len(digits)), (10, 6_000, digits, 6_000)):
        assert supervised_steps(replace(recipe, batch=batch, steps=steps), source) == expected
    assert supervised_steps(recipe, few) == 5_000


def test_a_stopped_call_goes_on_to_the_same_bits(found: Classification, stopping_at, tmp_path: Path) -> None:
    call = {"seed": 1, "out": tmp_path / "run", "baselines": False} | SMALL
    with pytest.raises(Interrupted):
        sparring.classify("digits", 3, display=stopping_at(20), device="cpu", **call)
    again = sparring.classify("digits", 3, **QUIET, **call)
    assert again.run.checkpoint("last").read_bytes() == found.run.checkpoint("last").read_bytes()
    assert again.errors == {GAME: found.errors[GAME]}


def test_what_predict_says_are_probabilities(found: Classification) -> None:
    x = torch.rand(5, 1, 8, 8) * 2 - 1
    p = found.run.predict(x)
    assert p.shape == (5, 10)
    torch.testing.assert_close(p.sum(1), torch.ones(5))
    torch.testing.assert_close(found.run.predict(x[:2]), p[:2])
    for wrong in (torch.rand(5, 1, 9, 8), torch.rand(8, 8), 3 * torch.ones(1, 1, 8, 8), torch.ones(1, 1, 8, 8).int()):
        with pytest.raises(UsageError):
            found.run.predict(wrong)


def test_a_classifier_has_features(found: Classification) -> None:
    """All hidden layers, the last of which is what the game matches."""
    x = torch.rand(5, 1, 8, 8) * 2 - 1
    features = found.run.features(x, checkpoint="last")
    assert features.shape == (5, 128 + 64 + 3 * 32)


def test_an_ensemble_is_the_mean_of_networks_on_the_same_labels(found: Classification) -> None:
    together = sparring.classify("digits", 3, seed=1, out=found.run.path, networks=2, **QUIET, **SMALL)
    (other,) = together.others
    assert {name: together.errors[name] for name in found.errors} == found.errors
    assert other.recipe.seed != found.run.recipe.seed
    assert other.dataset().fingerprint == found.run.dataset().fingerprint
    held_out = sparring.open_data("digits").test
    x, y = held_out.read(np.arange(len(held_out)))
    mean = (found.run.predict(x) + other.predict(x)) / 2
    assert together.errors[ENSEMBLE] == pytest.approx((mean.argmax(1) != y).float().mean().item())
    assert ENSEMBLE not in sparring.classify("digits", 3, seed=1, out=found.run.path, **QUIET, **SMALL).errors
    with pytest.raises(UsageError, match="at least one"):
        sparring.classify("digits", 3, networks=0, **QUIET)
    with pytest.raises(UsageError, match="leaves no seeds"):
        sparring.classify("digits", 3, seed=2**63 - 2, networks=2, **QUIET)


def test_predict_takes_the_mean_of_several_runs(found: Classification, spar, tmp_path: Path) -> None:
    other = sparring.train(
        "digits", "few-labels", labels_per_class=3, out=tmp_path / "o", **QUIET, **(SMALL | {"steps": 5})
    )
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8), np.uint8)
    np.save(tmp_path / "x.npy", images)
    done = spar("predict", found.run.path, tmp_path / "x.npy", "--also", other.path, "--out", tmp_path / "p.csv")
    assert done.code == 0, done.err
    said = torch.tensor(
        [[float(p) for name, p in line.items() if name[:2] == "p("] for line in lines_of(tmp_path / "p.csv")]
    )
    x = torch.from_numpy(images)[:, None]
    torch.testing.assert_close(said, (found.run.predict(x) + other.predict(x)) / 2, atol=2e-6, rtol=0)
    unlike = sparring.train("digits", "gan-mnist", out=tmp_path / "g", steps=2, **QUIET)
    assert spar("predict", found.run.path, tmp_path / "x.npy", "--also", unlike.path).code == 2


def lines_of(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text().splitlines()))


def test_images_to_csv(found: Classification, spar, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    held_out = sparring.open_data("digits").test.read(np.arange(3)).x
    for number, image in enumerate(held_out):
        Image.fromarray(image[0].numpy()).save(folder / f"{number}.png")
    (folder / "3.png").write_bytes(b"no image")
    out = tmp_path / "p.csv"
    result = spar("predict", found.run.path, folder, "--out", out)
    assert (result.code, result.out) == (0, f"3 images: {out}\n")
    assert "3.png" in result.err
    rows = lines_of(out)
    assert [row["image"] for row in rows] == ["0.png", "1.png", "2.png"]
    expected = found.run.predict(held_out)
    for row, p in zip(rows, expected, strict=True):
        assert row["class"] == str(p.argmax().item())
        assert [float(row[f"p({c})"]) for c in range(10)] == pytest.approx(p.tolist(), abs=1e-6)
    assert spar("predict", found.run.path, folder / "1.png", "--out", out).code == 0
    assert len(lines_of(out)) == 1
    np.save(tmp_path / "a.npy", held_out.numpy())
    assert spar("predict", found.run.path, tmp_path / "a.npy", "--out", out).code == 0
    assert [row["image"] for row in lines_of(out)] == ["0", "1", "2"]


def test_images_of_another_size_are_refused_unless_they_may_be_scaled(found: Classification, spar, tmp_path) -> None:
    file = tmp_path / "large.png"
    Image.new("L", (12, 10)).save(file)
    result = spar("predict", found.run.path, file, "--out", tmp_path / "p.csv")
    assert result.code == 2
    assert "10x12" in result.err
    assert "--fit" in result.err
    assert spar("predict", found.run.path, file, "--fit", "crop", "--out", tmp_path / "p.csv").code == 0


def test_a_file_whose_name_is_no_text_keeps_it(found: Classification, spar, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("L", (8, 8)).save(folder / os.fsdecode(b"caf\xe9.png"))
    assert spar("predict", found.run.path, folder, "--out", tmp_path / "p.csv").code == 0
    assert b"\ncaf\xe9.png," in (tmp_path / "p.csv").read_bytes()


@pytest.mark.parametrize(
    ("images", "out", "says"),
    [("ring", "p.csv", "ring holds points, no images"), (".", "", "FILE.csv"), (".", "p.txt", "FILE.csv")],
)
def test_what_cannot_be_predicted_is_one_clear_line(found: Classification, spar, images, out, says) -> None:
    ended = spar("predict", found.run.path, images, "--out", out)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert says in ended.err


def test_labels_beside_images_are_not_looked_at(found: Classification, spar, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 2, {"labels": [["9/none.png", 3]]})
    (folder / "attributes.csv").write_text("file,age\n0/0.png,3\n")
    done = spar("predict", found.run.path, folder, "--out", tmp_path / "p.csv")
    assert (done.code, done.out, done.err) == (0, f"12 images: {tmp_path / 'p.csv'}\n", "")


def test_what_the_values_of_an_array_mean_may_be_said(found: Classification, spar, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.full((2, 8, 8), 7.0))
    words = ("predict", found.run.path, tmp_path / "x.npy", "--out", tmp_path / "p.csv")
    refused = spar(*words)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "--set range=0..255" in refused.err
    assert spar(*words, "--set", "range=0..255").code == 0
    for wrong in ("size=4", "k=3"):
        assert spar(*words, "--set", wrong).code == 2


def test_a_run_without_a_classifier_says_so(digits_run, spar, tmp_path) -> None:
    result = spar("predict", digits_run.path, tmp_path)
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert "spar classify" in result.err


def folder_of(tmp_path: Path, classes: int, labels: object = None) -> Path:
    """Twelve images in as many sub-folders as there are classes, and a dataset.json."""
    folder = tmp_path / "data"
    random = np.random.default_rng(0)
    for number in range(12):
        place = folder / f"{number % classes}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (8, 8), np.uint8)).save(place / f"{number}.png")
    if labels is not None:
        (folder / "dataset.json").write_text(json.dumps(labels))
    return folder


@pytest.mark.parametrize(
    ("classes", "labels", "word"),
    [
        (1, None, "no two classes"),
        (2, {"labels": [["0/0.png", "cat"]]}, "dataset.json"),
        (2, {"labels": "many"}, "dataset.json"),
        (2, {"labels": [[f"{n % 2}/{n}.png", n / 7] for n in range(12)]}, "are numbers"),
        (2, None, "fewer than the 9 a class"),
    ],
)
def test_labels_that_do_not_fit_are_one_clear_line(classes: int, labels: object, word: str, spar, tmp_path) -> None:
    folder = folder_of(tmp_path, classes, labels)
    out = tmp_path / "run"
    result = spar("classify", folder, "--labels-per-class", "9", "--out", out)
    assert (result.code, result.out, len(result.err.splitlines())) == (2, "", 1), result
    assert word in result.err
    assert not out.exists()


def test_images_without_a_label_are_used_as_such(spar, tmp_path: Path) -> None:
    labels = [[f"{n % 2}/{n}.png", n % 2 if n < 8 else None] for n in range(12)]
    folder = folder_of(tmp_path, 2, {"labels": labels})
    result = spar(
        *("classify", folder, "--json", "--steps", "2", "--no-baselines", "--out", tmp_path / "run"),
        *("--set", "batch=4", "--set", "width=16"),
    )
    assert result.code == 0, result.err
    (draw,) = json.loads(result.out)["draws"]
    assert 0 < draw["labelled"] < draw["examples"]


@pytest.mark.parametrize("seeds", ["0,x", "1,1", "", "0,-1", f"0,{2**63}"])
def test_seeds_that_are_none_are_refused_before_anything_is_trained(seeds: str, spar, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    ended = spar("classify", "digits", "--labels-per-class", "2", "--seeds", seeds)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert "seed" in ended.err
    assert not list(tmp_path.iterdir())


def test_a_recipe_that_trains_no_classifier_is_refused_before_it_trains(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="trains no classifier"):
        sparring.classify("digits", 2, recipe="gan-mnist", out=tmp_path / "run", **QUIET)
    assert not (tmp_path / "run").exists()


def test_what_was_measured_of_one_draw_only_is_not_told_of_several(found: Classification) -> None:
    other = replace(found, errors={GAME: 0.5})
    assert list(to_json([found, other])["mean"]) == [GAME]
    assert to_table([found, other]).row_count == 1


def test_listed_files_that_are_not_there_are_told(spar, tmp_path: Path) -> None:
    labels = [[f"{n % 2}/{n}.png", n % 2] for n in range(24)]
    folder = folder_of(tmp_path, 2, {"labels": labels})
    words = ("--steps", 2, "--no-baselines", "--out", tmp_path / "run", "--set", "batch=4", "--set", "width=16")
    done = spar("classify", folder, *words)
    assert done.code == 0
    assert "12 listed images or files are not used, as 0/12.png (named in dataset.json but not there)" in done.out


def test_errors_of_few_images_are_counts() -> None:
    assert in_words([0.0], 5) == "0 of 5 (0.0 to 52.2 %)"
    assert in_words([0.996], 1000) == "996 of 1000 (99.0 to 99.9 %)"
    assert in_words([0.02], 10_000) == "2.00 % ± 0.14"
    assert in_words([0.01, 0.03], 5) == "2.00 % ± 1.41 (1.00 to 3.00)"


def test_a_table_says_what_stands_beside_an_error(found: Classification) -> None:
    title = to_table([replace(found, errors={GAME: 0.2, ALONE: 0.0})]).title
    assert title.endswith("; ± standard error, or a count with its 95 % interval")


@pytest.mark.parametrize("data", ["ring", "circle"])
def test_points_are_refused_for_what_they_are(data: str, spar, tmp_path: Path) -> None:
    done = spar("classify", data, "--labels-per-class", 2, "--out", tmp_path / "run")
    assert (done.code, done.err) == (
        2,
        f"spar: {data} has points, and only images are classified: name a set of images.\n",
    )


OWN = """
from dataclasses import replace
from sparring.recipes.few_labels import few_labels

def recipe(spec):
    return replace(few_labels(spec, width=16), steps=2, batch=10)
"""


def test_a_recipe_file_names_the_run_and_the_next_command_knows_it(spar, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my recipes").mkdir()
    (tmp_path / "my recipes" / "clf.py").write_text(OWN)
    np.save("x.npy", np.zeros((2, 8, 8), np.uint8))
    done = spar("classify", "digits", "--labels-per-class", 2, "--recipe", "my recipes/clf.py", "--no-baselines")
    assert done.code == 0, done.err
    run, then = done.out.splitlines()[-2:]
    assert run == "run: runs/digits-clf-2-seed0"
    words = shlex.split(then.removeprefix("next: spar ").replace("IMAGES", "x.npy"))
    assert spar(*words).code == 0
    assert len(lines_of(Path("predictions.csv"))) == 2


def test_draws_of_labels_are_drawn_by_the_seed_alone() -> None:
    with pytest.raises(UsageError, match="labels_seed has no place here"):
        sparring.classify("digits", 2, labels_seed=3, **QUIET)


def test_several_draws_give_mean_and_deviation(spar, tmp_path: Path) -> None:
    common = ("--labels-per-class", 2, "--seeds", "0,1", "--steps", 20, "--no-baselines", "--out", tmp_path / "r")
    settings = ("--set", "batch=10", "--set", "width=16")
    result = spar("classify", "digits", "--json", *common, *settings)
    assert result.code == 0, result.err
    values = json.loads(result.out)
    one, other = (draw["errors"][GAME] for draw in values["draws"])
    assert values["mean"][GAME] == pytest.approx((one + other) / 2)
    table = spar("classify", "digits", *common, *settings).out
    assert "2 draws of labels" in " ".join(table.split())
    assert f"{100 * values['mean'][GAME]:.2f} % ±" in table
