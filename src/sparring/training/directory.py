"""A run's directory: what lies where, and how it is written."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sparring.errors import SparringError, UsageError
from sparring.files import explain, make_folder, write_atomically
from sparring.identity import Identity
from sparring.settings import Settings

KEPT = 2
"""How many numbered checkpoints are kept, the newest ones; the best is kept besides."""


class Directory:
    """The files of one run: recipe.json, log.txt, metrics.jsonl, samples/ and checkpoints/."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.samples = path / "samples"
        self.checkpoints = path / "checkpoints"
        self.best = self.checkpoints / "best.safetensors"

    def make(self) -> None:
        """Create the directory; its folders come with their first files.

        Raises:
            UsageError: a file has its name.
            SparringError: the disk refuses.
        """
        make_folder(self.path)

    @property
    def foreign(self) -> bool:
        """Whether something other than a run is here: visible files, but no recipe.json."""
        if not self.path.is_dir() or (self.path / "recipe.json").exists():
            return False
        return any(not file.name.startswith(".") for file in self.path.iterdir())

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Within, no other process trains here. The operating system releases the lock if the process dies.

        Raises:
            UsageError: another process trains here.
            SparringError: the disk refuses.
        """
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(
                f"another process is training in {self.path}. Wait for it, or choose another --out."
            ) from None
        except OSError as error:
            raise SparringError(f"cannot write in {self.path}: {explain(error)}") from error
        try:
            yield
        finally:
            lock.release()

    def read_identity(self) -> Identity | None:
        """What recipe.json says, or nothing where there is none.

        Raises:
            UsageError: it is no JSON of ours.
        """
        file = self.path / "recipe.json"
        try:
            identity = Identity.from_json(json.loads(file.read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {explain(error)}") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UsageError(f"{file} is damaged ({error}): this run cannot be used.") from error
        if unknown := ", ".join(sorted(identity.general.keys() - {field.name for field in fields(Settings)})):
            raise UsageError(
                f"{self.path} was trained by another version of Sparring ({identity.version}), whose setting {unknown} "
                "this one does not know: use that version, or train again with --fresh."
            )
        return identity

    def read_training(self) -> Identity | None:
        """What recipe.json says of a training that has made a step; nothing where none has, whatever was asked of it.

        Of a training that was taken back to its first weights it tells too, as these are of its making.

        Raises:
            UsageError: as ``read_identity``.
        """
        identity = self.read_identity()
        if identity is None or identity.remedies or self.numbered():
            return identity
        return identity if len(self.read_metrics()) > 1 else None  # the first line is of the untrained generator

    def write_identity(self, identity: Identity) -> None:
        """Write recipe.json."""
        write_atomically(self.path / "recipe.json", (json.dumps(identity.to_json(), indent=2) + "\n").encode())

    def append(self, name: str, line: str) -> None:
        """Add one line to log.txt or metrics.jsonl.

        Raises:
            SparringError: the disk refuses.
        """
        try:
            with open(self.path / name, "a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise SparringError(f"cannot write {self.path / name}: {explain(error)}") from error

    def read_metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl; one that a killed process left unfinished is left out.

        Raises:
            UsageError: it cannot be read.
        """
        file = self.path / "metrics.jsonl"
        try:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {explain(error)}") from error
        rows = []
        for line in lines:
            try:
                rows.append(json.loads(line))
            except (ValueError, RecursionError):
                continue
        return [row for row in rows if isinstance(row, dict) and isinstance(row.get("step"), int)]

    def cut_metrics(self, step: int | None) -> None:
        """Drop the lines after a step, as going on from there writes them again; None: all of them."""
        rows = [row for row in self.read_metrics() if step is not None and row["step"] <= step]
        write_atomically(self.path / "metrics.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())

    def numbered(self) -> list[Path]:
        """The numbered checkpoints, oldest first."""
        files = [f for f in self.checkpoints.glob("*.safetensors") if f.stem.lstrip("-").isdigit()]
        return sorted(files, key=lambda f: int(f.stem))

    def checkpoint(self, step: int) -> Path:
        """Where the checkpoint of a step lies."""
        return self.checkpoints / f"{step:06d}.safetensors"

    def find_checkpoint(self, which: str) -> Path:
        """The file of a checkpoint: ``best`` (the newest where none was measured yet), ``last`` or a step's number.

        Raises:
            UsageError: there is no such checkpoint.
        """
        numbered = self.numbered()
        if which == "best" and self.best.exists():
            return self.best
        if which in ("best", "last") and numbered:
            return numbered[-1]
        if which.isdecimal() and self.checkpoint(int(which)).exists():
            return self.checkpoint(int(which))
        if which not in ("best", "last"):
            there = ", ".join(["best", "last", *(str(int(file.stem)) for file in numbered)])
            raise UsageError(f"{self.path} has no checkpoint {which!r}; it has: {there}.")
        raise UsageError(f"{self.path} holds no checkpoint yet: train it first.")

    def prune(self) -> None:
        """Remove all but the newest numbered checkpoints, and what killed processes left half-written."""
        stale = self.numbered()[:-KEPT]
        for folder in (self.path, self.samples, self.checkpoints):
            stale += folder.glob(".*.part")
        for file in stale:
            with suppress(OSError):  # some systems keep a file that another process reads; it goes next time
                file.unlink()

    def return_to(self, step: int) -> None:
        """Remove the checkpoints after a step, which must have one or be the best: training then resumes there.

        Step 0 is that of the first weights: no checkpoint is left.
        """
        if step and not self.checkpoint(step).exists():
            write_atomically(self.checkpoint(step), self.best.read_bytes())
        for file in self.numbered():
            if int(file.stem) > step or not step:
                file.unlink()
        if not step:
            self.best.unlink(missing_ok=True)

    def mark_best(self, step: int) -> None:
        """Make ``best`` the checkpoint of a step: a hard link to the same bytes, or a copy where there are no links.

        Raises:
            SparringError: the disk refuses.
        """
        temporary = self.checkpoints / f".best.{os.getpid()}.part"
        try:
            temporary.unlink(missing_ok=True)
            try:
                os.link(self.checkpoint(step), temporary)
            except OSError:
                shutil.copyfile(self.checkpoint(step), temporary)
            os.replace(temporary, self.best)
        except OSError as error:
            raise SparringError(f"cannot write {self.best}: {explain(error)}") from error


def next_free(path: Path) -> Path:
    """``path``, or with -2, -3 … behind its name: the first that does not exist."""
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return candidate
