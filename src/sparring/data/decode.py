"""From an image file's bytes to grey or colour pixels, whatever kind of image it is."""

from __future__ import annotations

from functools import cache
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sparring.data.layout import Layout, fit_image
from sparring.data.origin import Pixels

PHOTOS = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".jp2", ".avif"}
EXTENSIONS = frozenset(PHOTOS | {".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico"})
GREY_MODES = frozenset(("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"))
ORIENTATION = 0x0112
MOST_PIXELS = 100_000_000
"""Images that claim more than this are not decoded."""


@cache
def formats() -> tuple[str, ...]:
    """Pillow's formats of EXTENSIONS, and no others.

    A file's content, not its name, decides how it is read, and Pillow would hand PostScript to an interpreter.
    """
    known = Image.registered_extensions()
    return tuple(sorted({known[extension] for extension in EXTENSIONS if extension in known}))


def look(file: IO[bytes]) -> tuple[int, int, bool]:
    """(height, width, stored without colour) from an image file's header, as it would be shown upright.

    Raises whatever Pillow raises for what is no image.
    """
    with Image.open(file, formats=formats()) as image:
        width, height = image.size
        if image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8):
            width, height = height, width
        return height, width, image.mode in GREY_MODES


def decode(file: IO[bytes], layout: Layout) -> Pixels:
    """Pixels (H, W, C) of the layout: turned upright by EXIF, 16 bits scaled to 8, transparency laid over white."""
    with Image.open(file, formats=formats()) as image:
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(f"{image.width}x{image.height} pixels are more than {MOST_PIXELS:,}")
        side = 2 * max(layout.height, layout.width)
        image.draft(None, (side, side))  # JPEG photographs decode many times faster at a fraction of their size
        image.load()
        upright = ImageOps.exif_transpose(image)
        return fit_image(_plain(upright), layout)


def explain(error: Exception) -> str:
    """Why an image could not be read, in a few words."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    if isinstance(error, Image.DecompressionBombError):
        return "far too many pixels"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).splitlines() or [""])[0][:200] or type(error).__name__


def _plain(image: Image.Image) -> Image.Image:
    """Any image as ``L`` or ``RGB``."""
    if image.mode.startswith("I"):
        return _from_16_bits(image)
    if image.mode == "F":
        raise ValueError("a floating-point image; save it with 8 or 16 bits")
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        grey = image.mode in GREY_MODES
        coloured = image.convert("RGBA")
        white = Image.new("RGBA", coloured.size, "white")
        return Image.alpha_composite(white, coloured).convert("L" if grey else "RGB")
    return image.convert("L" if image.mode in GREY_MODES else "RGB")


def _from_16_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError(f"grey values from {values.min()} to {values.max()} do not fit 16 bits")
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))
