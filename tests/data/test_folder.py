"""Folders and zips of images: what is read, how, and what is refused."""

import io
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


def one(tmp_path: Path, content: bytes, options: DataOptions | None = None, name: str = "a.png") -> np.ndarray:
    """The pixels (C, H, W) that one file becomes."""
    (tmp_path / name).write_bytes(content)
    return everything(open_data(str(tmp_path), options))[0]


def png(image: Image.Image, kind: str = "PNG", **save: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **save)
    return file.getvalue()


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
        '{"labels": [["a.png", 0.5], ["b.png", 1]]}',
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


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16", "P-grey", "RGB-grey"])
def test_grey_images_keep_one_channel(tmp_path: Path, mode: str) -> None:
    values = np.tile(np.arange(0, 256, 17, dtype=np.uint8), (16, 1))
    image = Image.fromarray(values)
    expected = values
    if mode == "I;16":
        image = Image.fromarray(values.astype(np.uint16) * 257)
    elif mode == "P-grey":
        image = image.convert("P")
    elif mode == "1":
        image = Image.fromarray((values > 100).astype(np.uint8) * 255).convert("1")
        expected = (values > 100) * 255
    else:
        image = image.convert(mode.removesuffix("-grey"))
    assert np.array_equal(one(tmp_path, png(image))[0], expected)
    assert np.array_equal(one(tmp_path, png(image), DataOptions(channels="3")), np.stack([expected] * 3))


def test_one_colour_image_makes_the_set_colour(tmp_path: Path, picture: Picture) -> None:
    for i in range(12):
        (tmp_path / f"{i}.png").write_bytes(picture(i, mode="L" if i else "RGB"))
    assert open_data(str(tmp_path)).spec.shape == (3, 16, 16)
    assert open_data(str(tmp_path), DataOptions(channels="1")).spec.shape == (1, 16, 16)


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, :4] = (255, 0, 0, 255)
    pixels[:, 4:] = (0, 0, 255, 0)
    rgba = one(tmp_path, png(Image.fromarray(pixels)))
    assert rgba[:, 0, 0].tolist() == [255, 0, 0]
    assert rgba[:, 0, 7].tolist() == [255, 255, 255]
    palette = Image.fromarray(np.repeat([[0, 1]], 8, 0).repeat(4, 1).astype(np.uint8), "P")
    palette.putpalette([255, 0, 0, 0, 0, 255])
    assert one(tmp_path, png(palette, transparency=1))[:, 0, 7].tolist() == [255, 255, 255]


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :16] = (250, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise: left becomes top
    turned = one(tmp_path, png(Image.fromarray(pixels), "JPEG", exif=exif, quality=95), name="a.jpg")
    assert turned.shape == (3, 32, 16)
    assert turned[0, 4, 8] > 200 > 50 > turned[0, 28, 8]


def test_large_photographs(tmp_path: Path) -> None:
    """Decoding at a fraction of the size is a short cut, not another picture."""
    y, x = np.mgrid[0:1200, 0:1600]
    photo = Image.fromarray(np.stack([x // 7, y // 5, (x + y) // 12], 2).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    found = one(tmp_path, png(photo, "JPEG", exif=exif, quality=92), DataOptions(size="64x48"), "a.jpg")
    plain = photo.transpose(Image.Transpose.ROTATE_270).resize((48, 64), Image.Resampling.LANCZOS)
    assert np.abs(found.astype(int) - np.asarray(plain, int).transpose(2, 0, 1)).max() <= 4


def test_cmyk_and_gif_are_read(tmp_path: Path, picture: Picture) -> None:
    (tmp_path / "a.jpg").write_bytes(picture(1, mode="CMYK", kind="JPEG"))
    (tmp_path / "b.gif").write_bytes(picture(2, mode="P", kind="GIF"))
    data = open_data(str(tmp_path))
    assert len(data.train) == 2
    assert not data.skipped


def test_a_common_rectangle_is_kept(tmp_path: Path, picture: Picture) -> None:
    for i in range(4):
        (tmp_path / f"{i}.png").write_bytes(picture(i, (20, 12)))
    (tmp_path / "odd.png").write_bytes(picture(9, (40, 40)))
    data = open_data(str(tmp_path))
    assert data.spec.shape == (3, 12, 20)
    assert any("1 of 5 images were scaled and cut" in note for note in data.notes)


def test_mixed_sizes_become_a_square_power_of_two(tmp_path: Path, picture: Picture) -> None:
    for i, size in enumerate([(30, 50), (45, 41), (70, 90), (33, 34), (61, 20)]):
        (tmp_path / f"{i}.png").write_bytes(picture(i, size))
    data = open_data(str(tmp_path))
    assert data.spec.shape == (3, 32, 32)  # the median smaller side is 33
    assert any("5 different sizes" in note for note in data.notes)


def test_large_images_are_made_smaller_unless_asked(tmp_path: Path, picture: Picture) -> None:
    (tmp_path / "a.png").write_bytes(picture(0, (200, 400)))
    assert open_data(str(tmp_path)).spec.shape == (3, 128, 64)
    assert open_data(str(tmp_path), DataOptions(size="400x200")).spec.shape == (3, 400, 200)


@pytest.mark.parametrize("fit", ["crop", "pad", "squash"])
def test_fits(tmp_path: Path, fit: str) -> None:
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :8], pixels[:, 24:] = (255, 0, 0), (0, 0, 255)  # red, black, blue
    image = one(tmp_path, png(Image.fromarray(pixels)), DataOptions(size="16", fit=fit, channels="3"))  # type: ignore[arg-type]
    left, top = image[:, 8, 0].tolist(), image[:, 0, 8].tolist()
    assert image.shape == (3, 16, 16)
    assert left == ([0, 0, 0] if fit == "crop" else [255, 0, 0])
    assert top == ([255, 255, 255] if fit == "pad" else [0, 0, 0])


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2)])
def test_tiny_images(tmp_path: Path, picture: Picture, size: tuple[int, int]) -> None:
    (tmp_path / "a.png").write_bytes(picture(0, size))
    assert open_data(str(tmp_path)).spec.shape == (3, size[1], size[0])
    assert open_data(str(tmp_path), DataOptions(size="8")).spec.shape == (3, 8, 8)


def test_what_cannot_be_read_is_listed(folder: Path, picture: Picture) -> None:
    (folder / "ant" / "text.png").write_text("this is no image")
    jpeg = picture(50, (64, 64), kind="JPEG")
    (folder / "bee" / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (folder / "cat" / "empty.gif").write_bytes(b"")
    bomb = bytearray(png(Image.new("L", (1, 1))))
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


def test_postscript_is_never_interpreted(tmp_path: Path, picture: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow goes by content, and would hand this file to Ghostscript whatever its name is."""
    started = []
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_: started.append(1) or Image.new("RGB", (9, 9)))
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    (tmp_path / "b.png").write_bytes(picture())
    data = open_data(str(tmp_path))
    assert len(data.train) == 1
    assert data.skipped == (("a.png", "not an image"),)
    assert not started


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "MPO", "WEBP", "BMP", "GIF", "TIFF", "PPM", "TGA", "ICO", "JPEG2000"])
def test_content_wins_over_the_name(kind: str, tmp_path: Path, picture: Picture) -> None:
    assert one(tmp_path, picture(kind=kind), name="a.jpg").shape == (3, 16, 16)
