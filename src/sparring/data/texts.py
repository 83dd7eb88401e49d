"""Labelled texts: files of one ``label<TAB>text`` a line."""

from __future__ import annotations

import hashlib
import html
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sparring.data.named import VARIABLE, data_folders
from sparring.errors import UsageError

NAMED_TEXTS = {"sms-spam": ("SMSSpamCollection", "https://archive.ics.uci.edu/dataset/228/sms+spam+collection")}
"""Public sets by name: their file, and where it can be had."""
SUFFIXES = (".tsv", ".txt")
TEST_SHARE = 0.3
"""Held out by the hash of their content: more than of images, as there are fewer texts."""
FEWEST = 20
"""Texts below which nothing can be said."""

Labels = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Texts:
    """Some texts and the numbers of their classes (n,)."""

    texts: tuple[str, ...]
    labels: Labels

    def __len__(self) -> int:
        """How many there are."""
        return len(self.texts)

    def take(self, positions: Labels) -> Texts:
        """Those at some positions, in this order."""
        return Texts(tuple(self.texts[i] for i in positions), self.labels[positions])


@dataclass(frozen=True)
class TextDataset:
    """Opened texts: a part to learn from and one that only measures, each text once."""

    name: str
    classes: tuple[str, ...]
    train: Texts
    test: Texts
    notes: tuple[str, ...]


def is_text(data: str) -> bool:
    """Whether data, a name or a path, are texts."""
    names = {file for file, _ in NAMED_TEXTS.values()}
    return data in NAMED_TEXTS or Path(data).suffix.lower() in SUFFIXES or Path(data).name in names


def open_texts(data: str) -> TextDataset:
    """Read a named set or a file; a text that comes again, and all but the first of its labels, are left out.

    Raises:
        UsageError: it is not there, a line has no label, or there are too few texts or classes.
    """
    path = _find(data) if data in NAMED_TEXTS else Path(os.path.expanduser(data))
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is no text in UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8."
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    pairs = [_parse(line, number, path) for number, line in enumerate(lines, 1) if line.strip()]
    unique: dict[str, str] = {}
    for label, text in pairs:
        unique.setdefault(text, label)
    classes = tuple(sorted(set(unique.values())))
    if len(classes) < 2 or len(unique) < FEWEST:
        raise UsageError(
            f"{path} has {len(unique)} different texts of {len(classes)} classes: at least {FEWEST} of 2 are needed."
        )
    held_out = [_position(text) < TEST_SHARE for text in unique]
    train, test = (_part(unique, classes, [h is part for h in held_out]) for part in (False, True))
    for name, part in (("to learn from", train), ("held out", test)):
        if missing := [c for i, c in enumerate(classes) if (part.labels == i).sum() < 2]:
            raise UsageError(f"{path} has too few texts of {missing[0]!r}: under two of them are {name}.")
    notes = (
        f"{len(unique)} different texts of {len(pairs)} ({', '.join(_counts(unique, classes))})",
        f"{len(test)} are held out by content hash, {len(train)} are there to learn from",
    )
    return TextDataset(data if data in NAMED_TEXTS else path.stem, classes, train, test, notes)


def _find(name: str) -> Path:
    file, source = NAMED_TEXTS[name]
    for folder in data_folders():
        if (folder / name / file).exists():
            return folder / name / file
    raise UsageError(
        f"{name} is not on this machine: put its {file} ({source}) into FOLDER/{name}/, and give {VARIABLE}=FOLDER."
    )


def _parse(line: str, number: int, path: Path) -> tuple[str, str]:
    label, tab, escaped = line.partition("\t")
    text = html.unescape(escaped)  # messages from the web say &lt;#&gt; for <#>: lt and gt are no words
    if not tab or not label.strip() or not text.strip():
        raise UsageError(f"{path}, line {number}: a label, a tab and a text are needed, not {line[:40]!r}.")
    return label.strip(), text.strip()


def _position(text: str) -> float:
    """Where a text lies between 0 and 1, by its content."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") / 2.0**64


def _part(unique: dict[str, str], classes: Sequence[str], taken: Sequence[bool]) -> Texts:
    pairs = [pair for pair, take in zip(unique.items(), taken, strict=True) if take]
    labels = np.array([classes.index(label) for _, label in pairs], dtype=np.int64)
    return Texts(tuple(text for text, _ in pairs), labels)


def _counts(unique: dict[str, str], classes: Sequence[str]) -> list[str]:
    labels = list(unique.values())
    return [f"{labels.count(c)} {c}" for c in classes]
