"""Properties of images by their pixels: each a function of images (n, C, H, W) in [-1, 1] to numbers (n,)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import pad

Measure = Callable[[Tensor], Tensor]
"""Images (n, C, H, W) in [-1, 1] to one number each, (n,)."""

FAINT = 1e-6
"""Ink or variance below which there is nothing to measure."""


def brightness(images: Tensor) -> Tensor:
    """The mean of all values, in [-1, 1]."""
    return images.flatten(1).mean(1)


def contrast(images: Tensor) -> Tensor:
    """The standard deviation of the grey values, in [0, 1]."""
    return grey(images).flatten(1).std(1, correction=0)


def saturation(images: Tensor) -> Tensor:
    """The mean over pixels of the largest channel less the smallest, in [0, 2]."""
    return (images.amax(1) - images.amin(1)).flatten(1).mean(1)


def tint(images: Tensor, channel: int) -> Tensor:
    """How far a channel's mean lies above the mean of all, in [-4/3, 4/3]."""
    return images[:, channel].flatten(1).mean(1) - brightness(images)


def symmetry(images: Tensor) -> Tensor:
    """The correlation of an image with its mirror image, left to right, in [-1, 1]; 1 where it is plain."""
    centred = images - images.mean((1, 2, 3), keepdim=True)
    variance = centred.square().flatten(1).mean(1)
    mirrored = (centred * centred.flip(3)).flatten(1).mean(1)
    return torch.where(variance > FAINT, mirrored / variance.clamp(min=FAINT), 1.0)


def thickness(images: Tensor) -> Tensor:
    """The width of long strokes in pixels: twice the ink, divided by the total variation, that of their edges."""
    x = ink(images)
    framed = pad(x, (1, 1, 1, 1))
    edges = framed.diff(dim=1)[:, :, :-1].hypot(framed.diff(dim=2)[:, :-1]).sum((1, 2))
    return 2 * x.sum((1, 2)) / edges.clamp(min=FAINT)


def width(images: Tensor) -> Tensor:
    """How wide the drawing is in pixels: the width of the upright bar whose ink is spread as far."""
    _, variance, _ = moments(images)
    return (12 * variance + 1).sqrt()


def height(images: Tensor) -> Tensor:
    """How high the drawing is in pixels, as ``width``."""
    variance, _, _ = moments(images)
    return (12 * variance + 1).sqrt()


def slant(images: Tensor) -> Tensor:
    """How far the drawing leans: pixels to the right for each pixel upwards."""
    variance, _, covariance = moments(images)
    return -covariance / variance.clamp(min=FAINT)


PROPERTIES: dict[str, Measure] = {
    "brightness": brightness,
    "contrast": contrast,
    "symmetry": symmetry,
    "thickness": thickness,
    "width": width,
    "height": height,
    "slant": slant,
}
COLOUR: dict[str, Measure] = {
    "saturation": saturation,
    "red": partial(tint, channel=0),
    "green": partial(tint, channel=1),
    "blue": partial(tint, channel=2),
}
"""Properties that only images of three channels have."""


def properties_for(shape: tuple[int, ...]) -> dict[str, Measure]:
    """The properties that images of this shape (C, H, W) have."""
    return PROPERTIES | (COLOUR if shape[0] == 3 else {})


def grey(images: Tensor) -> Tensor:
    """The mean of the channels, (n, H, W)."""
    return images.mean(1)


def ink(images: Tensor) -> Tensor:
    """How far each grey value lies from the background's, (n, H, W) ≥ 0; that is the median along the border."""
    x = grey(images)
    border = torch.cat([x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1]], 1)
    return (x - border.median(1).values[:, None, None]).abs()


def moments(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The variances of rows and of columns and their covariance, (n,) each, over the ink of an image."""
    x = ink(images)
    share = x / x.sum((1, 2), keepdim=True).clamp(min=FAINT)
    rows = torch.arange(x.shape[1], dtype=x.dtype).view(1, -1, 1)
    columns = torch.arange(x.shape[2], dtype=x.dtype).view(1, 1, -1)
    down, right = (part - (share * part).sum((1, 2), keepdim=True) for part in (rows, columns))
    return (share * down**2).sum((1, 2)), (share * right**2).sum((1, 2)), (share * down * right).sum((1, 2))
