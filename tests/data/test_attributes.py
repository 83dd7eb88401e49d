"""Attributes: where they are read from, what is refused, and how they come back from the cache."""

import json
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.data import DataOptions, contact_sheet, open_data
from sparring.data.attributes import ROWS, describe
from sparring.data.labels import known_labels
from sparring.errors import UsageError
from sparring.types import Dataset, DataSpec

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
VALUES = np.random.default_rng(1).normal([30, 0.1], [10, 0.01], (40, 2))


def by_content(data: Dataset) -> dict[bytes, list[float]]:
    """The attributes of every image."""
    parts = [part for part in (data.train, data.validation, data.test) if part is not None]
    batches = [part.read(np.arange(len(part))) for part in parts]
    assert all(batch.y is not None and batch.y.dtype == torch.float32 for batch in batches)
    return {x.numpy().tobytes(): y.tolist() for batch in batches for x, y in zip(*batch, strict=True)}


def expected(values: np.ndarray, images: np.ndarray = IMAGES) -> dict[bytes, list[float]]:
    rows = values.reshape(len(images), -1).astype(np.float32).tolist()
    return {image.tobytes(): row for image, row in zip(images, rows, strict=True)}


def save(path: Path, **arrays: Any) -> str:
    np.savez(path / "a.npz", **({"images": IMAGES} | arrays))
    return str(path / "a.npz")


def usage_error(data: str) -> str:
    with pytest.raises(UsageError) as caught:
        open_data(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "values", "names"),
    [
        ({"y": VALUES}, VALUES, "a1 a2"),
        ({"labels": VALUES.astype(">f4")}, VALUES, "a1 a2"),
        ({"y": VALUES[:, 0]}, VALUES[:, 0], "a1"),
        ({"y": VALUES[:, :1]}, VALUES[:, 0], "a1"),
        ({"attributes": VALUES, "attribute_names": np.array(["age", "gloss"])}, VALUES, "age gloss"),
        ({"attributes": np.arange(40), "attribute_names": np.array([b"age"])}, np.arange(40), "age"),
        ({"attributes": VALUES[:, 0], "labels": np.arange(40) % 2}, VALUES[:, 0], "a1"),
        ({"y": np.eye(40, 3, dtype=np.int64)}, np.eye(40, 3), "a1 a2 a3"),
        ({"y": np.asfortranarray(VALUES)}, VALUES, "a1 a2"),
    ],
)
def test_arrays(tmp_path: Path, arrays: dict[str, np.ndarray], values: np.ndarray, names: str) -> None:
    data = open_data(save(tmp_path, **arrays))
    assert [attribute.name for attribute in data.spec.attributes] == names.split()
    assert data.spec.classes == ()
    assert by_content(data) == expected(values)


@pytest.mark.parametrize("labels", [np.arange(40) % 3, (np.arange(40) % 3).astype(float), np.arange(40)[:, None] % 3])
def test_one_whole_number_an_image_is_a_class(tmp_path: Path, labels: np.ndarray) -> None:
    spec = open_data(save(tmp_path, y=labels)).spec
    assert spec.classes == ("0", "1", "2")
    assert spec.attributes == spec.rows == ()


@pytest.mark.parametrize("file", ["dataset.json", "a.npz"])
def test_one_number_an_image_is_an_attribute_unless_all_are_whole(tmp_path: Path, file: str) -> None:
    """In a listing as in an array; and no classifier learns from it."""
    values = [i if i % 2 else i + 0.5 for i in range(40)]
    data = save(tmp_path, y=np.array(values))
    if file == "dataset.json":
        data = str(tmp_path / "folder")
        (tmp_path / "folder").mkdir()
        for i, image in enumerate(IMAGES):
            Image.fromarray(image).save(tmp_path / "folder" / f"{i:02d}.png")
        listing = {"labels": [[f"{i:02d}.png", value] for i, value in enumerate(values)]}
        (tmp_path / "folder" / "dataset.json").write_text(json.dumps(listing))
    (attribute,) = open_data(data).spec.attributes
    assert attribute.high >= 37
    with pytest.raises(UsageError, match=r"are numbers .*no classes: give each image one whole number, or null"):
        known_labels(open_data(data))


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"y": np.where(np.arange(80).reshape(40, 2) == 7, np.nan, VALUES)}, "1 attributes are NaN or infinite, the "),
        ({"y": np.where(np.arange(80).reshape(40, 2) == 7, np.inf, VALUES)}, "the first at index (3, 1)"),
        ({"y": 1e39 * VALUES}, "NaN or infinite"),
        ({"y": VALUES[:39]}, "do not fit 40 images"),
        ({"y": VALUES, "attribute_names": np.array(["a", "b", "c"])}, "2 attributes an image, but 3 names"),
        ({"y": VALUES, "attribute_names": np.array(["a", "a"])}, "each another"),
        ({"y": VALUES, "attribute_names": np.array(["height, cm", "b"])}, "an attribute 'height, cm', which could not"),
        ({"y": VALUES, "attribute_names": np.array(["a", " b"])}, "an attribute ' b', which could not"),
        ({"y": VALUES, "attribute_names": np.array([1, 2])}, "attribute_names in a.npz must be 1 to 256 texts"),
        ({"y": VALUES, "attribute_names": np.array(["a", None])}, "Python objects"),
        ({"y": np.zeros((40, 300))}, "300 attributes; at most 256"),
        ({"attributes": np.array(["a", "b"] * 20)}, "do not fit"),
    ],
)
def test_arrays_that_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray], says: str) -> None:
    assert says in usage_error(save(tmp_path, **arrays))


def test_every_part_needs_them(tmp_path: Path) -> None:
    parts = {"x_train": IMAGES, "x_test": IMAGES + 1, "y_train": VALUES}
    np.savez(tmp_path / "a.npz", **parts, y_test=VALUES)
    data = open_data(str(tmp_path / "a.npz"))
    assert by_content(data) == expected(VALUES) | expected(VALUES, IMAGES + 1)
    np.savez(tmp_path / "a.npz", **parts)
    assert "another part has" in usage_error(str(tmp_path / "a.npz"))
    np.savez(tmp_path / "a.npz", **parts, y_test=VALUES[:, 0])
    assert "1, 2 attributes an image" in usage_error(str(tmp_path / "a.npz"))


@pytest.fixture
def table(folder: Path) -> Callable[[str], str]:
    """Writes attributes.csv beside the thirty images ``ant/0.png``, ``bee/1.png`` …"""

    def write(text: str) -> str:
        (folder / "attributes.csv").write_text(text, "utf-8")
        return str(folder)

    return write


def lines(**changed: str) -> str:
    """A table of all thirty images, some lines of it changed."""
    kinds = ("ant", "bee", "cat")
    rows = {f"{kinds[i % 3]}/{i}.png": f"{i}, {i / 8}" for i in range(30)} | changed
    return "file,age, length of wing\n" + "".join(f"{name},{row}\n" for name, row in rows.items())


def test_a_table_beside_images(table: Callable[[str], str], tmp_path: Path) -> None:
    place = table("\ufeff" + lines())
    data = open_data(place)
    assert [attribute.name for attribute in data.spec.attributes] == ["age", "length of wing"]
    assert data.spec.classes == ()
    rows = sorted(by_content(data).values())
    assert rows == [[i, i / 8] for i in range(30)]
    assert {"the attributes are those of attributes.csv"} < {*data.notes}
    assert any("sub-folders are no classes" in note for note in data.notes)
    assert not any("left out because" in note for note in data.notes)
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        for file in sorted(Path(place).rglob("*.*")):
            archive.write(file, f"wrapped/{file.relative_to(place)}")
    zipped = open_data(str(tmp_path / "pets.zip"))
    assert by_content(zipped) == by_content(data)
    assert zipped.fingerprint == data.fingerprint


def test_images_without_numbers_are_skipped_with_the_reason(table: Callable[[str], str]) -> None:
    text = lines(**{"ant/0.png": ",1", "bee/1.png": "nan,inf", "ant/3.png": "1e39,1", "dog/9.png": "1,2"})
    data = open_data(table(text.replace("cat/29.png,29, 3.625\n", "")))
    source = "missing or not finite in attributes.csv"
    assert sorted(data.skipped) == [
        ("ant/0.png", f"age: {source}"),
        ("ant/3.png", f"age: {source}"),
        ("bee/1.png", f"age, length of wing: {source}"),
        ("cat/29.png", "has no attributes in attributes.csv"),
        ("dog/9.png", "named in attributes.csv but not there"),
    ]
    assert len(by_content(data)) == 26


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must begin with a header"),
        ("file;age\nant/0.png;1\n", "must begin with a header"),
        ("file,age\nant/0.png,young\n", "line 2: 'young' in the column 'age' is no number"),
        ("file,age\nant/0.png,1,2\n", "line 2: 3 cells, but the header has 2"),
        ("file,age\nant/0.png,1\n\nant/0.png,1\n", "line 4: ant/0.png is there twice"),
        ("file,age,age\nant/0.png,1,2\n", "each another"),
        ("file,\nant/0.png,1\n", "needs a name for every attribute"),
        ("file,age\n0.png,1\n", "no image of"),
        ("file," + ",".join(f"x{i}" for i in range(257)) + "\n", "257 attributes; at most 256"),
        ('file,age\n"' + "x" * 200_000, "cannot be read as a table"),
    ],
)
def test_tables_that_are_refused(table: Callable[[str], str], text: str, says: str) -> None:
    assert says in usage_error(table(text))


def test_a_table_that_is_no_text(folder: Path) -> None:
    (folder / "attributes.csv").write_bytes(b"file,age\nant/0.png,\xff\n")
    assert "cannot be read as a table" in usage_error(str(folder))


def test_vectors_in_dataset_json(tmp_path: Path, picture: Callable[..., bytes]) -> None:
    labels: list[list[Any]] = [[f"{i}.png", [i, -i / 2]] for i in range(12)]
    for i in range(13):
        (tmp_path / f"{i}.png").write_bytes(picture(i))
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": [*labels, ["12.png", None]]}))
    data = open_data(str(tmp_path))
    assert sorted(by_content(data).values()) == [[i, -i / 2] for i in range(12)]
    assert data.skipped == (("12.png", "has no attributes in dataset.json"),)
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": [[f"{i}.png", i + 0.5] for i in range(13)]}))
    assert sorted(by_content(open_data(str(tmp_path))).values()) == [[i + 0.5] for i in range(13)]


def test_the_specification_is_that_of_the_training_part(tmp_path: Path) -> None:
    data = open_data(save(tmp_path, y=VALUES))
    own = data.train.read(np.arange(len(data.train))).y
    assert own is not None
    assert len(own) < 40
    mean, deviation = own.double().mean(0), own.double().std(0, correction=0)
    for j, attribute in enumerate(data.spec.attributes):
        assert attribute.mean == pytest.approx(mean[j].item(), rel=1e-6)
        assert attribute.deviation == pytest.approx(deviation[j].item(), rel=1e-6)
        assert np.float32([attribute.low, attribute.high]).tolist() == [own[:, j].min(), own[:, j].max()]
    encoded = data.spec.encode_condition(own)
    assert encoded.dtype == torch.float32
    torch.testing.assert_close(encoded.mean(0), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(encoded.std(0, correction=0), torch.ones(2), atol=1e-4, rtol=0)
    assert torch.equal(torch.tensor(data.spec.rows), own)
    drawn = data.spec.draw_conditions(50, torch.Generator().manual_seed(0))
    assert {*map(tuple, drawn.tolist())} <= {*map(tuple, own.tolist())}
    assert torch.equal(data.spec.draw_conditions(5, torch.Generator().manual_seed(0)), drawn[:5])


def test_a_bounded_number_of_rows_is_kept() -> None:
    """Drawn at random: neither the first ones nor every so many of a sorted or a periodic set."""
    values = np.stack([np.arange(50_000) % 50, np.arange(50_000) / 7], 1).astype(np.float32)
    (digit, time), rows = describe(("digit", "time"), values, np.arange(50_000))
    assert len(rows) == ROWS
    assert {row[0] for row in rows} == {*range(50)}
    assert np.mean([row[1] for row in rows]) == pytest.approx(time.mean, rel=0.05)
    assert (digit.low, digit.high, digit.mean) == (0, 49, 24.5)
    assert (np.float32(rows) == values[np.searchsorted(values[:, 1], np.float32(rows)[:, 1])]).all()


def test_an_attribute_that_never_changes(tmp_path: Path) -> None:
    data = open_data(save(tmp_path, y=np.stack([VALUES[:, 0], np.full(40, 0.3)], 1)))
    assert data.spec.attributes[1].deviation == 1
    assert "a2 is 0.3 in all training images" in data.notes
    assert torch.isfinite(data.spec.encode_condition(torch.tensor(data.spec.rows))).all()


def test_the_cache_gives_them_back(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_data(save(tmp_path, y=VALUES))
    monkeypatch.setattr("sparring.data.pack._write_entry", lambda *_: pytest.fail("it was packed again"))
    again = open_data(str(tmp_path / "a.npz"))
    assert by_content(again) == by_content(first) == expected(VALUES)
    assert (again.spec, again.fingerprint, again.notes) == (first.spec, first.fingerprint, first.notes)
    whole = again.train.tensors()  # type: ignore[attr-defined]
    assert (whole.y.numpy() == again.train.attributes).all()  # type: ignore[attr-defined]
    assert again.train.labels is None  # type: ignore[attr-defined]
    monkeypatch.undo()
    monkeypatch.setenv("SPARRING_CACHE", str(cache))
    (entry,) = (cache / "packed").iterdir()
    with (entry / "attributes.npy").open("r+b") as file:
        file.truncate(130)
    assert by_content(open_data(str(tmp_path / "a.npz"))) == expected(VALUES)


def test_the_fingerprint_is_of_the_attributes_too(tmp_path: Path) -> None:
    prints = set()
    other = VALUES.copy()
    other[7, 1] += 1e-3
    for values in (VALUES, other, VALUES[:, :1]):
        prints.add(open_data(save(tmp_path, y=values)).fingerprint)
    prints.add(open_data(save(tmp_path)).fingerprint)
    assert len(prints) == 4
    shutil.copy(save(tmp_path, y=VALUES), tmp_path / "b.npz")
    a, b = (open_data(str(tmp_path / name)) for name in ("a.npz", "b.npz"))
    assert a.spec.attributes == b.spec.attributes


def test_specifications_as_json(tmp_path: Path) -> None:
    spec = open_data(save(tmp_path, y=VALUES)).spec
    text = json.dumps(spec.to_json())
    assert DataSpec.from_json(json.loads(text)) == spec
    old = {"kind": "image", "shape": [1, 8, 8], "classes": ["a", "b"], "name": "x", "shares": [0.5, 0.5]}
    assert DataSpec.from_json(old).to_json() == old  # as versions without attributes wrote it, and fingerprinted it
    values = json.loads(text)
    for key, wrong in (("rows", []), ("rows", ["1"]), ("rows", ["a b"]), ("attributes", [])):
        with pytest.raises(ValueError):
            DataSpec.from_json(values | {key: wrong})
    for name, number in (("deviation", 0), ("mean", float("nan")), ("low", float("inf")), ("high", -1e9)):
        damaged = [values["attributes"][0] | {name: number}, values["attributes"][1]]
        with pytest.raises(ValueError, match="no attribute is like"):
            DataSpec.from_json(values | {"attributes": damaged})


def test_memory_is_bounded(tmp_path: Path) -> None:
    """Packing holds the array once as it is and once as float32, and nothing that grows beside them."""
    images = np.random.default_rng(0).integers(0, 256, (20_000, 2, 2), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=images, y=np.random.default_rng(0).random((20_000, 128), dtype=np.float32))
    open_data("digits")  # what the first packing imports is not counted
    tracemalloc.start()
    data = open_data(str(tmp_path / "a.npz"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(data.spec.attributes) == 128
    assert peak < 3.5 * 20_000 * 128 * 4


def test_the_contact_sheet_is_sorted_by_the_first(tmp_path: Path) -> None:
    grey = np.arange(120, dtype=np.uint8)[np.random.default_rng(0).permutation(120)]
    np.savez(tmp_path / "a.npz", images=np.broadcast_to(grey[:, None, None], (120, 8, 8)), y=grey / 100)
    sheet = np.asarray(contact_sheet(open_data(str(tmp_path / "a.npz"), DataOptions(holdout=0))))
    rows = [row[row < 255].mean() for row in sheet if (row < 255).any()]
    assert (np.diff(rows) >= 0).all()
    assert rows[0] < 10 < 110 < rows[-1]
