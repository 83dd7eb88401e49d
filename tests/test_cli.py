"""The command: quick to answer, every verb end to end, machine-readable where it says so."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sparring

HEAVY = ("torch", "numpy", "PIL", "sklearn", "scipy", "matplotlib", "rich.progress", "pooch")


@pytest.mark.parametrize("arguments", [["--help"], ["recipes"]])
def test_answers_at_once(arguments: list[str]) -> None:
    """Under half a second of the processor's time, so that what else runs on the machine does not matter."""
    times = []
    for _ in range(3):
        before = os.times()
        subprocess.run([sys.executable, "-m", "sparring.cli", *arguments], check=True, capture_output=True)
        after = os.times()
        times.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert min(times) < 0.5


@pytest.mark.parametrize("arguments", [["--help"], ["recipes"], ["train", "--help"], []])
def test_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom sparring.cli import main\n"
        f"sys.argv = ['spar', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('heavy:', [m for m in {HEAVY!r} if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("heavy: []\n")


def test_help_names_every_verb(spar) -> None:
    out = spar("--help").out
    for verb in (
        "train",
        "sample",
        "interpolate",
        "directions",
        "augment",
        "evaluate",
        "report",
        "compare",
        "compare-runs",
        "report",
        "data",
        "recipes",
        "theory",
    ):
        assert f" {verb} " in out


@pytest.fixture(params=["digits", "gaussian"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def run(kind: str, digits_run: sparring.Run, gaussian_run: sparring.Run) -> sparring.Run:
    return {"digits": digits_run, "gaussian": gaussian_run}[kind]


def test_train_and_again(kind: str, spar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command = ("train", kind, "--steps", 4, "--batch", 16, "--seed", 5, "--device", "cpu")
    first = spar(*command)
    assert (first.code, first.err) == (0, "")
    folder = Path("runs") / f"{kind}-auto"
    assert f"training auto on {kind}" in first.out
    assert f"samples: {folder}/samples/000004.png" in first.out
    assert f"spar evaluate {folder}" in first.out
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        assert "step" in json.loads(line)
    with Image.open(folder / "samples" / "000004.png") as picture:
        assert min(picture.size) > 100
    again = spar(*command)
    assert (again.code, again.err) == (0, "")
    assert "is finished: all 4 steps are done" in again.out
    fresh = spar(*command, "--fresh")
    assert fresh.code == 0
    assert Path(f"{folder}-2").is_dir()


def test_sample_to_an_array(kind: str, run: sparring.Run, spar, tmp_path: Path) -> None:
    """The stated contract: uint8 (N, C, H, W) for images, float32 for points; the same seed, the same bytes."""
    outs = []
    for i, seed in enumerate((1, 1, 2)):
        out = tmp_path / f"{i}.npy"
        result = spar("sample", run.path, "-n", 7, "--seed", seed, "--out", out)
        assert (result.code, result.err) == (0, "")
        assert f"7 samples of step {run.step()}" in result.out
        outs.append(out.read_bytes())
    assert outs[0] == outs[1] != outs[2]
    array = np.load(tmp_path / "0.npy")
    assert (array.dtype, array.shape) == {
        "digits": (np.uint8, (7, 1, 8, 8)),
        "gaussian": (np.float32, (7, 1)),
    }[kind]
    assert (array == run.spec.decode(run.sample(7, 1)).numpy()).all()


def test_sample_to_a_sheet(run: sparring.Run, spar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert spar("sample", run.path).code == 0
    with Image.open("samples.png") as sheet:
        assert min(sheet.size) > 100


def test_sample_to_a_folder(digits_run: sparring.Run, spar, tmp_path: Path) -> None:
    assert spar("sample", digits_run.path, "-n", 3, "--out", tmp_path / "many").code == 0
    assert len(list((tmp_path / "many").glob("*.png"))) == 3


def test_sample_with_latents(kind: str, run: sparring.Run, spar, tmp_path: Path) -> None:
    """Ten of seven hundred and ten alone are the same ten."""
    dim = {"digits": 100, "gaussian": 1}[kind]
    z = np.random.default_rng(0).normal(size=(700, dim))
    np.save(tmp_path / "z.npy", z)
    np.save(tmp_path / "z10.npy", z[:10])
    for name in ("z", "z10"):
        out = tmp_path / f"{name}-out.npy"
        assert spar("sample", run.path, "--latents", tmp_path / f"{name}.npy", "--out", out).code == 0
    many, few = np.load(tmp_path / "z-out.npy"), np.load(tmp_path / "z10-out.npy")
    assert len(many) == 700
    assert (many[:10] == few).all()


def test_sample_of_a_class_and_a_recipe_file(
    conditional_run: sparring.Run, conditional_file: Path, spar, tmp_path: Path
) -> None:
    command = ("sample", conditional_run.path, "-n", 4, "--recipe", conditional_file)
    for label in (3, 4):
        assert spar(*command, "--label", label, "--out", tmp_path / f"{label}.npy").code == 0
    assert not (np.load(tmp_path / "3.npy") == np.load(tmp_path / "4.npy")).all()


def test_sample_of_a_checkpoint(digits_run: sparring.Run, spar, tmp_path: Path) -> None:
    result = spar("sample", digits_run.path, "--checkpoint", 30, "--out", tmp_path / "a.npy")
    assert "25 samples of step 30" in result.out
    result = spar("sample", digits_run.path, "--checkpoint", 31, "--out", tmp_path / "a.npy")
    assert (result.code, result.out) == (2, "")
    assert "has no checkpoint '31'; it has: best, last, " in result.err


def test_interpolate_truncated(digits_run: sparring.Run, spar, tmp_path: Path) -> None:
    out = tmp_path / "way.npy"
    assert spar("interpolate", digits_run.path, "--frames", 3, "--truncation", 0.5, "--out", out).code == 0
    frames = digits_run.interpolate(frames=3, truncation=0.5)
    assert (np.load(out) == digits_run.spec.decode(frames).numpy()).all()


def test_sample_truncated(digits_run: sparring.Run, spar, tmp_path: Path) -> None:
    out = tmp_path / "a.npy"
    assert spar("sample", digits_run.path, "-n", 3, "--truncation", 0.5, "--out", out).code == 0
    assert (np.load(out) == digits_run.spec.decode(digits_run.sample(3, truncation=0.5)).numpy()).all()


@pytest.mark.parametrize("out", ["a.png", "a.gif", "a.webp", "a.apng", "a.npy", "folder"])
def test_interpolate(digits_run: sparring.Run, spar, tmp_path: Path, out: str) -> None:
    result = spar("interpolate", digits_run.path, "--seeds", "1,2,3,1", "--frames", 12, "--out", tmp_path / out)
    assert (result.code, result.err) == (0, "")
    assert f"12 frames of step {digits_run.step()}: " in result.out
    if out == "folder":
        assert len(list((tmp_path / out).glob("*.png"))) == 12
    elif out == "a.npy":
        assert np.load(tmp_path / out).shape == (12, 1, 8, 8)
    else:
        with Image.open(tmp_path / out) as picture:
            assert getattr(picture, "n_frames", 1) == (1 if out == "a.png" else 12)
            assert min(picture.size) > 100


def test_interpolate_between_classes(spar, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert spar("train", "digits", "--recipe", "acgan", "--set", "width=8", "--steps", 2, "--out", run).code == 0
    command = ("interpolate", run, "--seeds", 4, "--label", 3, "--to-label", 8, "--frames", 5)
    assert spar(*command, "--out", tmp_path / "a.npy").code == 0
    assert len(np.load(tmp_path / "a.npy")) == 5


def test_interpolate_points(spar, tmp_path: Path) -> None:
    for data, recipe in (("ring", "r3gan"), ("gaussian", "gan-1d-mended")):
        run = tmp_path / data
        assert spar("train", data, "--recipe", recipe, "--steps", 2, "--out", run).code == 0
        result = spar("interpolate", run, "--out", tmp_path / "a.png")
        assert (result.code, result.err) == (0, "")
        with Image.open(tmp_path / "a.png") as picture:
            assert min(picture.size) > 300


def test_directions_by_name(digits_run: sparring.Run, spar, tmp_path: Path) -> None:
    """The table, the picture, and a file that spar sample takes."""
    file, picture = tmp_path / "d.npy", tmp_path / "d.png"
    command = ("directions", digits_run.path, "--change", "brightness", "--keep", "slant,width", "-n", 600)
    result = spar(*command, "--rows", 3, "--out", picture, "--save", file)
    assert (result.code, result.err) == (0, "")
    rows = [line.split() for line in result.out.splitlines() if line.startswith("│")]
    assert ["brightness", "change"] in [[row[1], row[3]] for row in rows]
    assert {row[1] for row in rows if row[3] == "keep"} == {"slant", "width"}
    assert {row[1] for row in rows} >= {"contrast", "symmetry", "thickness", "height"}
    with Image.open(picture) as strip:
        assert strip.width / strip.height == pytest.approx(7 / 3, rel=0.05)
    assert np.load(file).shape == (100,)
    out = tmp_path / "a.npy"
    assert spar("sample", digits_run.path, "-n", 4, "--direction", file, "--strength", -2, "--out", out).code == 0
    moved = digits_run.sample(4, direction=np.load(file), strength=-2)
    assert (np.load(out) == digits_run.spec.decode(moved).numpy()).all()


def test_directions_without_a_name(digits_run: sparring.Run, spar, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = spar("directions", digits_run.path, "--method", "ganspace", "--rows", 4, "-n", 300, "--save", "d.npy")
    assert (result.code, result.err) == (0, "")
    assert [f"ganspace {i}" in result.out for i in range(6)] == [False, True, True, True, True, False]
    saved = [np.load(f"d-{i}.npy") for i in range(1, 5)]
    assert {vector.shape for vector in saved} == {(100,)}
    assert spar("sample", digits_run.path, "-n", 1, "--direction", "d-4.npy", "--out", "a.npy").code == 0
    with Image.open("directions.png") as strip:
        assert min(strip.size) > 100


def test_features_that_are_not_here_are_one_line_with_their_place(digits_run: sparring.Run, spar) -> None:
    for name, file in (("inception", "inception-2015-12-05.pt"), ("dinov2-l", "dinov2_vitl14_pretrain.pth")):
        asked = spar("evaluate", digits_run.path, "-n", 20, "--features", name)
        assert (asked.code, asked.out) == (2, "")
        assert file in asked.err
        assert "/features (SPARRING_CACHE moves that folder)" in " ".join(asked.err.split())
    unknown = spar("evaluate", digits_run.path, "--features", "vgg")
    assert unknown.code == 2
    assert "inception-stylegan" in unknown.err
    ranked = spar("evaluate", digits_run.path, "-n", 20, "--features", "random-conv", "--json")
    assert json.loads(ranked.out)["figures"][0]["name"] == "FD-random-conv"


def test_all_figures_of_images(
    digits_run: sparring.Run, conditional_run: sparring.Run, spar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path length, which no evaluation of samples knows, is one of the run's; codes of classes have none."""
    monkeypatch.setattr("sparring.metrics.more_figures.PATCHES", 500)
    found = json.loads(spar("evaluate", digits_run.path, "-n", 120, "--all", "--json").out)["figures"]
    by_name = {figure["name"]: figure for figure in found}
    assert list(by_name)[-5:] == ["MMD", "patches", "support size", "label score", "path length"]
    assert by_name["path length"]["value"] > 0
    assert by_name["path length"]["floor"] is None
    again = digits_run.evaluate(120, more=True)["path length"]
    assert again.value == by_name["path length"]["value"]
    assert "path length" not in {figure.name for figure in conditional_run.evaluate(120, more=True).figures}


def test_evaluate(kind: str, run: sparring.Run, spar) -> None:
    table = spar("evaluate", run.path, "-n", 150)
    assert (table.code, table.err) == (0, "")
    machine = spar("evaluate", run.path, "-n", 150, "--json")
    assert (machine.code, machine.err) == (0, "")
    found = json.loads(machine.out)
    names = {figure["name"]: figure for figure in found["figures"]}
    expected = {"digits": {"precision", "recall", "density", "coverage"}, "gaussian": {"W1"}}[kind]
    assert expected <= names.keys()
    for name, figure in names.items():
        assert name.split()[0] in table.out
        assert isinstance(figure["floor"], float)
        assert figure["n"] == 150
    assert found["checkpoint"] == "best"
    kept = json.loads((run.path / "evaluation.json").read_text())
    assert (kept["figures"], kept["step"]) == (found["figures"], run.step())


def test_data(kind: str, spar, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    result = spar("data", kind, "--out", sheet)
    assert (result.code, result.err) == (0, "")
    assert {"digits": "shape 1 x 8 x 8", "gaussian": "points, shape 1"}[kind] in result.out
    assert "examples: train " in result.out
    with Image.open(sheet) as picture:
        assert min(picture.size) > 100


def test_data_lists_what_was_skipped(spar, tmp_path: Path) -> None:
    for i in range(12):
        Image.new("L", (8, 8), i * 20).save(tmp_path / f"{i}.png")
    (tmp_path / "bad.png").write_text("no image")
    result = spar("data", tmp_path, "--set", "size=4", "--out", tmp_path / "sheet" / "s.png")
    assert result.code == 0
    assert "skipped: bad.png: " in result.out
    assert "1 skipped in all" in result.out
    assert "shape 1 x 4 x 4" in result.out


def test_gan_mnist_plays_on_points_too(spar, tmp_path: Path) -> None:
    result = spar("train", "ring", "--recipe", "gan-mnist", "--steps", 2, "--out", tmp_path / "run")
    assert (result.code, result.err) == (0, "")
    assert spar("sample", tmp_path / "run", "-n", 3, "--out", tmp_path / "a.npy").code == 0
    assert np.load(tmp_path / "a.npy").shape == (3, 2)


def test_the_users_own_images(spar, tmp_path: Path) -> None:
    """Forty small colour pictures in two folders, to a trained generator of the same shape."""
    rng = np.random.default_rng(0)
    for i in range(40):
        place = tmp_path / "data" / "ab"[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (6, 9, 3), dtype=np.uint8)).save(place / f"{i}.png")
    command = ("train", tmp_path / "data", "--steps", 3, "--out", tmp_path / "run", "--set", "size=6x9", "--batch", 8)
    assert spar(*command).code == 0
    assert spar("sample", tmp_path / "run", "--out", tmp_path / "a.npy", "-n", 2).code == 0
    assert np.load(tmp_path / "a.npy").shape == (2, 3, 6, 9)


def test_tensorboard(spar, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    command = ("train", "gaussian", "--steps", 2, "--out", tmp_path / "run", "--tensorboard")
    assert spar(*command).code == 0
    assert list((tmp_path / "run" / "tensorboard").glob("events.*"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_behind_the_output_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        command = [sys.executable, "-m", "sparring.cli", "recipes"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=buffered)
    assert done.returncode == 1
    assert done.stderr.startswith(b"spar: ")
    assert done.stderr.count(b"\n") == 1


def test_what_a_terminal_cannot_show_does_not_end_the_work(tmp_path: Path) -> None:
    texts = "".join(f"caf\N{LATIN SMALL LETTER E WITH ACUTE}\tone {i}\ntea\ttwo {i}\n" for i in range(30))
    (tmp_path / "t.tsv").write_text(texts, encoding="utf-8")
    command = [sys.executable, "-m", "sparring.cli", "compare", "t.tsv", "--seeds", "2"]
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"caf?" in done.stdout
