"""Which images train, which choose the best checkpoint, and which are kept for the final figures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sparring.data.origin import Part

TEST_SHARE = 0.1
VALIDATION_SHARE = 0.1
VALIDATION_COUNT = 5_000
SMALLEST = 10
"""Sets with fewer images than this hold nothing out."""

TINY = 500
"""Fewer training images than this are worth a warning."""

Hashes = NDArray[np.uint64]
Positions = NDArray[np.int64]


def split(
    hashes: Hashes, given: list[Part], holdout: float, generated: NDArray[np.bool_] | None = None
) -> tuple[dict[Part, Positions], list[str]]:
    """Positions of each part, ascending, and notes that say how they were made.

    ``given`` is the part that the source names for each image; what it leaves to us is taken out of the training images
    by the hash of their content, so it stays when files are added or renamed, and exact duplicates stay together.
    Images that are ``generated`` (n,) are left where they are: a figure measured on them would tell nothing.
    """
    named = np.array(given)
    made = np.flatnonzero((named == "train") & (False if generated is None else generated))
    train = np.setdiff1d(np.flatnonzero(named == "train"), made)
    real = "real images" if len(made) else "images"
    enough = len(train) >= SMALLEST
    parts: dict[Part, Positions] = {}
    notes: list[str] = []
    low = 0.0
    for part in ("test", "validation"):
        own = np.flatnonzero(named == part)
        if len(own):
            parts[part] = own
            notes.append(f"{part}: {len(own)} images, a part of the data's own")
            continue
        share = holdout if part == "test" else (1 - low) * min(VALIDATION_SHARE, VALIDATION_COUNT / max(1, len(train)))
        if share == 0:
            notes.append(f"{part}: none (holdout=0)")
            continue
        taken = _take(hashes, train, low, share) if enough else train[:0]
        if part == "test":
            low = share
        if len(taken):
            parts[part] = taken
            notes.append(f"{part}: {len(taken)} of {len(train)} {real}, held out by content hash")
            train = np.setdiff1d(train, taken)
        else:
            why = f"all {real} are alike" if enough else f"under {SMALLEST} {real}"
            notes.append(f"{part}: none, nothing can be held out ({why})")
    train = parts["train"] = np.union1d(train, made)
    notes.append(f"train: {len(train)} images" + (f", of which {len(made)} are generated" if len(made) else ""))
    if len(train) < TINY:
        notes.append(f"under {TINY} training images: figures are rough, and a generator may learn them by heart")
    return parts, notes


def _take(hashes: Hashes, train: Positions, low: float, share: float) -> Positions:
    """The training positions whose hash lies in [low, low + share) of the hash range; the smallest if there is none."""
    own = hashes[train]
    position = own.astype(np.float64) / 2.0**64
    chosen = (position >= low) & (position < low + share)
    if not chosen.any() or chosen.all():
        chosen = own == own.min()
    return train[:0] if chosen.all() else train[chosen]
