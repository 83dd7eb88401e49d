"""Two things that every file format needs: a file's identity, and its bytes or a clear error."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

from sparring.errors import UsageError

PIECE = 64 << 20
"""A damaged header may ask for any number of bytes: no more than this is set aside at once."""


def file_identity(path: Path) -> list[Any]:
    """Name, size and time of change; raises ``UsageError`` if the file cannot be looked at."""
    try:
        status = path.stat()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    return [path.name, status.st_size, status.st_mtime_ns]


def read_exactly(file: IO[bytes], count: int, name: object) -> bytes:
    """The next ``count`` bytes; raises ``UsageError`` if the file ends before."""
    pieces = []
    left = count
    while left:
        pieces.append(file.read(min(left, PIECE)))
        if not pieces[-1]:
            raise UsageError(f"{name} ends too early: it is cut off or damaged; get it again")
        left -= len(pieces[-1])
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
