"""Samples as files: one sheet, one array, or one picture each."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from sparring.data import render
from sparring.errors import UsageError
from sparring.training.files import save_png, write_atomically
from sparring.types import DataSpec


def write_samples(spec: DataSpec, made: Tensor, out: Path) -> None:
    """Write examples (n, *shape) in network values as the name of ``out`` says.

    FILE.png is one sheet; FILE.npy is uint8 (n, C, H, W), or float32 for what is no image; a directory gets a PNG each.

    Raises:
        UsageError: another kind of name, or files of single points.
        SparringError: the disk refuses.
    """
    kind = out.suffix.lower()
    if kind == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, spec.decode(made).numpy())
        write_atomically(out, buffer.getvalue())
    elif kind == ".png":
        save_png(render(spec, made), out)
    elif kind and not out.is_dir():
        raise UsageError(f"--out {out}: give FILE.png, FILE.npy or a directory.")
    elif spec.kind != "image":
        raise UsageError("samples that are no images go into one FILE.npy or FILE.png (--out).")
    else:
        for i, pixels in enumerate(spec.decode(made).permute(0, 2, 3, 1).squeeze(-1).numpy()):
            save_png(Image.fromarray(pixels), out / f"{i:06d}.png")
