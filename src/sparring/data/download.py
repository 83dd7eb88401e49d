"""Files that a named set needs, fetched once from known mirrors, checked, and kept in the cache."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from sparring.cache_folder import VARIABLE, cache_folder
from sparring.data.cache import cache_errors
from sparring.errors import SparringError

SECONDS = 30
"""How long a mirror may stay silent."""


def download_folder(name: str) -> Path:
    """Where the downloads of a named set lie."""
    return cache_folder() / "downloads" / name


def download(name: str, files: dict[str, str], mirrors: Sequence[str], show_progress: bool = False) -> Path:
    """Fetch the files (name: MD5) that are not there yet from the first mirror that gives them; returns their folder.

    Raises ``SparringError`` where no mirror does, with the files to put where by hand.
    """
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)
    folder = download_folder(name)
    with cache_errors(cache_folder()):
        folder.mkdir(parents=True, exist_ok=True)
    for file, md5 in files.items():
        reasons = []
        for mirror in mirrors:
            fetch = pooch.HTTPDownloader(progressbar=_Bar(file) if show_progress else False, timeout=SECONDS)
            try:
                with cache_errors(cache_folder()), _network_errors():
                    pooch.retrieve(mirror + file, f"md5:{md5}", fname=file, path=folder, downloader=fetch)
                break
            except _Unreachable as error:
                reasons.append(f"{mirror}: {error}")
        else:
            raise SparringError(
                f"{name} is not on this machine and could not be downloaded ({'; '.join(reasons)}); put "
                f"{', '.join(files)} into {folder}, or into FOLDER/{name} with SPARRING_DATA=FOLDER "
                f"(downloads are kept under {VARIABLE})"
            )
    return folder


class _Unreachable(Exception):
    """A mirror does not give the file."""


@contextmanager
def _network_errors() -> Iterator[None]:
    """Tell a mirror's failure from the disk's: both are ``OSError``, but only the system's own have a number."""
    try:
        yield
    except ValueError:
        raise _Unreachable("the file there has another checksum") from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise _Unreachable(type(error).__name__) from None


class _Bar:
    """The progress bar that pooch drives: ``total``, ``update``, ``reset`` and ``close`` are its names."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.total = 0
        self.bar: Any = None

    def update(self, count: int) -> None:
        """Some bytes have come."""
        if self.bar is None:
            columns = TextColumn("{task.description}", markup=False), DownloadColumn(), TransferSpeedColumn()
            self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self.bar.start()
            self.task = self.bar.add_task(f"downloading {self.file}", total=self.total or None)
        self.bar.advance(self.task, count)

    def reset(self) -> None:
        """Called before the last update."""
        if self.bar is not None:
            self.bar.reset(self.task)

    def close(self) -> None:
        """The file is complete."""
        if self.bar is not None:
            self.bar.stop()
