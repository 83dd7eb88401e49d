"""Perceptual path length: how much an image changes, perceptually, when its latent code moves a little.

Karras et al. 2019 (arXiv:1812.04948), section 4.1, with f the feature network and G the generator::

    l = mean over z₁, z₂ and t in [0, 1] of |f(G(path(z₁, z₂; t))) − f(G(path(z₁, z₂; t + ε)))|² / ε²
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.bootstrap import Interval, bootstrap_mean
from sparring.metrics.checks import as_pair, check_whole, seeded

Path = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Points (n, d) at shares t (n,) of the ways from first (n, d) to second (n, d)."""


def path_length(
    view: Callable[[Tensor], Tensor],
    first: Tensor,
    second: Tensor,
    *,
    path: Path,
    epsilon: float = 1e-4,
    trim: float = 0.01,
    batch: int = 64,
    seed: int = 0,
) -> Interval:
    """Path length between latent codes first (n, d) and second (n, d), with its bootstrap interval.

    ``path`` is the arc (``latents.paths.spherical``) for normal codes, the straight line (``linear``) for latent spaces
    that are no ball, as StyleGAN's W. ``view`` maps latent codes (k, d) to features (k, …) of the pictures: generator
    and feature network in one, ``lambda z: features(generator(z))`` with any of ``metrics.features``. These take the
    generator's float images as they are; rounded to whole grey values they would swallow the step. As in the authors'
    code the longest and the shortest steps, a share ``trim`` each, are left out.

    Raises:
        UsageError: fewer than two codes or values not finite.
    """
    check_whole(1, batch=batch)
    if not 0 < epsilon < 1 or not 0 <= trim < 0.5:
        raise UsageError(f"epsilon must lie in (0, 1) and trim in [0, .5), got {epsilon} and {trim}")
    a, b = as_pair(first, second, ("first latent codes", "second latent codes"), least=2)
    if len(a) != len(b):
        raise UsageError(f"there are {len(a)} first and {len(b)} second latent codes: give as many of each")
    t = torch.rand(len(a), generator=seeded(seed), dtype=torch.float64).to(a.device)
    lengths = []
    with torch.inference_mode():
        for x, y, at in zip(*(torch.split(v, batch) for v in (a, b, t)), strict=True):
            ends = torch.cat([path(x, y, at), path(x, y, at + epsilon)]).to(first.dtype)
            seen = view(ends).flatten(1).double()
            lengths.append((seen[: len(x)] - seen[len(x) :]).square().sum(1) / epsilon**2)
    found = torch.cat(lengths).sort().values
    cut = int(trim * len(found))
    return bootstrap_mean(found[cut : len(found) - cut].clone(), seed=seed)
