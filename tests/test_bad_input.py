"""Whatever is wrong: one clear line, the right exit code, nothing lost and nothing half-written."""

import errno
import io
import json
import os
import pickle
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sparring
from sparring.training.display import Display

QUIET = {"device": "cpu", "display": Display(quiet=True)}
TRAIN = ("--out", "out", "--steps", 2, "--device", "cpu")


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def one_line(result, code: int, *says: str) -> None:
    assert result.code == code, result
    assert result.err.startswith("spar: "), result.err
    assert result.err.count("\n") == 1, result.err
    assert result.err.endswith("\n")
    assert "Traceback" not in result.err + result.out
    assert len(result.err) < 700
    for words in says:
        assert words in result.err, result.err


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPARRING_DATA", raising=False)


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(file, "JPEG")
    return file.getvalue()


def missing() -> str:
    return "pictures/of/cats"


def empty_folder() -> str:
    Path("empty").mkdir()
    return "empty"


def text_named_png() -> str:
    Path("texts").mkdir()
    Path("texts/a.png").write_text("this is no image")
    return "texts"


def truncated_jpeg() -> str:
    Path("cut").mkdir()
    Path("cut/a.jpg").write_bytes(jpeg()[:200])
    return "cut"


def climbing_zip() -> str:
    with zipfile.ZipFile("climbing.zip", "w") as archive:
        archive.writestr("../outside.jpg", jpeg())
    return "climbing.zip"


def no_zip() -> str:
    Path("no.zip").write_text("no zip")
    return "no.zip"


def nan_in_an_array() -> str:
    array = np.zeros((30, 8, 8), np.float32)
    array[7, 3, 3] = np.nan
    np.save("nan.npy", array)
    return "nan.npy"


def wrong_dtype() -> str:
    np.save("complex.npy", np.zeros((30, 8, 8), np.complex64))
    return "complex.npy"


def pickled_array() -> str:
    np.save("objects.npy", np.array([{}] * 30, dtype=object), allow_pickle=True)
    return "objects.npy"


def wrong_axes() -> str:
    np.save("flat.npy", np.zeros(30, np.uint8))
    return "flat.npy"


def unknown_name() -> str:
    return "mnits"


def an_unknown_kind() -> str:
    Path("thesis.docx").write_text("")
    return "thesis.docx"


DATA = {
    missing: "does not exist",
    empty_folder: "empty",
    text_named_png: "a.png",
    truncated_jpeg: "a.jpg",
    climbing_zip: "points outside of it",
    no_zip: "no.zip",
    nan_in_an_array: "nan.npy",
    wrong_dtype: "complex",
    pickled_array: "objects.npy",
    wrong_axes: "flat.npy",
    unknown_name: "Did you mean mnist",
    an_unknown_kind: "of no known type",
}


@pytest.mark.parametrize("verb", ["train", "data"])
@pytest.mark.parametrize(("make", "says"), DATA.items(), ids=[make.__name__ for make in DATA])
def test_unusable_data(spar, tmp_path: Path, verb: str, make: Callable[[], str], says: str) -> None:
    data = make()
    before = snapshot(tmp_path)
    one_line(spar(verb, data, *(TRAIN if verb == "train" else ("--out", "sheet.png"))), 2, says)
    assert snapshot(tmp_path) == before
    assert not Path("out").exists()
    assert not (tmp_path.parent / "outside.jpg").exists()


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
        (("--seed", -1), "seed=-1 is too small"),
        (("--device", "cuda:0" if not torch.cuda.is_available() else "cuda:99"), "has no cuda"),
        (("--device", "gpu"), "there is no device 'gpu'"),
        (("--recipe", "gan-1d"), "gan-1d plays on one-dimensional points"),
    ],
)
def test_wrong_usage(spar, tmp_path: Path, arguments: tuple, says: str) -> None:
    one_line(spar("train", "digits", "--out", "out", "--set", "log_every=1", *arguments), 2, says)
    assert snapshot(tmp_path) == {}


def test_a_recipe_that_does_not_exist_in_full(spar) -> None:
    one_line(spar("recipes", "gan-2d"), 2, "Did you mean gan-1d")


def test_no_space_for_the_pack(spar, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The packing's own writes fail as on a full disk: nothing is left of it, and then it works."""
    from sparring.data import pack

    np.save("a.npy", np.random.default_rng(0).integers(0, 256, (50, 8, 8), dtype=np.uint8))
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(pack, "_save", full)
        one_line(spar("train", "a.npy", *TRAIN), 1, "no disk space left")
    assert not Path("out").exists()
    assert not [file for file in snapshot(tmp_path / "cache") if "new-" in file]
    assert spar("train", "a.npy", *TRAIN).code == 0


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_no_space_for_a_checkpoint(spar, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, call: str) -> None:
    """The last good checkpoint stays, and with room again the same command ends in the same bits."""
    command = (
        "train",
        "gaussian",
        "--recipe",
        "gan-1d",
        "--out",
        "out",
        "--device",
        "cpu",
        "--set",
        "K=1",
        "--steps",
        12,
    )
    command += ("--set", "log_every=2", "--set", "checkpoint_seconds=0", "--set", "best_every=12")
    real = getattr(os, call)
    count = [0]

    def full(*arguments: object) -> object:
        count[0] += 1
        if count[0] > 6:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        one_line(spar(*command), 1, "no space left on the disk", "the same command again")
    assert not list(Path("out").rglob("*.part"))
    stopped = sparring.load("out").step("last")
    assert 0 < stopped < 12
    again = spar(*command)
    assert again.code == 0
    assert f"going on from step {stopped}" in again.out
    assert spar(*("whole" if word == "out" else word for word in command)).code == 0
    assert Path("out/checkpoints/000012.safetensors").read_bytes() == (
        Path("whole/checkpoints/000012.safetensors").read_bytes()
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A file system of a given size, in memory; the same call again changes its size."""
    place = tmp_path / "disk"
    place.mkdir()

    def make(size: str) -> Path:
        options = f"remount,size={size}" if place.is_mount() else f"size={size}"
        try:
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("no small file system can be mounted here")
        return place

    yield make
    if place.is_mount():
        subprocess.run(["umount", place], check=True)


def test_a_disk_that_is_really_full(spar, small_disk: Callable[[str], Path]) -> None:
    """Two checkpoints of eleven megabytes fit, the third does not; with more room it goes on from the second."""
    run = small_disk("30m") / "run"
    command = ("train", "digits", "--recipe", "gan-mnist", "--out", run, "--device", "cpu", "--steps", 4)
    command += ("--set", "log_every=1", "--set", "checkpoint_seconds=0", "--set", "best_every=4")
    one_line(spar(*command), 1, "000003.safetensors: no space left on the disk")
    assert sorted(file.name for file in (run / "checkpoints").iterdir()) == [
        "000001.safetensors",
        "000002.safetensors",
    ]
    small_disk("60m")
    again = spar(*command)
    assert again.code == 0
    assert "going on from step 2" in again.out


def test_a_full_disk_for_the_cache(spar, small_disk: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    np.save("a.npy", np.random.default_rng(0).integers(0, 256, (300, 64, 64), dtype=np.uint8))
    cache = small_disk("1m")
    monkeypatch.setenv("SPARRING_CACHE", str(cache))
    one_line(spar("train", "a.npy", *TRAIN), 1, "disk space", "SPARRING_CACHE")
    assert snapshot(cache) == {}
    assert not Path("out").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_for_samples(spar, digits_run: sparring.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from sparring import files

    monkeypatch.setattr(files, "open", lambda *_: Path("/dev/full").open("wb"), raising=False)  # noqa: SIM115
    one_line(spar("sample", digits_run.path, "--out", "a.npy"), 1, "cannot write a.npy", "no space left")


def test_an_unwritable_place(spar) -> None:
    Path("file").write_text("")
    one_line(spar("train", "gaussian", "--steps", 2, "--out", "file/run"), 1, "cannot make file/run")
    one_line(spar("train", "gaussian", "--steps", 2, "--out", "file"), 2, "file is in the way")
    assert Path("file").read_text() == ""
    assert snapshot(Path()) == {"file": b""}


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no /proc")
def test_a_place_that_takes_no_files(spar, digits_run: sparring.Run) -> None:
    one_line(spar("train", "gaussian", "--steps", 2, "--out", "/proc/run"), 1, "cannot make /proc/run")
    one_line(spar("sample", digits_run.path, "--out", "/proc/a.npy"), 1, "cannot write /proc/a.npy")
    one_line(spar("data", "digits", "--out", "/proc/a.png"), 1, "cannot write /proc/a.png")


def test_an_unwritable_cache(spar, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("file").write_text("")
    monkeypatch.setenv("SPARRING_CACHE", "file/cache")
    one_line(spar("train", "digits", *TRAIN), 1, "SPARRING_CACHE")


def test_a_directory_of_somebody_else(spar) -> None:
    """Also one that has a folder of numbered checkpoints: nothing of it is touched."""
    Path("thesis/checkpoints").mkdir(parents=True)
    for step in range(5):
        Path(f"thesis/checkpoints/{step:06d}.safetensors").write_text("mine")
    before = snapshot(Path())
    one_line(spar("train", "gaussian", "--steps", 2, "--out", "thesis"), 2, "not empty and holds no run")
    assert snapshot(Path()) == before


def test_a_directory_in_use(spar) -> None:
    """A second training is refused before it changes anything, also one with more steps."""
    command = ("train", "gaussian", "--recipe", "gan-1d", "--out", "out", "--device", "cpu", "--set", "K=1", "--steps")
    assert spar(*command, 2).code == 0
    before = snapshot(Path("out"))
    with sparring.load("out").directory.lock():
        one_line(spar(*command, 4), 2, "another process is training in out")
    assert snapshot(Path("out")) == before
    assert spar(*command, 4).code == 0


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def text(path: Path) -> None:
    path.write_text("weights")


def gone(path: Path) -> None:
    path.unlink()
    path.mkdir()


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("proof",)


def malicious(path: Path) -> None:
    path.write_bytes(pickle.dumps(Bomb()))


def malicious_torch(path: Path) -> None:
    torch.save({"a": Bomb()}, path)


@pytest.mark.parametrize("spoil", [truncated, text, gone, malicious, malicious_torch])
def test_a_checkpoint_that_cannot_be_used(spar, digits_copy: Path, spoil: Callable[[Path], None]) -> None:
    for path in (digits_copy / "checkpoints").iterdir():
        path.unlink()
        spoil(path) if spoil in (malicious, malicious_torch, text) else path.mkdir()
        if spoil is truncated:
            path.rmdir()
            path.write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    before = snapshot(digits_copy)
    one_line(spar("sample", digits_copy, "--out", "a.npy"), 2, "damaged or no checkpoint")
    one_line(spar("evaluate", digits_copy, "-n", 50), 2, "damaged or no checkpoint")
    command = ("train", "digits", "--recipe", "gan-mnist", "--out", digits_copy, "--steps", 40)
    one_line(spar(*command, "--set", "log_every=10", "--set", "grid_every=15"), 2, "damaged or no checkpoint")
    after = snapshot(digits_copy)
    assert {name: after[name] for name in before if name != "recipe.json"} == {
        name: before[name] for name in before if name != "recipe.json"
    }
    assert not Path("proof").exists()
    assert not Path("a.npy").exists()


def test_another_runs_checkpoint(spar, digits_copy: Path, gaussian_run: sparring.Run) -> None:
    for path in (digits_copy / "checkpoints").iterdir():
        shutil.copy(gaussian_run.checkpoint("last"), path)
    one_line(spar("sample", digits_copy, "--out", "a.npy"), 2, "does not belong to this recipe")


@pytest.mark.parametrize(
    "change",
    [
        lambda identity: identity.pop("settings"),
        lambda identity: identity.pop("spec"),
        lambda identity: identity.pop("recipe_digest"),
        lambda identity: identity["settings"].pop("own"),
        lambda identity: identity["settings"]["general"].update(steps="many"),
        lambda identity: identity["settings"]["general"].update(speed=3),
        lambda identity: identity["settings"]["own"].update(depth=3),
        lambda identity: identity["spec"].update(shape=8),
        lambda identity: identity.update(recipe=["gan-mnist"]),
        lambda identity: identity.update(recipe="gan-mnits"),
        lambda identity: identity.update(spec=None),
        lambda identity: identity.update(settings="none"),
        lambda identity: identity["settings"].update(general=[]),
        lambda identity: identity["settings"]["general"].update(threads="two"),
    ],
)
def test_a_damaged_recipe_json(spar, digits_copy: Path, change: Callable[[dict], object]) -> None:
    identity = json.loads((digits_copy / "recipe.json").read_text())
    change(identity)
    (digits_copy / "recipe.json").write_text(json.dumps(identity))
    train = ("train", "digits", "--recipe", "gan-mnist", "--out", digits_copy)
    for verb in (("sample", digits_copy, "--out", "a.npy"), ("evaluate", digits_copy), train):
        one_line(spar(*verb), 2)


@pytest.mark.parametrize("text", ["", "{", "[1]", "\0"])
def test_a_recipe_json_that_is_none(spar, digits_copy: Path, text: str) -> None:
    (digits_copy / "recipe.json").write_text(text)
    one_line(spar("sample", digits_copy), 2, "recipe.json is damaged")
    one_line(spar("train", "digits", "--recipe", "gan-mnist", "--out", digits_copy), 2, "recipe.json is damaged")


def test_no_run(spar) -> None:
    Path("folder").mkdir()
    Path("file").write_text("")
    for place in ("nowhere", "folder", "file"):
        one_line(spar("sample", place), 2, f"{place} holds no run")
        one_line(spar("evaluate", place), 2, f"{place} holds no run")
    assert snapshot(Path()) == {"file": b""}


def test_a_run_without_a_checkpoint(spar, digits_copy: Path) -> None:
    shutil.rmtree(digits_copy / "checkpoints")
    one_line(spar("sample", digits_copy), 2, "holds no checkpoint yet")
    one_line(spar("evaluate", digits_copy), 2, "holds no checkpoint yet")


def latents(array: object) -> str:
    np.save("z.npy", array)
    return "z.npy"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (lambda: ("--label", 3), "knows no classes"),
        (lambda: ("-n", 0), "ask for one or more"),
        (lambda: ("-n", -3), "ask for one or more"),
        (lambda: ("--seed", -1), "out of range"),
        (lambda: ("--seed", 10**30), "out of range"),
        (lambda: ("--latents", latents(np.zeros((4, 7)))), "this run needs (4, 100)"),
        (lambda: ("--latents", latents(np.zeros((0, 100)))), "one or more"),
        (lambda: ("--latents", latents(np.zeros((4, 100))), "-n", 5), "this run needs (5, 100)"),
        (lambda: ("--latents", latents(np.full((1, 100), np.inf))), "not finite"),
        (lambda: ("--latents", latents(np.float32(3))), "z.npy holds no latent codes"),
        (lambda: ("--latents", "none.npy"), "none.npy"),
        (lambda: ("--checkpoint", "worst"), "has no checkpoint 'worst'"),
        (lambda: ("--checkpoint", "²"), "has no checkpoint"),
        (lambda: ("--device", "cuda:99"), "cuda"),
        (lambda: ("--truncation", 0), "must be above 0"),
        (lambda: ("--truncation", "nan"), "must be above 0"),
        (lambda: ("--truncation", 1, "--latents", latents(np.zeros((4, 100)))), "leave --truncation or --latents out"),
        (lambda: ("--strength", 2), "name that too (--direction)"),
        (lambda: ("--direction", "none.npy"), "none.npy is no .npy file of directions"),
        (lambda: ("--direction", latents(np.zeros(7))), "the direction has shape (7,), but this run needs (100,)"),
        (lambda: ("--direction", latents(np.zeros((2, 100)))), "the direction has shape (2, 100)"),
        (lambda: ("--direction", latents(np.full(100, np.nan))), "not finite"),
        (lambda: ("--direction", latents(np.zeros(100)), "--strength", "inf"), "must be a finite number"),
    ],
)
def test_samples_that_cannot_be_made(spar, digits_run: sparring.Run, arguments: Callable[[], tuple], says: str) -> None:
    one_line(spar("sample", digits_run.path, "--out", "a.npy", *arguments()), 2, says)
    assert not Path("a.npy").exists()


def test_samples_that_cannot_be_written(spar, digits_run: sparring.Run, gaussian_run: sparring.Run) -> None:
    one_line(spar("sample", digits_run.path, "--out", "a.jpeg"), 2, "give FILE.png, FILE.npy or a directory")
    one_line(spar("sample", gaussian_run.path, "--out", "folder"), 2, "no images")
    Path("a.npy").mkdir()
    one_line(spar("sample", digits_run.path, "--out", "a.npy"), 1, "cannot write a.npy")
    assert snapshot(Path()) == {}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--seeds", "1"), "two or more"),
        (("--seeds", ""), "'' is not a whole number"),
        (("--seeds", "1,b"), "'b' is not a whole number"),
        (("--seeds", "1,-2"), "the seed -2 is out of range"),
        (("--frames", 1), "ask for two or more"),
        (("--label", 3), "knows no classes"),
        (("--to-label", 3), "give --label too"),
        (("--out", "a.mp4"), "FILE.gif"),
        (("--checkpoint", "worst"), "has no checkpoint 'worst'"),
    ],
)
def test_ways_that_cannot_be_shown(spar, digits_run: sparring.Run, arguments: tuple, says: str) -> None:
    one_line(spar("interpolate", digits_run.path, *arguments), 2, says)
    assert snapshot(Path()) == {}


def test_ways_that_points_do_not_have(spar, gaussian_run: sparring.Run) -> None:
    one_line(spar("interpolate", gaussian_run.path, "--out", "a.gif"), 2, "no images")
    one_line(spar("interpolate", gaussian_run.path), 2, "evenly spaced")
    one_line(spar("sample", gaussian_run.path, "--truncation", 1), 2, "truncation is for normal latent codes")
    one_line(spar("directions", gaussian_run.path), 2, "gaussian holds points")
    assert snapshot(Path()) == {}


def test_a_network_without_mixtures_of_classes(spar, conditional_run: sparring.Run, conditional_file: Path) -> None:
    command = ("interpolate", conditional_run.path, "--recipe", conditional_file, "--label", 1)
    one_line(spar(*command, "--to-label", 2), 2, "takes no mixtures of classes", "ClassEmbedding")
    one_line(spar(*command, "--to-label", 10), 2, "there is no class 10")
    assert snapshot(Path()) == {}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--change", "brightnes"), "Did you mean brightness"),
        (("--change", "red"), "images without colour have no red"),
        (("--change", "3:11"), "there is no '3:11'"),
        (("--change", "slant", "--keep", "slant"), "cannot be changed and kept"),
        (("--change", "slant", "--keep", "width,"), "there is no ''"),
        (("--change", "slant", "-n", 60), "too few for 100 latent numbers"),
        (("--change", "slant", "--rows", 0), "ask for one or more"),
        (("--keep", "slant"), "name that too (--change)"),
        (("-n", 0), "ask for one or more"),
        (("-n", -4, "--change", "slant"), "ask for one or more"),
        (("--rows", 101), "ask for 1 to 100"),
        (("--method", "pca"), "choose sefa or ganspace"),
        (("--label", 3), "knows no classes"),
        (("--seed", -1), "out of range"),
        (("--out", "a.gif"), "give FILE.png"),
        (("--save", "a.csv"), "give FILE.npy"),
        (("--checkpoint", "worst"), "has no checkpoint 'worst'"),
    ],
)
def test_directions_that_cannot_be_found(spar, digits_run: sparring.Run, arguments: tuple, says: str) -> None:
    one_line(spar("directions", digits_run.path, *(() if "-n" in arguments else ("-n", 400)), *arguments), 2, says)
    assert snapshot(Path()) == {}


def test_data_that_changed_or_vanished(spar) -> None:
    rng = np.random.default_rng(0)
    np.save("a.npy", rng.integers(0, 256, (60, 8, 8), dtype=np.uint8))
    assert spar("train", "a.npy", *TRAIN, "--batch", 8).code == 0
    np.save("a.npy", rng.integers(0, 256, (60, 8, 8), dtype=np.uint8))
    before = snapshot(Path("out"))
    one_line(spar("evaluate", "out", "-n", 6), 2, "a.npy has changed since out was trained on it")
    one_line(spar("train", "a.npy", *TRAIN, "--batch", 8), 2, "the data has changed", "--fresh")
    Path("a.npy").unlink()
    one_line(spar("evaluate", "out", "-n", 6), 2, "a.npy does not exist")
    assert snapshot(Path("out")) == before
    assert spar("sample", "out", "--out", "a.png").code == 0  # needs no data


@pytest.mark.parametrize("n", [0, -1, 5])
def test_too_few_to_evaluate(spar, gaussian_run: sparring.Run, n: int) -> None:
    one_line(spar("evaluate", gaussian_run.path, "-n", n), 2, "too few")


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
    out, err = process.communicate(timeout=60)
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


def test_runs_that_cannot_be_compared(spar, digits_run: sparring.Run, gaussian_run: sparring.Run) -> None:
    """Nothing is written, and the work is not begun."""
    two = (digits_run.path, digits_run.path)
    for arguments, says in (
        ((digits_run.path,), "1 runs cannot be compared: give from two to 26"),
        ((digits_run.path, gaussian_run.path), "are of different data (digits and gaussian"),
        ((digits_run.path, "nowhere"), "nowhere holds no run of Sparring"),
        ((*two, "--draws", 1), "1 draws show no noise: give at least 2"),
        ((*two, "--draws", "x"), "draws"),
        ((*two, "-n", 3), "n = 3 samples are too few"),
        ((*two, "--checkpoint", 31), "has no checkpoint '31'"),
        ((*two, "--features", "vgg"), "there are no features 'vgg'"),
        ((*two, "--out", "a.gif"), "a.gif is no name for what is written there: give FILE.png"),
        ((*two, "--seed", -1), "seed"),
        ((*two, "--recipe", "other.py"), "none of these runs was trained with a file of that name"),
        ((gaussian_run.path, gaussian_run.path, "--features", "inception"), "features are for images"),
    ):
        one_line(spar("compare-runs", *arguments), 2, says)
    assert not list(Path().iterdir())
