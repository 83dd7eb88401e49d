"""Writing files so that each is there whole, old or new, whatever kills the process."""

from __future__ import annotations

import errno
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sparring.errors import SparringError, UsageError

if TYPE_CHECKING:
    from PIL.Image import Image


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file by way of a temporary one beside it: flushed to the disk, then renamed.

    Raises:
        SparringError: no space, no permission or another failure of the disk; an older file stays as it was.
    """
    with opened_atomically(path) as file:
        file.write(content)


@contextmanager
def opened_atomically(path: Path) -> Iterator[IO[bytes]]:
    """A file that is open for writing within, and put in place at the end as by ``write_atomically``.

    Raises:
        SparringError: as ``write_atomically``.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SparringError(f"cannot write {path}: {explain(error)}") from error


def make_folder(path: Path) -> None:
    """Create a folder, unless it is there.

    Raises:
        UsageError: a file has its name.
        SparringError: the disk refuses.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise UsageError(f"{path} is in the way: it is no directory. Name another one.") from None
    except OSError as error:
        raise SparringError(f"cannot make {path}: {explain(error)}") from error


def explain(error: OSError) -> str:
    """What a failed file operation means, and what to do about it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space left on the disk. Make room, then give the same command again: it continues."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "no permission to write there. Choose another place with --out."
    return f"{error.strerror or error}."


def save_png(image: Image, path: Path) -> None:
    """Write a picture; it is there whole or not at all.

    Raises:
        SparringError: the disk refuses.
    """
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    write_atomically(path, buffer.getvalue())
