"""A folder or zip of images: which files are images, their classes and their parts."""

from __future__ import annotations

import itertools
import json
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import Any, NamedTuple, TypeVar

from sparring.data.attributes import TABLE, Listed, check_names, numbered, read_csv
from sparring.data.decode import EXTENSIONS, decode, explain, look
from sparring.data.layout import Layout
from sparring.data.origin import GENERATED, UNLABELLED, Item, Part, Survey, nothing_read
from sparring.data.tree import Tree
from sparring.errors import UsageError

PARTS: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
LABELS = "dataset.json"
NO_CLASS = ("unlabelled", "unlabeled")
"""What a folder of images without a label may be called, in any case, with lines or dashes around."""
READING = 3
"""Changes when the same files come to mean something else: then they are packed anew."""
AHEAD = 128
"""How many images are decoded ahead: the bound on memory."""

R = TypeVar("R")


class Entry(NamedTuple):
    """One image file; ``label`` is its class by name, or None."""

    path: str
    part: Part = "train"
    label: str | None = None
    attributes: tuple[float, ...] = ()
    generated: bool = False


class Labels(NamedTuple):
    """Classes of files by path, None where there is none, and the names of all classes in order, if they have any."""

    of: dict[str, str | None]
    classes: tuple[str, ...]
    generated: frozenset[str] = frozenset()
    """The files that a generator made."""


class ImageFiles:
    """An origin made of image files.

    The class is the first sub-folder, unless ``dataset.json`` says otherwise; images beside the sub-folders, or in one
    called ``unlabelled``, have none. Attributes, from ``attributes.csv`` or as
    vectors in ``dataset.json``, are the condition in place of any class. A top level of exactly ``train`` and ``test``
    (and/or ``val``) gives the parts. A folder that wraps everything is looked through. Without ``listed`` those two
    files are not looked at.
    """

    def __init__(self, tree: Tree, name: str, notes: tuple[str, ...] = (), *, listed: bool = True) -> None:
        self.tree = tree
        self.listed = listed
        self.name = name
        self.place = tree.place
        self.notes = notes
        self._entries: list[Entry] = []
        self._classes: tuple[str, ...] = ()
        self._attributes: tuple[str, ...] = ()

    def identity(self) -> Any:
        """What the tree says."""
        return [READING, self.listed, self.tree.identity(), self.notes]

    def survey(self) -> Survey:
        """Read every header. Raises ``UsageError`` if no image can be read."""
        notes = list(self.notes)
        problems = self._plan(notes)
        labels = {entry.label for entry in self._entries if entry.label is not None}
        self._classes = self._classes or tuple(sorted(labels, key=_class_order))
        sizes: Counter[tuple[int, int]] = Counter()
        grey = True
        failed = []
        for entry, found in _in_threads(self._look, self._entries):
            if isinstance(found, str):
                failed.append((entry.path, found))
            else:
                sizes[found[:2]] += 1
                grey &= found[2]
        if not sizes:
            raise UsageError(nothing_read(self.place, failed + problems))
        parts = frozenset(entry.part for entry in self._entries)
        count, names = len(self._entries), self._attributes
        return Survey(count, sizes, grey, parts, self._classes, tuple(notes), tuple(problems), names)

    def items(self, layout: Layout) -> Iterator[Item]:
        """Decode every image."""
        index = {label: i for i, label in enumerate(self._classes)}

        def load(entry: Entry) -> Item:
            label = UNLABELLED if entry.label is None else index[entry.label]
            try:
                with self.tree.open(entry.path) as file:
                    pixels = decode(file, layout)
                return Item(
                    pixels, label, entry.part, entry.path, attributes=entry.attributes, generated=entry.generated
                )
            except Exception as error:  # decoders raise anything at all for damaged files
                return Item(None, name=entry.path, problem=explain(error))

        return (item for _, item in _in_threads(load, self._entries))

    def _look(self, entry: Entry) -> tuple[int, int, bool] | str:
        try:
            with self.tree.open(entry.path) as file:
                return look(file)
        except Exception as error:  # decoders raise anything at all for damaged files
            return explain(error)

    def _plan(self, notes: list[str]) -> list[tuple[str, str]]:
        """Find the images, their parts and labels; adds to the notes and returns what is missing."""
        files = self.tree.files()
        images = [path for path in files if PurePosixPath(path).suffix.lower() in EXTENSIONS]
        if not images:
            what = "no files at all" if not files else f"{len(files)} files but no images (.png, .jpg, …)"
            raise UsageError(f"{self.place} holds {what}; wanted: images, one sub-folder a class if there are classes")
        root = _wrapper(images)
        table, listing = (next((p for p in (n, root + n) if p in files), None) for n in (TABLE, LABELS))
        rest = {*files} - {*images} - {table, listing}
        if not self.listed:
            table = listing = None
        others = Counter(PurePosixPath(p).suffix.lower() or "no extension" for p in rest)
        if others:
            notes.append(
                f"left out because they are no images: {others.total()} of the files ({', '.join(sorted(others))})"
            )
        self._entries = _by_folder(images, root)
        if any(entry.part != "train" for entry in self._entries):
            notes.append("the top folders give the parts")
        if table is not None:
            return self._give_attributes(read_csv(self.tree, table), notes)
        if listing is None:
            if len({entry.label for entry in self._entries} - {None}) > 1:
                notes.append("the classes are the sub-folders")
            if folders := {name for entry in self._entries for name in entry.path.split("/")[:-1] if _no_class(name)}:
                notes.append(f"no class, but images without a label: the folder {', '.join(sorted(folders))}")
            return []
        labels = _read_listing(self.tree, listing)
        if isinstance(labels, Listed):
            return self._give_attributes(labels, notes)
        if labels.of and labels.of.keys().isdisjoint(images):
            raise UsageError(
                f"no image of {self.place} is named in its {LABELS}: there is {images[0]}, but {LABELS} begins with "
                f"{next(iter(labels.of))}. Give paths as they are below {self.place}"
            )
        self._entries = [
            entry._replace(label=labels.of.get(entry.path), generated=entry.path in labels.generated)
            for entry in self._entries
        ]
        self._classes = labels.classes
        notes.append(f"the labels are those of {LABELS}")
        return _missing(labels.of, images, LABELS)

    def _give_attributes(self, listed: Listed, notes: list[str]) -> list[tuple[str, str]]:
        """Keep the images that have attributes; adds to the notes and returns what is missing."""
        problems = {entry.path: listed.problem(entry.path) for entry in self._entries}
        kept = [entry for entry in self._entries if not problems[entry.path]]
        if not kept:
            named = next(iter(listed.rows), "none")
            first, why = next(iter(problems.items()))
            raise UsageError(
                f"no image of {self.place} can be used with its {listed.source}, where the first is {named}; "
                f"{first}: {why}"
            )
        if len({entry.label for entry in kept}) > 1:
            notes.append("the sub-folders are no classes here: the attributes are the condition")
        self._entries = [entry._replace(label=None, attributes=listed.rows[entry.path]) for entry in kept]
        self._attributes = listed.names
        notes.append(f"the attributes are those of {listed.source}")
        return [pair for pair in problems.items() if pair[1]] + _missing(listed.rows, problems, listed.source)


def _missing(listed: Iterable[str], there: Iterable[str], source: str) -> list[tuple[str, str]]:
    found = set(there)
    return [(path, f"named in {source} but not there") for path in listed if path not in found]


def _wrapper(images: Sequence[str]) -> str:
    """The folder that holds all images, however deep; it ends with a slash, or is empty."""
    first, last = (path.split("/")[:-1] for path in (min(images), max(images)))
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(f"{folder}/" for folder, _ in same)


def _by_folder(images: Sequence[str], root: str) -> list[Entry]:
    """Parts and labels as the folders below the root name them."""
    below = [path[len(root) :].split("/") for path in images]
    tops = {parts[0].lower() if len(parts) > 1 else "" for parts in below}
    split = "train" in {PARTS.get(top) for top in tops} and len(tops) > 1 and tops <= PARTS.keys()
    entries = []
    for path, parts in zip(images, below, strict=True):
        folders = parts[1:-1] if split else parts[:-1]
        part: Part = PARTS[parts[0].lower()] if split else "train"
        entries.append(Entry(path, part, folders[0] if folders and not _no_class(folders[0]) else None))
    return entries


def _no_class(folder: str) -> bool:
    """Whether a folder is called so that its images have no label."""
    return folder.strip("_- ").lower() in NO_CLASS


def _class_order(name: str) -> tuple[bool, int, str]:
    number = name.isascii() and name.isdigit()
    return not number, int(name) if number else 0, name


def _read_listing(tree: Tree, path: str) -> Labels | Listed:
    """The classes, or the attributes, from StyleGAN's dataset.json."""
    wanted = (
        f'{path} in {tree.place} must be {{"labels": [["image path", whole number or null], …] or null}}, or have '
        "other numbers, or vectors of them, all as long, in place of the whole numbers"
    )
    try:
        with tree.open(path) as file:
            content = json.loads(file.read())
        pairs, names = content["labels"] or [], content.get("class_names")
        whole = all(float(label).is_integer() for _, label in pairs if _is_number(label))
        labels: dict[str, str | None] = {}
        rows: dict[str, tuple[float, ...]] = {}
        for image, label in pairs:
            at = str(PurePosixPath(path).parent / image)
            if at in labels or at in rows:
                raise UsageError(f"{path} in {tree.place} names {image} twice: which label does it have?")
            if label is None or (whole and _is_number(label) and label >= 0):
                labels[at] = None if label is None else _class_name(names, int(label))
            elif _is_vector(label) or (_is_number(label) and not whole):
                rows[at] = tuple(map(float, label if isinstance(label, list) else [label]))
            else:
                raise UsageError(f"{wanted}; the entry {str([image, label])[:80]} is not")
        marked = content.get(GENERATED, [])
        generated = frozenset(str(PurePosixPath(path).parent / str(image)) for image in marked)
        widths = {len(row) for row in rows.values()}
        if len(widths) > 1 or (rows and any(label is not None for label in labels.values())):
            raise UsageError(f"{wanted}; it has several kinds of labels")
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UsageError(f"{wanted}; it is not: {type(error).__name__}: {error}") from None
    if rows:
        return Listed(LABELS, check_names(numbered(*widths), LABELS), rows)
    labelled = any(label is not None for label in labels.values())
    return Labels(labels, tuple(names) if names and labelled else (), generated)


def _class_name(names: object, label: int) -> str:
    """A class's own name, where the listing has ``class_names``."""
    if names is None:
        return str(label)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len({*names}) < len(names):
        raise UsageError(f"class_names in {LABELS} must be a list of different texts, one a class")
    if label >= len(names):
        raise UsageError(f"{LABELS} has the label {label}, but only {len(names)} class_names")
    return str(names[label])


def _is_number(label: object) -> bool:
    return type(label) in (int, float)


def _is_vector(label: object) -> bool:
    return isinstance(label, list) and bool(label) and all(map(_is_number, label))


def _in_threads(work: Callable[[Entry], R], entries: Sequence[Entry]) -> Iterator[tuple[Entry, R]]:
    """Each entry with its result, in order, some of them computed ahead; decoding lets other threads run."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for start in range(0, len(entries), AHEAD):
            some = entries[start : start + AHEAD]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what Pillow thinks of odd files: they are read, or listed
                results = list(pool.map(work, some))
            yield from zip(some, results, strict=True)
