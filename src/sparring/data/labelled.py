"""Labelled images as files that are read again as the data they were: one .npz, or pictures with dataset.json."""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from sparring.data.folder import LABELS, PARTS
from sparring.data.npy import CLASS_NAMES
from sparring.data.origin import GENERATED
from sparring.errors import SparringError, UsageError
from sparring.files import explain, write_atomically
from sparring.types import Batch

KEYS = {"train": "train", "validation": "val", "test": "test"}
"""Parts, and what an archive calls them."""
PLAIN = re.compile(r"\w[\w .+-]*")


def check_labelled(out: Path) -> None:
    """Refuse a name that labelled images cannot be written to.

    Raises:
        UsageError: another kind of file, or a directory that is not empty.
    """
    if out.suffix.lower() == ".npz":
        return
    if out.suffix and not out.is_dir():
        raise UsageError(f"--out {out}: give FILE.npz or a directory.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out {out} is there already, and other images in it would be taken for data: name another.")


def write_labelled(out: Path, classes: Sequence[str], parts: Mapping[str, Batch], generated: Tensor) -> None:
    """Write images (n, C, H, W) uint8 with labels (n,) by part; ``generated`` (n,) tells which of ``train`` are.

    FILE.npz has ``images`` (n, H, W, C) and ``labels``, or ``x_train``, ``y_train``, ``x_val`` … where there are
    several parts; ``class_names``, and ``generated``. A directory has a folder a class, within folders of the parts
    where there are several, and ``dataset.json``, which lists the generated ones; names begin with ``real`` or
    ``generated``. Either is there whole or not at all.

    Raises:
        UsageError: another kind of file, or a directory that is not empty.
        SparringError: the disk refuses.
    """
    check_labelled(out)
    if out.suffix.lower() == ".npz":
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays(parts), class_names=np.array(classes), generated=generated.numpy())
        write_atomically(out, buffer.getvalue())
        return
    with whole_folder(out) as folder:
        labels: list[tuple[str, int]] = []
        for part, batch in parts.items():
            prefix = f"{part}/" if len(parts) > 1 else ""
            made = generated.tolist() if part == "train" else [False] * len(batch.x)
            labels += write_pictures(folder, prefix, batch, folders(classes), made)
        marked = [path for path, _ in labels if PurePosixPath(path).name.startswith(GENERATED)]
        content = json.dumps({"labels": labels, CLASS_NAMES: list(classes), GENERATED: marked}, indent=0)
        (folder / LABELS).write_text(content, encoding="utf-8")


def arrays(parts: Mapping[str, Batch]) -> dict[str, Any]:
    """The parts as the arrays of an archive."""
    if len(parts) == 1:
        (only,) = parts.values()
        return {"images": pixels(only), "labels": label_array(only)}
    named = {f"x_{KEYS[part]}": pixels(batch) for part, batch in parts.items()}
    return named | {f"y_{KEYS[part]}": label_array(batch) for part, batch in parts.items()}


def pixels(batch: Batch) -> Any:
    """Images (n, H, W, C): so none is taken for another, however few pixels it has."""
    return batch.x.permute(0, 2, 3, 1).numpy()


def label_array(batch: Batch) -> Any:
    """Labels (n,) int64."""
    assert batch.y is not None
    return batch.y.numpy()


def write_pictures(
    folder: Path, prefix: str, batch: Batch, names: Sequence[str], generated: Sequence[bool]
) -> list[tuple[str, int]]:
    """Write each image as a PNG in the folder of its class; gives their paths and labels."""
    labels: list[tuple[str, int]] = []
    for i, (image, label, made) in enumerate(zip(pixels(batch), label_array(batch).tolist(), generated, strict=True)):
        path = f"{prefix}{names[label]}/{GENERATED if made else 'real'}-{i:06d}.png"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(folder / path)
        labels.append((path, label))
    return labels


def folders(classes: Sequence[str]) -> list[str]:
    """A folder's name for each class: its own where all are plain, as names come from the data; else its number.

    A name that a part has, too, is not plain.
    """
    names = {name.lower() for name in classes}
    plain = all(PLAIN.fullmatch(name) for name in classes) and len(names) == len(classes) and names.isdisjoint(PARTS)
    return list(classes) if plain else [str(i) for i in range(len(classes))]


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """Within, a temporary folder beside ``out``, which takes its place at the end.

    Raises:
        SparringError: the disk refuses; nothing is left.
    """
    temporary = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            temporary.mkdir(parents=True)
            yield temporary
            os.replace(temporary, out)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise SparringError(f"cannot write {out}: {explain(error)}") from error
