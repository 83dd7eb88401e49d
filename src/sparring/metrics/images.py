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


def check_images(images: Tensor, shape: tuple[int, ...]) -> None:
    """Raise UsageError unless ``images`` are uint8 (n, *shape), n ≥ 1."""
    if images.dtype != torch.uint8 or images.ndim != 4 or tuple(images.shape[1:]) != shape or not len(images):
        raise UsageError(
            f"expected uint8 images (n, {', '.join(map(str, shape))}), got {images.dtype} {tuple(images.shape)}"
        )


def scaled(images: Tensor, device: torch.device) -> Tensor:
    """Uint8 images as float32 in [-1, 1] on the device."""
    return images.to(device).float().div_(127.5).sub_(1.0)


@contextmanager
def repeatable_convolutions(shape: tuple[int, ...], small: int) -> Iterator[None]:
    """Full float32 and the same algorithm every time, where CUDA would else choose by a race.

    Images (C, H, W) of at most ``small`` pixels are computed with one thread.
    """
    flags = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with flags, one_thread_if(shape[1] * shape[2] <= small):
        yield
