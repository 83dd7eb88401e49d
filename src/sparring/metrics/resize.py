"""Antialiased resizing, as the field's protocols want it.

Parmar, Zhang and Zhu 2022 (arXiv:2104.11222): figures depend on the filter that images are resized with, and only a
filter whose width grows with the reduction does it right. Pillow's does; here in float32, one channel at a time,
without rounding to whole grey values.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sparring.errors import UsageError


def as_rgb(images: Tensor) -> Tensor:
    """Uint8 images (n, 3, H, W) of those with one or three channels.

    Raises:
        UsageError: anything else.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or not len(images):
        raise UsageError(f"expected uint8 images (n, C, H, W), got {images.dtype} {tuple(images.shape)}")
    if images.shape[1] not in (1, 3):
        raise UsageError(f"this network sees images of 1 or 3 channels, got {images.shape[1]}")
    return images.expand(-1, 3, -1, -1)


def resized(images: Tensor, size: int) -> Tensor:
    """Uint8 images (n, C, H, W) as float32 (n, C, size, size) in 0..255 (the cubic filter may overshoot), bicubic."""
    if tuple(images.shape[2:]) == (size, size):
        return images.float()
    planes = images.cpu().flatten(0, 1).numpy().astype(np.float32)
    made = np.stack([np.asarray(Image.fromarray(p).resize((size, size), Image.Resampling.BICUBIC)) for p in planes])
    return torch.from_numpy(made).reshape(*images.shape[:2], size, size).to(images.device)
