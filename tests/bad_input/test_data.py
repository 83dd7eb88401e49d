"""Data that cannot be used: one clear line, nothing written, nothing executed."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

TRAIN = ("--out", "out", "--steps", 2, "--device", "cpu")


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


def negative_side() -> str:
    np.save("negative.npy", np.zeros((30, 8, 8), np.uint8))
    file = Path("negative.npy")
    file.write_bytes(file.read_bytes().replace(b"(30, 8, 8), ", b"(-30, 8, 8),"))
    return "negative.npy"


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
    negative_side: "no array of shape (-30, 8, 8)",
    unknown_name: "Did you mean mnist",
    an_unknown_kind: "of no known type",
}


@pytest.mark.parametrize("verb", ["train", "data"])
@pytest.mark.parametrize(("make", "says"), DATA.items(), ids=[make.__name__ for make in DATA])
def test_unusable_data(spar, snapshot, one_line, tmp_path: Path, verb: str, make: Callable[[], str], says: str) -> None:
    data = make()
    before = snapshot(tmp_path)
    one_line(spar(verb, data, *(TRAIN if verb == "train" else ("--out", "sheet.png"))), 2, says)
    assert snapshot(tmp_path) == before
    assert not Path("out").exists()
    assert not (tmp_path.parent / "outside.jpg").exists()


def test_data_that_changed_or_vanished(spar, snapshot, one_line) -> None:
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
