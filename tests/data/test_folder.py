"""Folders and zips of images: which files are read, their classes and parts, and what is refused."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparring.data import DataOptions, open_data
from sparring.errors import UsageError
from sparring.types import Dataset

Picture = Callable[..., bytes]


def everything(data: Dataset) -> np.ndarray:
    parts = [part for part in (data.train, data.validation, data.test) if part is not None]
    return np.concatenate([part.read(np.arange(len(part))).x.numpy() for part in parts])


def test_classes_are_the_sub_folders(folder: Path) -> None:
    data = open_data(str(folder))
    assert data.spec.classes == ("ant", "bee", "cat")
    assert data.spec.shape == (3, 16, 16)
    assert data.spec.name == "pets"
    batch = data.train.read(np.array([0, 1, 0]))
    assert batch.x.shape == (3, 3, 16, 16)
    assert (batch.x[0] == batch.x[2]).all()
    assert batch.y is not None
    total = sum(len(part) for part in (data.train, data.validation, data.test) if part)
    assert total == 30


def test_pixels_and_labels_arrive_unchanged(folder: Path) -> None:
    data = open_data(str(folder), DataOptions(holdout=0))
    known = {}
    for path in folder.rglob("*.png"):
        known[np.asarray(Image.open(path)).transpose(2, 0, 1).tobytes()] = path.parent.name
    for part in (data.train, data.validation):
        assert part is not None
        x, y = part.read(np.arange(len(part)))
        assert y is not None
        for image, label in zip(x.numpy(), y.tolist(), strict=True):
            assert known.pop(image.tobytes()) == data.spec.classes[label]
    assert not known


def zipped(folder: Path, target: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, prefix + path.relative_to(folder).as_posix())
    return target


def test_a_zip_gives_what_the_folder_gives(folder: Path, tmp_path: Path) -> None:
    plain = open_data(str(folder))
    for prefix in ("", "wrapped/twice/"):
        packed = open_data(str(zipped(folder, tmp_path / f"z{len(prefix)}.zip", prefix)))
        assert packed.spec.classes == plain.spec.classes
        assert np.array_equal(everything(packed), everything(plain))


def test_nested_folders_belong_to_the_first_level(tmp_path: Path, picture: Picture) -> None:
    for i, place in enumerate(("a/x/y", "a/z", "b", "b/x")):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / "i.png").write_bytes(picture(i))
    assert open_data(str(tmp_path)).spec.classes == ("a", "b")


def test_numbered_classes_are_in_number_order(tmp_path: Path, picture: Picture) -> None:
    for i in (10, 9, 2):
        (tmp_path / str(i)).mkdir()
        (tmp_path / str(i) / "i.png").write_bytes(picture(i))
    assert open_data(str(tmp_path)).spec.classes == ("2", "9", "10")


def test_images_in_the_root_have_no_labels(tmp_path: Path, picture: Picture) -> None:
    for i in range(3):
        (tmp_path / f"{i}.png").write_bytes(picture(i))
    data = open_data(str(tmp_path))
    assert data.spec.classes == ()
    assert data.train.read(np.array([0])).y is None


def test_images_beside_classes_are_unlabelled(folder: Path, picture: Picture) -> None:
    (folder / "stray.png").write_bytes(picture(99))
    data = open_data(str(folder), DataOptions(holdout=0))
    assert data.spec.classes == ("ant", "bee", "cat")
    labels = [part.read(np.arange(len(part))).y.tolist() for part in (data.train, data.validation) if part]  # type: ignore[union-attr]
    assert [y for part in labels for y in part].count(-1) == 1
    assert any("images without a label: 1" in note for note in data.notes)


@pytest.mark.parametrize("name", ["unlabelled", "Unlabeled", "_unlabelled_"])
@pytest.mark.parametrize("part", ["", "train/"])
def test_a_folder_called_unlabelled_is_no_class(tmp_path: Path, picture: Picture, name: str, part: str) -> None:
    for i, place in enumerate((f"{part}ant", f"{part}bee", f"{part}{name}", f"{part}{name}/more", "test/ant")):
        if part or not place.startswith("test"):
            (tmp_path / place).mkdir(parents=True, exist_ok=True)
            (tmp_path / place / "i.png").write_bytes(picture(i))
    data = open_data(str(tmp_path))
    assert data.spec.classes == ("ant", "bee")
    assert sorted(data.train.labels) == [-1, -1, 0, 1]
    assert f"no class, but images without a label: the folder {name}" in data.notes


@pytest.mark.parametrize(("names", "parts"), [(("train", "test"), (20, 10)), (("Train", "val", "test"), (10, 10, 10))])
def test_named_parts(tmp_path: Path, picture: Picture, names: tuple[str, ...], parts: tuple[int, ...]) -> None:
    for i in range(30):
        place = tmp_path / names[i % len(names)] if len(names) == 3 else tmp_path / names[i >= 20]
        place = place / str(i % 2)
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{i}.png").write_bytes(picture(i))
    data = open_data(str(tmp_path))
    assert data.spec.classes == ("0", "1")
    assert data.test is not None
    assert len(data.test) == 10
    assert data.validation is not None
    if len(names) == 3:
        assert (len(data.train), len(data.validation)) == (10, 10)
    else:
        assert len(data.train) + len(data.validation) == 20
        with pytest.raises(UsageError, match="holdout has no meaning"):
            open_data(str(tmp_path), DataOptions(holdout=0.2))


def test_dataset_json(tmp_path: Path, picture: Picture) -> None:
    (tmp_path / "00000").mkdir()
    for i in range(4):
        (tmp_path / "00000" / f"img{i}.png").write_bytes(picture(i))
    labels = [["00000/img0.png", 7], ["00000/img1.png", 3], ["00000/img2.png", None], ["00000/gone.png", 3]]
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
    data = open_data(str(tmp_path))
    assert data.spec.classes == ("3", "7")
    assert data.train.read(np.arange(4)).y.tolist() == [1, 0, -1, -1]  # type: ignore[union-attr]
    assert data.skipped == (("00000/gone.png", "named in dataset.json but not there"),)
    labels = [[name, None if label is None else float(label)] for name, label in labels]
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
    assert open_data(str(tmp_path)).spec.classes == ("3", "7")  # as in an archive
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": None}))
    assert open_data(str(tmp_path)).spec.classes == ()


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"labels": [["a.png", -1]]}',
        '{"labels": [["a.png", []]]}',
        '{"labels": [["a.png", [1, true]]]}',
        '{"labels": [["a.png", [1, 0.5]], ["b.png", [1]]]}',
        '{"labels": [["a.png", 1.0], ["b.png", -1.0]]}',
        '{"labels": [["a.png", 0.5], ["b.png", "1"]]}',
        '{"labels": [["a.png", 0]], "generated": 3}',
        '{"labels": [[7, 0.5]]}',
        "[" * 100_000,
    ],
)
def test_bad_dataset_json(folder: Path, text: str) -> None:
    (folder / "dataset.json").write_text(text)
    with pytest.raises(UsageError, match=r"dataset\.json .* must be") as caught:
        open_data(str(folder))
    assert "\n" not in str(caught.value)


def test_labels_of_other_images_or_two_of_one_are_refused(tmp_path: Path, picture: Picture) -> None:
    for i in range(2):
        (tmp_path / f"img{i}.png").write_bytes(picture(i))
    for labels, why in (
        ([["0/img0.png", 7], ["0/img1.png", 3]], r"there is img0\.png, but dataset\.json begins with 0/img0\.png"),
        ([["img0.png", 7], ["img0.png", 3]], r"names img0\.png twice"),
        ([["img0.png", 0.5], ["img0.png", 1.5]], r"names img0\.png twice"),
    ):
        (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
        with pytest.raises(UsageError, match=why):
            open_data(str(tmp_path))


def test_what_cannot_be_read_is_listed(folder: Path, picture: Picture) -> None:
    (folder / "ant" / "text.png").write_text("this is no image")
    jpeg = picture(50, (64, 64), kind="JPEG")
    (folder / "bee" / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (folder / "cat" / "empty.gif").write_bytes(b"")
    bomb = bytearray(picture(size=(1, 1), mode="L"))
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    (folder / "cat" / "bomb.png").write_bytes(bomb)
    (folder / "cat" / "dead.png").symlink_to("nowhere.png")
    (folder / "cat" / "loop.png").symlink_to("loop.png")
    (folder / "cat" / "notes.txt").write_text("no image, and does not claim to be one")
    (folder / "cat" / ".hidden.png").write_text("the system's own business")
    data = open_data(str(folder))
    bad = ["ant/text.png", "bee/cut.jpg", "cat/bomb.png", "cat/dead.png", "cat/empty.gif", "cat/loop.png"]
    assert [file for file, _ in data.skipped] == bad
    reasons = dict(data.skipped)
    assert reasons["ant/text.png"] == "not an image"
    assert "truncated" in reasons["bee/cut.jpg"]
    assert all(reason and "\n" not in reason for reason in reasons.values())
    assert reasons["cat/dead.png"] == "No such file or directory"
    assert any("skipped: 6" in note for note in data.notes)
    assert any("(.txt)" in note for note in data.notes)
    total = sum(len(part) for part in (data.train, data.validation, data.test) if part)
    assert total == 30
    assert open_data(str(folder)).skipped == data.skipped  # from the cache


def test_nothing_readable_is_an_error(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "a.png").write_text("no")
    (tmp_path / "b.png").write_text("no")
    with pytest.raises(UsageError, match=r"no image could be read in .* the first of 2: a\.png: not an image"):
        open_data(str(tmp_path))
    assert not list(cache.rglob("*.npy"))


def test_readable_headers_but_no_pixels(tmp_path: Path, picture: Picture, cache: Path) -> None:
    jpeg = picture(0, (64, 64), kind="JPEG")
    (tmp_path / "a.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    with pytest.raises(UsageError, match="no image could be read"):
        open_data(str(tmp_path))
    assert not list(cache.rglob("*.npy"))


def usage_error(data: Path | str) -> str:
    with pytest.raises(UsageError) as caught:
        open_data(str(data))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_missing_empty_and_unknown(tmp_path: Path, picture: Picture) -> None:
    assert "does not exist" in usage_error(tmp_path / "nowhere")
    assert "Did you mean mnist" in usage_error("minst")
    assert "digits" in usage_error("zzz")
    (tmp_path / "empty").mkdir()
    assert "no files at all" in usage_error(tmp_path / "empty")
    (tmp_path / "empty" / "notes.txt").write_text("x")
    assert "1 files but no images" in usage_error(tmp_path / "empty")
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    assert "no known type" in usage_error(tmp_path / "table.csv")
    (tmp_path / "one.png").write_bytes(picture(0))
    assert "single image" in usage_error(tmp_path / "one.png")
    (tmp_path / "all.tar.gz").write_bytes(b"\x1f\x8b")
    assert "unpack it" in usage_error(tmp_path / "all.tar.gz")
    assert "name" in usage_error("x" * 5000).lower()
    assert "no data is named" in usage_error("")


@pytest.mark.parametrize("member", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "C:\\evil.png", "..\\evil.png"])
def test_zip_members_that_climb_out_are_refused(tmp_path: Path, picture: Picture, member: str) -> None:
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fine.png", picture(0))
        archive.writestr(member, picture(1))
    message = usage_error(path)
    assert "evil.png" in message
    assert "outside" in message


def test_damaged_and_encrypted_zips(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "text.zip").write_text("not a zip")
    assert "cannot be read as a zip" in usage_error(tmp_path / "text.zip")
    path = zipped(folder, tmp_path / "cut.zip")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "cannot be read as a zip" in usage_error(path)
    spoilt = bytearray(whole)
    spoilt[200:260] = bytes(60)  # inside the first member's pixels
    path.write_bytes(spoilt)
    assert len(open_data(str(path)).skipped) == 1
