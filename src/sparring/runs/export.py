"""Samples as files: one sheet, one array, or one picture each."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from sparring.data import plot_path, render
from sparring.errors import UsageError
from sparring.files import save_png, write_atomically
from sparring.types import DataSpec

MOVING = {".gif": "GIF", ".webp": "WEBP", ".apng": "PNG"}
"""Kinds of files that move, and Pillow's names for them."""
FRAME = 80
"""Milliseconds per frame."""
SIDE = 256
"""About how many pixels the longer side of a frame has."""
STRIP = 8
"""Frames in a row of a film strip, at the most."""


def write_samples(spec: DataSpec, made: Tensor, out: Path, columns: int | None = None) -> None:
    """Write examples (n, *shape) in network values as the name of ``out`` says.

    FILE.png is one sheet, of so many columns; FILE.npy is uint8 (n, C, H, W), or float32 for what is no
    image; a directory gets a PNG each.

    Raises:
        UsageError: as ``check_samples``.
        SparringError: the disk refuses.
    """
    check_samples(spec, out, len(made))
    kind = out.suffix.lower()
    if kind == ".npy":
        save_npy(spec.decode(made).numpy(), out)
    elif kind == ".png":
        save_png(render(spec, made, columns), out)
    else:
        for i, image in enumerate(pictures(spec, made)):
            save_png(image, out / file_name(i))


def write_film(spec: DataSpec, frames: Tensor, out: Path, around: Tensor) -> None:
    """Write frames (n, *shape) as the name of ``out`` says; points are drawn among other points ``around`` (m, d).

    FILE.gif, FILE.webp and FILE.apng are looped animations; FILE.png is a film strip, for points a plot of their path;
    FILE.npy and a directory are as in ``write_samples``.

    Raises:
        UsageError: another kind of name, or one that points cannot have.
        SparringError: the disk refuses.
    """
    check_film(spec, out, len(frames))
    kind = out.suffix.lower()
    if kind in MOVING:
        images = [enlarged(image) for image in pictures(spec, frames)]
        buffer = io.BytesIO()
        options = {"save_all": True, "append_images": images[1:], "duration": FRAME, "loop": 0}
        images[0].save(buffer, MOVING[kind], **options | ({"lossless": True} if kind == ".webp" else {}))
        write_atomically(out, buffer.getvalue())
    elif kind == ".png" and spec.kind == "points":
        save_png(plot_path(frames, around, spec.name), out)
    else:
        rows = -(-len(frames) // STRIP)
        write_samples(spec, frames, out, columns=-(-len(frames) // rows))


def save_npy(array: np.ndarray[Any, Any], out: Path) -> None:
    """Write an array; it is there whole or not at all.

    Raises:
        SparringError: the disk refuses.
    """
    buffer = io.BytesIO()
    np.save(buffer, array)
    write_atomically(out, buffer.getvalue())


def file_name(number: int) -> str:
    """What one image of several is called."""
    return f"{number:06d}.png"


def check_samples(spec: DataSpec, out: Path, n: int) -> None:
    """Refuse a name that n samples cannot be written to, before the work begins.

    Raises:
        UsageError: another kind of name, files of single points, or a directory of other pictures.
    """
    kind = out.suffix.lower()
    if kind not in ("", ".png", ".npy") and not out.is_dir():
        raise UsageError(f"--out {out}: give FILE.png, FILE.npy or a directory.")
    if spec.kind != "image" and kind not in (".png", ".npy"):
        raise UsageError("samples that are no images go into one FILE.npy or FILE.png (--out).")
    check_directory(out, n)


def check_directory(out: Path, n: int) -> None:
    """Refuse a directory whose pictures would be mixed with n new ones.

    Raises:
        UsageError: it is one.
    """
    if out.is_dir():
        others = sorted({file.name for file in out.glob("*.png")} - set(map(file_name, range(n))))
        if others:
            raise UsageError(f"{out} holds other pictures already, such as {others[0]}: choose a new directory.")


def check_film(spec: DataSpec, out: Path, n: int) -> None:
    """Refuse a name that n frames cannot be written to.

    Raises:
        UsageError: it is one.
    """
    kind = out.suffix.lower()
    if kind not in ("", ".png", ".npy", *MOVING) and not out.is_dir():
        raise UsageError(
            f"--out {out}: give FILE.png, {', '.join(f'FILE{k}' for k in MOVING)}, FILE.npy or a directory."
        )
    if spec.kind != "image" and kind not in (".png", ".npy"):
        raise UsageError("frames that are no images go into one FILE.npy, or FILE.png for their path (--out).")
    check_directory(out, n)


def check_name(out: Path | None, kind: str) -> None:
    """Refuse a file of another kind than the one that is written, before the work begins.

    Raises:
        UsageError: it is one.
    """
    if out is not None and out.suffix.lower() != kind:
        raise UsageError(f"{out} is no name for what is written there: give FILE{kind}.")


def pictures(spec: DataSpec, made: Tensor) -> list[Image.Image]:
    """Images (n, C, H, W) in network values as pictures."""
    return [Image.fromarray(pixels) for pixels in spec.decode(made).permute(0, 2, 3, 1).squeeze(-1).numpy()]


def enlarged(image: Image.Image) -> Image.Image:
    """A small picture enlarged by the whole factor that brings its longer side near to SIDE pixels."""
    factor = max(1, round(SIDE / max(image.size)))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
