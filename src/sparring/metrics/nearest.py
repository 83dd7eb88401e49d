"""The nearest rows of a large set, in bounded memory; and which rows of a set are different at all."""

from __future__ import annotations

from hashlib import blake2b

import torch
from torch import Tensor

from sparring.metrics.prdc import CHUNK

SPARE = 8
"""Candidates beyond the nearest ones that are measured exactly, as the first search rounds."""


def nearest_rows(a: Tensor, b: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """Squared distances (n, k) of float64 rows a (n, d) from their k nearest of b (m, d), m ≥ k, and which these are.

    The nearest one comes first. Candidates are found by products in float32, which is twice as fast, and measured in
    float64 by differences: of equal rows the distance is exactly zero. Only where more than SPARE rows lie so close
    together that float32 does not tell them apart, another one than the nearest may be found.
    """
    # Squares of numbers below 1 do not overflow.
    scale = torch.maximum(a.abs().max(), b.abs().max()).clamp_min(torch.finfo(a.dtype).tiny)
    rough = (b / scale).float()
    norms, candidates = rough.square().sum(1), min(k + SPARE, len(b))
    distances, indices = [], []
    for part in torch.split(a, CHUNK):
        compared = torch.addmm(norms, (part / scale).float(), rough.T, alpha=-2.0)
        near = compared.topk(candidates, dim=1, largest=False).indices
        exact, order = (part[:, None] - b[near]).square().sum(2).sort(dim=1)
        distances.append(exact[:, :k])
        indices.append(near.gather(1, order[:, :k]))
    return torch.cat(distances), torch.cat(indices)


def different(rows: Tensor, seen: set[bytes] | None = None) -> Tensor:
    """Positions (k,) of the rows of (n, …) that repeat no earlier one, in order.

    Those in ``seen``, where it is given, count as earlier ones, and the others are added to it.
    """
    seen = set() if seen is None else seen
    found = []
    # Adding zero makes one of its two signs.
    for i, row in enumerate((rows.cpu() + 0).numpy()):
        digest = blake2b(row.tobytes(), digest_size=16).digest()
        if digest not in seen:
            seen.add(digest)
            found.append(i)
    return torch.tensor(found, dtype=torch.int64, device=rows.device)
