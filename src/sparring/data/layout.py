"""The one size and channel count that all images of a set are brought to, and how."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from sparring.data.options import DataOptions
from sparring.data.origin import Pixels, Survey

LONGEST = 128
"""The longest side that ``size=auto`` chooses, in pixels."""


@dataclass(frozen=True)
class Layout:
    """Height and width in pixels, channels 1 or 3, and what happens to images of another shape."""

    height: int
    width: int
    channels: int
    fit: Literal["crop", "pad", "squash"] = "crop"
    reduce_grey: bool = False
    """Three channels for now; one in the end if no image has colour."""
    notes: tuple[str, ...] = ()


def choose_layout(survey: Survey, options: DataOptions) -> Layout:
    """The layout for a surveyed set: what the options ask for, else the default policies, with notes that say so."""
    asked = options.height_width()
    (height, width), note = (asked, "") if asked else _auto_size(survey)
    others = sum(n for size, n in survey.sizes.items() if size != (height, width))
    same_shape = all(h * width == w * height for h, w in survey.sizes)
    notes = [note] if note else []
    if others:
        how = {"crop": "scaled and cut at the centre", "pad": "scaled and padded with white", "squash": "stretched"}
        share = "all" if others == survey.sizes.total() else f"{others} of {survey.sizes.total()}"
        notes.append(
            f"{share} images were {'scaled' if same_shape else how[options.fit]} to {height}x{width} (height x width)"
        )
    if options.channels == "auto":
        channels, reduce = (1, False) if survey.grey else (3, True)
    else:
        channels, reduce = int(options.channels), False
        notes.append(f"channels={channels} was asked for")
    return Layout(height, width, channels, options.fit, reduce, tuple(notes))


def _auto_size(survey: Survey) -> tuple[tuple[int, int], str]:
    (height, width), count = survey.sizes.most_common(1)[0]
    if 2 * count >= survey.sizes.total():
        longer = max(height, width)
        if longer <= LONGEST:
            return (height, width), ""
        small = max(1, round(height * LONGEST / longer)), max(1, round(width * LONGEST / longer))
        return small, f"size=auto keeps at most {LONGEST} pixels a side; --set size={height}x{width} keeps the original"
    smaller = statistics.median(min(size) for size in survey.sizes.elements())
    side = min(LONGEST, 1 << (int(smaller).bit_length() - 1))
    return (side, side), f"the images have {len(survey.sizes)} different sizes: size=auto chose {side}x{side}"


def fit_image(image: Image.Image, layout: Layout) -> Pixels:
    """An ``L`` or ``RGB`` image as pixels (height, width, channels) of the layout."""
    image = image.convert("L" if layout.channels == 1 else "RGB")
    target = layout.width, layout.height
    if image.size != target:
        smooth = Image.Resampling.LANCZOS
        if layout.fit == "crop":
            image = ImageOps.fit(image, target, smooth)
        elif layout.fit == "pad":
            image = ImageOps.pad(image, target, smooth, color="white")
        else:
            image = image.resize(target, smooth)
    return np.asarray(image).reshape(layout.height, layout.width, layout.channels)


def fit_pixels(pixels: Pixels, layout: Layout) -> Pixels:
    """Pixels (H, W, 1 or 3) brought to the layout; no copy where nothing is to do."""
    if pixels.shape == (layout.height, layout.width, layout.channels):
        return pixels
    return fit_image(Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels), layout)
