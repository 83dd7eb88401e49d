"""Images looked up elsewhere: at whole pixels, or, under an affine map, between them."""

from __future__ import annotations

import torch
from torch import Tensor


def at(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Pixels of x (n, C, H, W) at whole positions within it, int64 that broadcast to (n, H', W'): (n, C, H', W')."""
    flat = rows * x.shape[3] + columns
    index = flat.flatten(1).unsqueeze(1).expand(-1, x.shape[1], -1)
    return x.flatten(2).gather(2, index).view(*x.shape[:2], *flat.shape[1:])


def warp(x: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """Images x (n, C, H, W) under an affine map each, mirrored beyond their outermost pixels; linear in x.

    The map is given backwards: a pixel of the result that lies (a, b) to the right of and below the centre shows the
    place ``right`` · (a, b, 1), ``down`` · (a, b, 1) of x, both (n, 3). Between four pixels the weights are bilinear;
    at whole pixels nothing is rounded: the identity, flips, quarter turns and whole shifts are exact.
    """
    height, width = x.shape[2:]
    a = torch.arange(width, device=x.device) - (width - 1) / 2
    b = (torch.arange(height, device=x.device) - (height - 1) / 2).unsqueeze(1)
    (ra, rb, rc), (da, db, dc) = (row[:, :, None, None].unbind(1) for row in (right, down))
    columns = mirrored(ra * a + rb * b + rc + (width - 1) / 2, width)
    rows = mirrored(da * a + db * b + dc + (height - 1) / 2, height)
    left, top = columns.floor(), rows.floor()
    to_right, below = (columns - left).unsqueeze(1), (rows - top).unsqueeze(1)
    c0, r0 = left.long(), top.long()
    c1, r1 = (c0 + 1).clamp_(max=width - 1), (r0 + 1).clamp_(max=height - 1)
    upper = (1 - to_right) * at(x, r0, c0) + to_right * at(x, r0, c1)
    lower = (1 - to_right) * at(x, r1, c0) + to_right * at(x, r1, c1)
    return (1 - below) * upper + below * lower


def mirrored(position: Tensor, side: int) -> Tensor:
    """Positions on an endless row of mirror images as positions 0 to side - 1; the outermost pixels are the mirrors."""
    last = side - 1
    return (last - (last - position.remainder(max(2 * last, 1))).abs()).clamp(0, last)
