"""Paths between latent codes."""

from __future__ import annotations

import torch
from torch import Tensor


def linear(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """The points (n, …) at shares t (n,) of the straight ways from a to b, (n, …) or (1, …) each; 0 is a, 1 is b."""
    t = t.to(a.dtype).view(-1, *[1] * (a.dim() - 1))
    return (1 - t) * a + t * b


def spherical(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """The points (n, …) at shares t (n,) of the arcs from a to b, (n, …) or (1, …) each; 0 is a, 1 is b.

    sin((1 - t) ω) / sin ω · a + sin(t ω) / sin ω · b, ω the angle between them (Shoemake 1985; White 2016,
    arXiv:1609.04468, section 2.1). Normal codes of many dimensions lie near a sphere, which the straight way leaves.
    Where a and b lie on one line through the centre there is no one arc, and the way is straight.
    """
    one, other = a.flatten(1).double(), b.flatten(1).double()
    cosine = (one * other).sum(1, keepdim=True) / (one.norm(dim=1, keepdim=True) * other.norm(dim=1, keepdim=True))
    angle = cosine.clamp(-1, 1).arccos()
    share = t.double()[:, None]
    # Weights first, so that the ends are a and b to the last bit.
    from_a, to_b = (((1 - share) * angle).sin() / angle.sin(), (share * angle).sin() / angle.sin())
    arc = (from_a * one + to_b * other).to(a.dtype).view(-1, *a.shape[1:])
    curved = angle.sin() > 1e-4  # not where a code is zero: there is no angle
    return torch.where(curved.view(-1, *[1] * (a.dim() - 1)), arc, linear(a, b, t))


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
    return torch.cat([way(keys[i : i + 1], keys[i + 1 : i + 2], share[leg == i]) for i in range(legs)])
