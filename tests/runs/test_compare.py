"""Runs side by side: equal ones are not told apart, different ones are, and seeds are not taken for settings."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

import sparring
from sparring import evaluate
from sparring.errors import UsageError
from sparring.identity import Remedied
from sparring.runs.compare import Compared, compare_runs, judge, replicates, verdict
from sparring.training.display import Display

SMALL = {"device": "cpu", "display": Display(quiet=True), "points": 3000}


def figure(*sides, floor=None, better="lower"):
    return Compared("a", better, floor, sides, ())


@pytest.fixture(scope="module")
def rings(tmp_path_factory: pytest.TempPathFactory) -> list[sparring.Run]:
    """Three seeds of r3gan on the ring, and one of it untrained."""
    folder = tmp_path_factory.mktemp("rings")
    kinds = [(60, 0), (60, 1), (60, 2), (1, 0)]
    return [
        sparring.train("ring", "r3gan", out=folder / f"{steps}-{seed}", steps=steps, seed=seed, **SMALL)
        for steps, seed in kinds
    ]


def test_a_run_differs_from_itself_by_noise_only(rings) -> None:
    """Holm keeps false alarms to 5 % of the tables; 6 of 40 have a probability of 1 % at that rate."""
    found = [compare_runs([rings[0], rings[0]], 100, seed=10 * i) for i in range(40)]
    assert len({one["sliced W2"].values for one in found}) == 40
    alarms = sum(any(d.verdict != "noise" for f in one.figures for d in f.differences) for one in found)
    assert alarms < 6


def test_a_trained_run_differs_from_an_untrained_one(rings) -> None:
    found = compare_runs([rings[3], rings[0]], 300)
    better = found["sliced W2"]
    assert better.mean(1) < better.mean(0)
    assert better.differences[0].verdict == "better"
    assert better.differences[0].p < 0.01
    worse = compare_runs([rings[0], rings[3]], 300)
    assert worse["sliced W2"].differences[0].verdict == "worse"
    said = " ".join(found.notes)
    assert "from seed to seed trainings differ too, which one run a side cannot show" in said


def test_all_are_measured_alike_and_repeatably(rings) -> None:
    found = compare_runs(rings[2:], 200, draws=3)
    assert found == compare_runs(rings[2:], 200, draws=3)
    assert found != compare_runs(rings[2:], 200, draws=3, seed=1)
    assert (found.n, found.draws) == (200, 3)
    alone = rings[2].evaluate(200)
    for f in found.figures:
        assert f.floor == alone[f.name].floor
        assert [len(run) for side in f.values for run in side] == [3, 3]
    # The first draw of the first run is the one that evaluate makes of it.
    assert found["sliced W2"].values[0][0][0] == alone["sliced W2"].value


def test_real_data_are_measured_once(digits_run: sparring.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """And floors and first figures are those of an evaluation of its own."""

    seen = []
    extract = evaluate._extract
    monkeypatch.setattr(evaluate, "_extract", lambda *a: seen.append(a) or extract(*a))
    found = compare_runs([digits_run, digits_run], 150, draws=2)
    assert len(seen) == 4 + 2
    alone = digits_run.evaluate(150)
    assert [(f.name, f.floor, f.values[0][0][0]) for f in found.figures] == [
        (f.name, f.floor, f.value) for f in alone.figures
    ]


def test_runs_that_differ_by_their_seed_are_one_side(rings) -> None:
    assert replicates(rings) == [[0, 1, 2], [3]]
    assert replicates([rings[3], rings[1], rings[0]]) == [[0], [1, 2]]
    found = compare_runs(rings, 200, draws=2)
    assert [len(side.runs) for side in found.sides] == [3, 1]
    distance = found["sliced W2"]
    means = [sum(run) / 2 for run in distance.values[0]]
    assert distance.mean(0) == pytest.approx(sum(means) / 3)
    assert distance.spread(0) == pytest.approx(float(torch.tensor(means, dtype=torch.float64).std()))
    assert any("A: trainings that differ by their seed only" in note for note in found.notes)
    one_side = compare_runs(rings[:2], 200, draws=2)
    assert all(f.differences == () for f in one_side.figures)
    assert any("the noise between seeds" in note for note in one_side.notes)


@pytest.mark.parametrize(("name", "value", "together"), [("threads", 7, True), ("batch", 7, False), ("k", 3, False)])
def test_what_may_differ_between_replicates(rings, name: str, value: int, together: bool) -> None:
    other = sparring.load(rings[1].path)
    assert name in other.identity.general
    other.identity.general[name] = value
    assert (replicates([rings[0], other]) == [[0, 1]]) == together


def test_a_run_that_was_taken_back_is_no_replicate(rings) -> None:
    other = sparring.load(rings[1].path)
    other.identity = replace(other.identity, remedies=(Remedied(50, "oscillation", {"ema": 0.0}),))
    assert replicates([rings[0], other]) == [[0], [1]]


def test_the_same_training_twice_is_no_replicate(rings) -> None:
    assert replicates([rings[0], rings[0], rings[1]]) == [[0], [1], [2]]


def test_a_difference_between_trainings_is_judged_by_trainings() -> None:
    """Draws that hardly scatter make no difference between seeds that scatter much."""
    steady = lambda *means: tuple((m, m + 1e-6) for m in means)  # noqa: E731
    assert judge([figure(steady(1.0, 2.0, 3.0), steady(2.0, 3.0, 4.0))])[0].differences[0].verdict == "noise"
    assert judge([figure(steady(1.0), steady(2.0))])[0].differences[0].verdict == "worse"


def test_beyond_real_data_nothing_is_better() -> None:
    values = (((0.7, 0.71),), ((0.9, 0.91),))
    assert verdict(figure(*values, floor=0.5, better="higher"), 1, 0.001) == "differs"
    assert verdict(figure(*values, floor=0.8, better="higher"), 1, 0.001) == "better"
    assert verdict(figure(*values, floor=0.5), 1, 0.001) == "worse"
    assert verdict(figure(*values, floor=0.95), 1, 0.001) == "differs"
    assert verdict(figure(*values), 1, 0.06) == "noise"


def test_where_real_is_best_the_nearer_one_is_better() -> None:
    values = (((0.9, 0.91),), ((0.7, 0.71),))
    assert verdict(figure(*values, floor=0.58, better="as real"), 1, 0.001) == "better"
    assert verdict(figure(*values[::-1], floor=0.58, better="as real"), 1, 0.001) == "worse"
    assert verdict(figure(*values, floor=0.95, better="as real"), 1, 0.001) == "worse"
    assert verdict(figure(*values, floor=0.8, better="as real"), 1, 0.001) == "differs"
    assert verdict(figure(*values, better="as real"), 1, 0.001) == "differs"


def test_unfinished_runs_are_told(rings, tmp_path: Path) -> None:
    place = shutil.copytree(rings[0].path, tmp_path / "copy")
    text = (place / "recipe.json").read_text()
    (place / "recipe.json").write_text(text.replace('"steps": 60', '"steps": 900'))
    found = compare_runs([rings[3], sparring.load(place)], 100, draws=2)
    assert any(f"{place} is unfinished: step 60 of 900" in note for note in found.notes)


def test_the_command(digits_run: sparring.Run, spar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table, JSON, and a picture with a row of blocks a run; odd names are no formula and no markup."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "[red]$x_1$ \N{GRINNING FACE}"
    sparring.train("digits", "gan-mnist", out=other, steps=2, device="cpu", display=Display(quiet=True))
    kept = sorted(p.name for p in other.iterdir())
    table = spar("compare-runs", digits_run.path, other, "-n", 60, "--draws", 2)
    assert (table.code, table.err) == (0, "")
    for word in ("FD-classifier", "than A", "recall", "[red]$x_1$", "picture: comparison.png"):
        assert word in table.out
    machine = spar("compare-runs", digits_run.path, other, "-n", 60, "--draws", 2, "--json", "--out", "a.png")
    found = json.loads(machine.out)
    assert [side["name"] for side in found["sides"]] == ["A", "B"]
    first = found["figures"][0]
    assert first["name"] == "FD-classifier"
    assert first["means"][0] == pytest.approx(sum(first["values"][0][0]) / 2)
    assert first["differences"][0]["verdict"] in ("better", "worse", "differs", "noise")
    with Image.open("a.png") as picture:
        assert picture.width > 1000
        assert picture.height > 3 * 200
    assert Path("a.png").read_bytes() == Path("comparison.png").read_bytes()
    assert sorted(p.name for p in other.iterdir()) == kept


def test_points_are_drawn_over_real_ones(rings, spar, tmp_path: Path) -> None:
    assert spar("compare-runs", *(r.path for r in rings[1:3]), "-n", 60, "--out", tmp_path / "a.png").code == 0
    with Image.open(tmp_path / "a.png") as picture:
        colours = {pixel for _, pixel in picture.getcolors(1 << 20)}
    assert any(b > 150 and r < 90 for r, g, b in colours)
    assert any(r > 180 and b < 90 for r, g, b in colours)


def test_a_recipe_file_is_found_by_name(conditional_run, conditional_file, digits_run, spar, tmp_path: Path) -> None:
    command = ("compare-runs", digits_run.path, conditional_run.path, "-n", 20, "--out", tmp_path / "a.png")
    assert spar(*command, "--recipe", conditional_file).code == 0
    said = " ".join(spar(*command).err.split())
    assert "name it (--recipe " in said
    assert "mine.py" in said


def test_names_are_no_runs(rings) -> None:
    with pytest.raises(UsageError, match="runs are compared, not their names"):
        compare_runs([run.path for run in rings[:2]])


def test_too_few_draws(rings) -> None:
    with pytest.raises(UsageError, match="1 draws show no noise"):
        compare_runs(rings[:2], draws=1)
