"""Files under one roof, read in place: a folder, or a zip archive that is never unpacked."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any, Protocol

from sparring.errors import UsageError

LARGEST_MEMBER = 256 << 20
"""Members over this many bytes are not unpacked into memory."""


class Tree(Protocol):
    """Named files."""

    @property
    def place(self) -> str:
        """Where the tree is."""
        ...

    def identity(self) -> Any:
        """JSON values that change when a file is added, removed, renamed or written."""
        ...

    def files(self) -> list[str]:
        """All paths below the root, with forward slashes, sorted."""
        ...

    def open(self, path: str) -> IO[bytes]:
        """One file; raises ``OSError`` or ``ValueError`` if that does not work."""
        ...


class FolderTree:
    """A folder with all its sub-folders. Hidden files are left out; links to folders are not followed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = str(folder.resolve())
        self._found: dict[str, tuple[int, int]] | None = None

    def identity(self) -> Any:
        """Every file's path, size and time of change."""
        return sorted([path, *status] for path, status in self._scan().items())

    def files(self) -> list[str]:
        """All paths, sorted."""
        return sorted(self._scan())

    def open(self, path: str) -> IO[bytes]:
        """One file, opened."""
        return (self.folder / path).open("rb")

    def _scan(self) -> dict[str, tuple[int, int]]:
        if self._found is None:
            self._found = {}
            todo = [(self.folder, "")]
            while todo:
                folder, prefix = todo.pop()
                try:
                    with os.scandir(folder) as entries:
                        for entry in entries:
                            self._add(entry, prefix, todo)
                except OSError as error:
                    raise UsageError(f"cannot read the folder {folder}: {error.strerror}") from None
        return self._found

    def _add(self, entry: os.DirEntry[str], prefix: str, todo: list[tuple[Path, str]]) -> None:
        assert self._found is not None
        if hidden(entry.name):
            return
        if entry.is_dir(follow_symlinks=False):
            todo.append((Path(entry.path), f"{prefix}{entry.name}/"))
            return
        try:
            status = entry.stat()
        except OSError:  # a link to nothing: kept, so that opening it says why it is skipped
            self._found[prefix + entry.name] = -1, -1
            return
        if stat.S_ISREG(status.st_mode):
            self._found[prefix + entry.name] = status.st_size, status.st_mtime_ns


class ZipTree:
    """A zip archive. A member that points outside of it is refused, whoever made it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = str(path.resolve())
        self._archive: zipfile.ZipFile | None = None

    def identity(self) -> Any:
        """The archive's size and time of change; raises ``UsageError`` if it cannot be read."""
        try:
            status = self.path.stat()
        except OSError as error:
            raise UsageError(f"cannot read {self.path}: {error.strerror}") from None
        return [status.st_size, status.st_mtime_ns]

    def files(self) -> list[str]:
        """All members that are files, sorted; raises ``UsageError`` if the archive is damaged or a member leaves it."""
        names = [info.filename for info in self._open().infolist() if not info.is_dir()]
        for name in names:
            if leaves_root(name):
                raise UsageError(f"{self.path} holds a member that points outside of it, {name!r}; it was not read")
        return sorted({name for name in names if not any(hidden(part) for part in name.split("/"))})

    def open(self, path: str) -> IO[bytes]:
        """One member, unpacked in memory."""
        archive = self._open()
        info = archive.getinfo(path)
        if info.flag_bits & 1:
            raise ValueError("encrypted")
        if info.file_size > LARGEST_MEMBER:
            raise ValueError(f"larger than {LARGEST_MEMBER >> 20} MiB")
        return io.BytesIO(archive.read(info))

    def _open(self) -> zipfile.ZipFile:
        if self._archive is None:
            try:
                self._archive = zipfile.ZipFile(self.path)
            except (OSError, zipfile.BadZipFile) as error:
                raise UsageError(f"{self.path} cannot be read as a zip archive: {error}") from None
        return self._archive


def hidden(name: str) -> bool:
    """Whether a file or folder is the system's own business."""
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini")


def leaves_root(name: str) -> bool:
    """Whether a member's path is absolute or climbs out with ``..``, on any system."""
    windows = PureWindowsPath(name)
    absolute = PurePosixPath(name).is_absolute() or bool(windows.drive or windows.root)
    return absolute or ".." in windows.parts
