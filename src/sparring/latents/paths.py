"""Paths between latent codes."""

from __future__ import annotations

import torch
from torch import Tensor


def linear(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """The points (n, …) at shares t (n,) in [0, 1] of the straight way from a to b, each (…)."""
    t = t.to(a.dtype).view(-1, *[1] * a.dim())
    return (1 - t) * a + t * b


def spherical(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """The points (n, …) at shares t (n,) in [0, 1] of the arc from a to b, each (…).

    sin((1 - t) ω) / sin ω · a + sin(t ω) / sin ω · b, ω the angle between them (Shoemake 1985; White 2016,
    arXiv:1609.04468, section 2.1). Normal codes of many dimensions lie near a sphere, which the straight way leaves.
    Where a and b lie on one line through the centre there is no one arc, and the way is straight.
    """
    one, other = a.double(), b.double()
    angle = ((one * other).sum() / (one.norm() * other.norm())).clamp(-1, 1).arccos()
    if not angle.sin() > 1e-4:  # also where a code is zero and there is no angle
        return linear(a, b, t)
    t = t.double().view(-1, *[1] * a.dim())
    # Weights first, so that the ends are a and b to the last bit.
    from_a, to_b = (((1 - t) * angle).sin() / angle.sin(), (t * angle).sin() / angle.sin())
    arc: Tensor = (from_a * one + to_b * other).to(a.dtype)
    return arc


def along(keys: Tensor, frames: int, *, on_sphere: bool) -> Tensor:
    """Frames (n, …) at even steps of a path through keys (k, …), k at least 2, both ends included.

    Where the last key is the first again the path is a loop, and its last frame is left out: the first follows it.
    """
    loop = len(keys) > 2 and torch.equal(keys[0], keys[-1])
    legs = len(keys) - 1
    position = torch.linspace(0, legs, frames + loop, dtype=torch.float64)[:frames]
    leg = position.long().clamp(max=legs - 1)
    way = spherical if on_sphere else linear
    share = position - leg
    return torch.cat([way(keys[i], keys[i + 1], share[leg == i]) for i in range(legs)])
