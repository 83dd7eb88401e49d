"""Packing: all images of an origin, once, into one array on disk that is memory-mapped from then on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sparring.cache_folder import cache_folder
from sparring.data import cache
from sparring.data.attributes import describe
from sparring.data.layout import Layout, choose_layout
from sparring.data.options import DataOptions
from sparring.data.origin import Item, Origin, Part, Pixels, Survey, nothing_read
from sparring.data.progress import progress
from sparring.data.source import PackedSource
from sparring.data.split import TEST_SHARE, split
from sparring.errors import SparringError, UsageError
from sparring.types import Dataset, DataSpec

FORMAT = 3
"""Raised whenever packing changes, so that older entries are packed anew."""
BLOCK = 1024
IMAGE_OPTIONS = ("size", "fit", "channels", "range", "holdout")


def open_packed(origin: Origin, options: DataOptions, show_progress: bool = False) -> Dataset:
    """The data set of an origin, packed now unless the cache has it.

    Neither pixels nor attributes are in memory all at once; what is noted of each image is: its label, part and hash,
    about 100 bytes while it is packed.

    Raises:
        UsageError: no image can be read, or an option does not fit.
        SparringError: the disk refuses, or has too little space.
    """
    root = cache_folder()
    folder = root / "packed"
    wanted = [getattr(options, name) for name in IMAGE_OPTIONS]
    source, version = cache.digest([origin.name, origin.place]), cache.digest([FORMAT, origin.identity()])
    entry = folder / f"{source}-{version}-{cache.digest(wanted)}"
    found = load_entry(entry)
    if found is not None:
        return found
    with progress(f"looking at {origin.name}", None, show_progress):
        survey = origin.survey()
    if options.holdout is not None and "test" in survey.parts:
        raise UsageError(f"{origin.name} has a test part of its own: holdout has no meaning there")
    layout = choose_layout(survey, options)
    with cache.cache_errors(root):
        with cache.new_entry(folder) as temporary:
            cache.check_space(folder, _bytes_needed(survey, layout))
            _write_entry(temporary, origin, survey, layout, options, show_progress)
            if load_entry(entry) is None:
                cache.discard(entry)  # half-written or damaged
            cache.publish(temporary, entry)
        for old in folder.glob(f"{source}-*"):
            if not old.name.startswith(f"{source}-{version}-"):
                cache.discard(old)
        found = load_entry(entry)
    if found is None:
        raise SparringError(f"the packed set {entry} vanished while it was being opened; run the command again")
    return found


def load_entry(entry: Path) -> Dataset | None:
    """The data set that an entry of the cache holds, or None if it is missing, half-written or damaged."""
    try:
        meta = json.loads((entry / "pack.json").read_text("utf-8"))
        if any((entry / name).stat().st_size != size for name, size in meta["files"].items()):
            return None
        images = np.load(entry / "images.npy", mmap_mode="r", allow_pickle=False)
        spec = DataSpec.from_json(meta["spec"])
        conditions = None
        if spec.attributes:
            conditions = np.load(entry / "attributes.npy", mmap_mode="r", allow_pickle=False)
        elif spec.classes:
            conditions = np.load(entry / "labels.npy", allow_pickle=False)
        parts = {
            name: PackedSource(spec, images, conditions, np.load(entry / f"{name}.npy", allow_pickle=False))
            for name in meta["parts"]
        }
        return Dataset(
            spec,
            parts["train"],
            parts.get("validation"),
            parts.get("test"),
            meta["fingerprint"],
            tuple(meta["notes"]),
            tuple((file, why) for file, why in meta["skipped"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def train_on_validation(dataset: Dataset) -> Dataset:
    """The same packed data, whose validation part is part of the training part; the specification stays."""
    train, validation = dataset.train, dataset.validation
    if not isinstance(train, PackedSource) or not isinstance(validation, PackedSource):
        return dataset
    return replace(
        dataset,
        train=train.joined(validation),
        validation=None,
        fingerprint=f"{dataset.fingerprint}-whole",
        notes=(*dataset.notes, f"validation: none, its {len(validation)} images train like the others"),
    )


def _bytes_needed(survey: Survey, layout: Layout) -> int:
    image = layout.height * layout.width * layout.channels
    return survey.count * (image + image // 3 * layout.reduce_grey + 4 * len(survey.attributes) + 32) + 65536


class Collected:
    """What packing remembers of each image besides its pixels: some bytes."""

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        self.labels: list[int] = []
        self.given: list[Part] = []
        self.hashes: list[int] = []
        self.generated: list[bool] = []
        self.skipped = list(problems)
        self.grey = True

    def add(self, item: Item) -> bytes | None:
        """Note one image; returns the bytes (C, H, W) to write, or None if it is skipped."""
        pixels = item.pixels
        if pixels is None:
            self.skipped.append((item.name, item.problem))
            return None
        data = pixels.transpose(2, 0, 1).tobytes()
        self.labels.append(item.label)
        self.given.append(item.part)
        self.generated.append(item.generated)
        self.hashes.append(int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big"))
        self.grey = self.grey and _is_grey(pixels)
        return data


def _is_grey(pixels: Pixels) -> bool:
    first = pixels[:, :, :1]
    return pixels.shape[2] == 1 or bool((pixels[:, :, 1:] == first).all())


def _write_entry(
    folder: Path, origin: Origin, survey: Survey, layout: Layout, options: DataOptions, show_progress: bool
) -> None:
    collected = _write_examples(folder, origin, survey, layout, show_progress)
    notes = list(survey.notes + layout.notes)
    channels = layout.channels
    if layout.reduce_grey and collected.grey:
        _keep_one_channel(folder / "images.npy")
        channels = 1
        notes.append("no image has colour: one channel is kept")
    hashes = np.array(collected.hashes, np.uint64)
    labels = np.array(collected.labels, np.int64)
    classes = survey.classes if len(survey.classes) > 1 else ()
    if classes and (labels < 0).any():
        notes.append(f"images without a label: {int((labels < 0).sum())}")
    holdout = TEST_SHARE if options.holdout is None else options.holdout
    parts, part_notes = split(hashes, collected.given, holdout, np.array(collected.generated, bool))
    if not len(parts["train"]):
        raise UsageError(f"{origin.name} has no training images: {origin.place}")
    if collected.skipped:
        notes.append(f"files that could not be read and were skipped: {len(collected.skipped)}")
    _save(folder / "labels.npy", labels)
    for name, positions in parts.items():
        _save(folder / f"{name}.npy", positions)
    shares = _class_shares(labels[parts["train"]], len(classes))
    content = hashlib.blake2b(digest_size=16)
    for value in (hashes, labels, *(parts[name] for name in sorted(parts))):
        content.update(value.tobytes())
    spec = DataSpec("image", (channels, layout.height, layout.width), classes, origin.name, shares)
    if survey.attributes:
        values = np.load(folder / "attributes.npy", mmap_mode="r", allow_pickle=False)
        for start in range(0, len(values), BLOCK):
            content.update(values[start : start + BLOCK].tobytes())
        attributes, rows = describe(survey.attributes, values, parts["train"])
        spec = replace(spec, attributes=attributes, rows=rows)
        notes += [f"{a.name} is {a.low:g} in all training images" for a in attributes if a.low == a.high]
    content.update(json.dumps(spec.to_json()).encode())
    meta = {
        "format": FORMAT,
        "origin": [origin.name, origin.place],
        "spec": spec.to_json(),
        "parts": list(parts),
        "fingerprint": content.hexdigest(),
        "notes": notes + part_notes,
        "skipped": collected.skipped,
        "files": {path.name: path.stat().st_size for path in sorted(folder.iterdir())},
    }
    with (folder / "pack.json").open("w", encoding="utf-8") as file:
        json.dump(meta, file, indent=1)
        _to_disk(file)


def _class_shares(labels: NDArray[np.int64], classes: int) -> tuple[float, ...]:
    """Each class's share of the images that have a label; nothing where there are no classes, or no labels."""
    counts = np.bincount(labels[labels >= 0], minlength=classes)
    return tuple((counts / counts.sum()).tolist()) if classes and counts.any() else ()


class Growing:
    """A .npy file (N, *row) that is written example by example; its N is filled in at the end."""

    def __init__(self, file: IO[bytes], dtype: str, row: tuple[int, ...], most: int) -> None:
        self.file, self.dtype, self.row, self.count = file, dtype, row, 0
        _write_header(file, dtype, (most, *row))

    def add(self, data: bytes) -> None:
        """One more example."""
        self.file.write(data)
        self.count += 1

    def finish(self) -> None:
        """Say how many there are."""
        self.file.seek(0)
        _write_header(self.file, self.dtype, (self.count, *self.row))
        _to_disk(self.file)


def _write_examples(folder: Path, origin: Origin, survey: Survey, layout: Layout, show_progress: bool) -> Collected:
    """All images that can be read, (N, C, H, W) uint8, and beside them their attributes, (N, a) float32."""
    collected = Collected(survey.problems)
    shape = layout.channels, layout.height, layout.width
    with (
        (folder / "images.npy").open("wb") as file,
        (folder / "attributes.npy").open("wb") as beside,
        progress(f"packing {origin.name}", survey.count, show_progress) as advance,
    ):
        images = Growing(file, "|u1", shape, survey.count)
        attributes = Growing(beside, "<f4", (len(survey.attributes),), survey.count)
        for item in origin.items(layout):
            data = collected.add(item)
            if data is not None:
                images.add(data)
                attributes.add(np.array(item.attributes, "<f4").tobytes())
            advance(1)
        images.finish()
        attributes.finish()
    if not collected.labels:
        raise UsageError(nothing_read(origin.place, collected.skipped))
    return collected


def _write_header(file: IO[bytes], dtype: str, shape: tuple[int, ...]) -> None:
    # numpy leaves room for the first axis to grow, so the header's length does not depend on the count
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})


def _keep_one_channel(path: Path) -> None:
    """Rewrite (N, 3, H, W) grey images as (N, 1, H, W), in blocks."""
    images = np.load(path, mmap_mode="r", allow_pickle=False)
    single = path.with_name("single.npy")
    with single.open("wb") as file:
        _write_header(file, "|u1", (len(images), 1, *images.shape[2:]))
        for start in range(0, len(images), BLOCK):
            file.write(np.ascontiguousarray(images[start : start + BLOCK, :1]).tobytes())
        _to_disk(file)
    del images
    os.replace(single, path)


def _save(path: Path, array: NDArray[Any]) -> None:
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)
        _to_disk(file)


def _to_disk(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())
