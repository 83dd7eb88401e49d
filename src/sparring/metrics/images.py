"""What every extractor does with images: check them, scale them, and compute in a repeatable way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.threads import one_thread_if

EXTRACT = 256
"""Images at a time; fixed, so that the same images always give the same bits."""


BEYOND = 1.01
"""How far from 0 float images may go: a little beyond [-1, 1]."""


def check_images(images: Tensor, shape: tuple[int, ...] | None = None) -> None:
    """Raise UsageError unless ``images`` are (n, *shape), n ≥ 1: uint8, or float in [-1, 1], not rounded.

    Without ``shape`` they may be of any (C, H, W).
    """
    wanted = "C, H, W" if shape is None else ", ".join(map(str, shape))
    is_float = images.is_floating_point()
    fits = images.ndim == 4 and (shape is None or tuple(images.shape[1:]) == shape) and len(images)
    if not fits or not (is_float or images.dtype == torch.uint8):
        raise UsageError(f"expected images (n, {wanted}), uint8 or float, got {images.dtype} {tuple(images.shape)}")
    if is_float and not bool((images.abs() <= BEYOND).all()):
        raise UsageError("float images must lie in [-1, 1], and some of their values do not")


def scaled(images: Tensor, device: torch.device) -> Tensor:
    """Images as float32 in [-1, 1] on the device; float ones are so already."""
    return images.to(device).float() if images.is_floating_point() else images.to(device).float().div_(127.5).sub_(1.0)


def in_grey_values(images: Tensor) -> Tensor:
    """Images as float32 in 0..255, float ones not rounded."""
    return images.float().add(1.0).mul(127.5) if images.is_floating_point() else images.float()


@contextmanager
def repeatable_convolutions(shape: tuple[int, ...], small: int) -> Iterator[None]:
    """Full float32 and the same algorithm every time, where CUDA would else choose by a race.

    Images (C, H, W) of at most ``small`` pixels are computed with one thread.
    """
    flags = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with flags, one_thread_if(shape[1] * shape[2] <= small):
        yield
