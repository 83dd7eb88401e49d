"""Pictures as data: URIs of a bounded size."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

from sparring.report.html import Html, tag

PICTURE = 100 << 10
"""Bytes that one picture has at the most, before base64 makes four of three."""
SMALL = 64
"""Pictures of up to so many pixels a side are shown enlarged, pixel by pixel."""


def embed(image: Image.Image, alt: str, class_: str = "sheet", largest: int = PICTURE) -> Html:
    """An image element that holds the picture itself: as PNG, or if that is too large as WebP, which may be smaller."""
    kind, content = encode(image, largest)
    small = " small" if max(image.size) <= SMALL else ""
    source = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return tag("img", src=source, alt=alt, width=image.width, height=image.height, class_=f"{class_}{small}")


def encode(image: Image.Image, largest: int) -> tuple[str, bytes]:
    """A picture in at most so many bytes: PNG, else WebP with losses, of smaller and smaller sizes; and which it is."""
    content = _saved(image, "PNG", optimize=True)
    if len(content) <= largest:
        return "png", content
    while len(content := _saved(image, "WEBP", quality=80)) > largest and min(image.size) > 1:
        image = image.resize((max(1, image.width * 3 // 4), max(1, image.height * 3 // 4)), Image.Resampling.LANCZOS)
    return "webp", content


def _saved(image: Image.Image, kind: str, **options: bool | int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def read_picture(path: Path) -> Image.Image | None:
    """A PNG file as grey or colour values, or None if it cannot be read."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            return image.convert("L" if image.mode == "L" else "RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
