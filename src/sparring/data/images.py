"""Images for a trained network: read in order, each with its name; nothing is held out, nothing is packed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sparring.data.decode import EXTENSIONS, decode, explain, look
from sparring.data.folder import ImageFiles
from sparring.data.layout import Layout
from sparring.data.open import open_path
from sparring.data.options import DataOptions
from sparring.data.origin import Item, nothing_read
from sparring.data.toys import TOYS
from sparring.errors import UsageError
from sparring.types import DataSpec

Fit = Literal["exact", "crop", "pad", "squash"]


class Images(NamedTuple):
    """What was read: a name for each image (its file, or its number), and the images (n, C, H, W) uint8."""

    names: tuple[str, ...]
    x: Tensor
    skipped: tuple[tuple[str, str], ...]
    """(file, why) for everything that could not be read."""


def read_images(path: str, spec: DataSpec, fit: Fit = "exact", options: DataOptions | None = None) -> Images:
    """The images of a file, folder, zip or array in the shape of a specification; labels are not looked at.

    Other sizes are refused if ``fit`` is ``exact``, else they are scaled as the data option of this name says. Of
    ``options`` only the values' ``range`` means anything here.

    Raises:
        UsageError: nothing can be read, images of another size, or another option.
    """
    options = options or DataOptions()
    options.allow("images to be classified", ("range",))
    channels, height, width = spec.shape
    layout = Layout(height, width, channels, "crop" if fit == "exact" else fit)
    sizes, items = look_through(path, layout, options)
    if fit == "exact" and (others := sizes - {(height, width)}):
        found = ", ".join(f"{h}x{w}" for h, w in sorted(others)[:3])
        raise UsageError(
            f"{path} holds images of {found} pixels (height x width), but this classifier was trained on "
            f"{height}x{width}: scale them, or give --fit crop, pad or squash to have it done."
        )
    names, pixels, skipped = [], [], []
    for number, item in enumerate(items):
        if item.pixels is None:
            skipped.append((item.name, item.problem))
        else:
            names.append(item.name or str(number))
            pixels.append(item.pixels.transpose(2, 0, 1))
    if not pixels:
        raise UsageError(nothing_read(path, skipped))
    return Images(tuple(names), torch.from_numpy(np.stack(pixels)), tuple(skipped))


def look_through(path: str, layout: Layout, options: DataOptions) -> tuple[set[tuple[int, int]], Iterable[Item]]:
    """The sizes (height, width) that occur, and the images one by one. Raises ``UsageError`` if none can be read."""
    file = Path(path).expanduser()
    if file.suffix.lower() in EXTENSIONS and file.is_file():
        try:
            with file.open("rb") as opened:
                height, width, _ = look(opened)
        except Exception as error:  # decoders raise anything at all for damaged files
            raise UsageError(f"{path} cannot be read: {explain(error)}") from None
        return {(height, width)}, one_file(file, layout)
    if path in TOYS and not file.exists():
        raise UsageError(f"{path} holds points, no images.")
    origin = open_path(path, options)
    if isinstance(origin, ImageFiles):
        origin = ImageFiles(origin.tree, origin.name, listed=False)
    return set(origin.survey().sizes), origin.items(layout)


def one_file(file: Path, layout: Layout) -> Iterator[Item]:
    """A single image file."""
    with file.open("rb") as opened:
        try:
            yield Item(decode(opened, layout), name=file.name)
        except Exception as error:  # decoders raise anything at all for damaged files
            yield Item(None, name=file.name, problem=explain(error))
