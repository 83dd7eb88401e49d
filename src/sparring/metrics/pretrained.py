"""Weights of the networks that papers measure with: placed by hand or fetched on request, checked before they are read.

A checksum says that a file is the published one, before any of it is loaded; then only tensors and
TorchScript are.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from sparring.cache_folder import VARIABLE, cache_folder
from sparring.errors import SparringError, UsageError
from sparring.files import explain

SECONDS = 30
"""How long a server may stay silent."""


@dataclass(frozen=True)
class Weights:
    """A published file: its name, where it is published, and its SHA-256."""

    file: str
    url: str
    sha256: str

    @property
    def place(self) -> Path:
        """Where it is looked for, and where a download goes."""
        return cache_folder() / "features" / self.file


def find(weights: Weights, *, download: bool = False) -> Path:
    """The file's path, its checksum verified; fetched if it is not there and ``download`` allows it.

    Raises:
        UsageError: it is missing and not to be fetched, or what lies there is another file.
        SparringError: it cannot be fetched. Either says where the file belongs.
    """
    if not weights.place.exists():
        if not download:
            raise UsageError(
                f"{weights.file} is not on this machine: put the file from {weights.url} into {weights.place.parent} "
                f"({VARIABLE} moves that folder), or allow its download with --download (in Python download=True)"
            )
        _fetch(weights)
    digest = hashlib.sha256()
    with weights.place.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    if digest.hexdigest() != weights.sha256:
        raise UsageError(
            f"{weights.place} is not the published file (its SHA-256 begins with {digest.hexdigest()[:12]}, not with "
            f"{weights.sha256[:12]}): delete it, and put the file from {weights.url} there"
        )
    return weights.place


def _fetch(weights: Weights) -> None:
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)
    try:
        weights.place.parent.mkdir(parents=True, exist_ok=True)
        pooch.retrieve(
            weights.url,
            f"sha256:{weights.sha256}",
            fname=weights.file,
            path=weights.place.parent,
            downloader=pooch.HTTPDownloader(timeout=SECONDS),
        )
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the system's own: the disk, not the network
            raise SparringError(f"cannot write {weights.place}: {explain(error)}") from error
        why = "the file there has another checksum" if isinstance(error, ValueError) else type(error).__name__
        raise SparringError(
            f"{weights.file} could not be downloaded from {weights.url} ({why}): put it into {weights.place.parent}"
        ) from None
