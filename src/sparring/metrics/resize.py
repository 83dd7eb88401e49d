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
from sparring.metrics.images import check_images, in_grey_values


def as_rgb(images: Tensor) -> Tensor:
    """Images (n, 3, H, W), uint8 or float in [-1, 1], of those with one or three channels.

    Raises:
        UsageError: anything else.
    """
    check_images(images)
    if images.shape[1] not in (1, 3):
        raise UsageError(f"this network sees images of 1 or 3 channels, got {images.shape[1]}")
    return images.expand(-1, 3, -1, -1)


def resized(images: Tensor, size: int) -> Tensor:
    """Images (n, C, H, W) as float32 (n, C, size, size) in 0..255 (the cubic filter may overshoot), bicubic."""
    if tuple(images.shape[2:]) == (size, size):
        return in_grey_values(images)
    planes = in_grey_values(images).cpu().flatten(0, 1).numpy()
    made = np.stack([np.asarray(Image.fromarray(p).resize((size, size), Image.Resampling.BICUBIC)) for p in planes])
    return torch.from_numpy(made).reshape(*images.shape[:2], size, size).to(images.device)
