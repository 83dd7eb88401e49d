"""Directions that change what the user names: regression of a measured property on latent codes."""

from __future__ import annotations

import torch
from torch import Tensor

from sparring.errors import UsageError

LOST = 1e-3
"""A direction with less than this share of its length left, once what is kept is taken out of it, is none."""


def slopes(z: Tensor, values: Tensor) -> Tensor:
    """The least-squares slopes (dim, m) of values (n, m) on latent codes (n, dim), with an intercept.

    As the direction of a linear boundary in InterFaceGAN (Shen et al. 2020, arXiv:1907.10786), but by regression, which
    has a closed form. For normal codes and any generator a slope estimates the mean gradient of the property with
    respect to the code (Stein's lemma), the direction in which small steps change it the most on average.
    """
    z, values = (x.double() - x.double().mean(0) for x in (z, values))
    found: Tensor = torch.linalg.lstsq(z, values, driver="gelsd").solution
    return found


def direction(wanted: Tensor, kept: Tensor) -> Tensor:
    """The unit vector (dim,) along a slope (dim,) that is orthogonal to the slopes (dim, k) of what shall stay.

    Conditional manipulation by projection: Shen et al. 2020, section 3.3.

    Raises:
        UsageError: nothing is left of it.
    """
    before = wanted.norm()
    if kept.shape[1]:
        basis = torch.linalg.qr(kept / kept.norm(dim=0).clamp(min=torch.finfo(kept.dtype).tiny)).Q
        wanted = wanted - basis @ (basis.T @ wanted)
    if not wanted.norm() > LOST * before:
        raise UsageError("no direction changes that without changing what shall be kept: keep less (--keep).")
    unit: Tensor = wanted / wanted.norm()
    return unit
