"""How one image file becomes pixels: its format, colours, rotation, size and shape."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparring.data import DataOptions, open_data

Picture = Callable[..., bytes]


def one(tmp_path: Path, content: bytes, options: DataOptions | None = None, name: str = "a.png") -> np.ndarray:
    """The pixels (C, H, W) that one file becomes."""
    (tmp_path / name).write_bytes(content)
    return open_data(str(tmp_path), options).train.read(np.arange(1)).x[0].numpy()


def png(image: Image.Image, kind: str = "PNG", **save: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **save)
    return file.getvalue()


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
