"""The cache of packed sets and downloads, in which an entry appears whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sparring.cache_folder import VARIABLE
from sparring.errors import SparringError

STALE_SECONDS = 24 * 3600


def digest(value: Any) -> str:
    """A short hash of JSON values."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


@contextmanager
def cache_errors(root: Path) -> Iterator[None]:
    """Within, an ``OSError`` of the cache becomes a ``SparringError`` of one clear line."""
    try:
        yield
    except OSError as error:
        where = f"the cache {root}"
        change = f"set {VARIABLE} to another folder"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise SparringError(f"no disk space left in {where}; free some, or {change}") from None
        raise SparringError(f"cannot write {where}: {error.strerror or error}; {change}") from None


def check_space(root: Path, needed: int) -> None:
    """Raise ``SparringError`` if the disk under the cache has less than ``needed`` bytes free."""
    free = shutil.disk_usage(root).free
    if free < needed:
        raise SparringError(
            f"not enough disk space in the cache {root}: {needed / 1e6:.0f} MB are needed, {free / 1e6:.0f} MB are "
            f"free; free some, or set {VARIABLE} to another folder"
        )


@contextmanager
def new_entry(folder: Path) -> Iterator[Path]:
    """A temporary folder beside the entries; it is removed at the end unless ``publish`` has moved it."""
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    temporary = folder / f".new-{os.getpid()}-{secrets.token_hex(4)}"
    temporary.mkdir()
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def publish(temporary: Path, entry: Path) -> None:
    """Move a finished folder to its name; where another process was first, its entry stays."""
    with contextlib.suppress(OSError):
        os.rename(temporary, entry)
        return
    if not entry.is_dir():
        os.rename(temporary, entry)  # say why


def discard(entry: Path) -> None:
    """Remove an entry: it vanishes at once, whatever happens while its files are deleted."""
    aside = entry.with_name(f".old-{os.getpid()}-{secrets.token_hex(4)}")
    with contextlib.suppress(OSError):  # another process was first, or has its files open on Windows
        os.rename(entry, aside)
        shutil.rmtree(aside, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what processes that died have left."""
    for left in [*folder.glob(".new-*"), *folder.glob(".old-*")]:
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
