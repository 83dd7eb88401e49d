"""From a name or a path to an opened data set."""

from __future__ import annotations

import os
from pathlib import Path

from sparring.data import idx, npy
from sparring.data.decode import EXTENSIONS
from sparring.data.folder import ImageFiles
from sparring.data.labels import keep_labels
from sparring.data.named import NAMES, open_named
from sparring.data.options import DataOptions
from sparring.data.origin import Origin
from sparring.data.pack import IMAGE_OPTIONS, open_packed, train_on_validation
from sparring.data.toys import TOYS, open_toy
from sparring.data.tree import FolderTree, ZipTree
from sparring.errors import UsageError
from sparring.settings import nearest
from sparring.types import Dataset

FILES = ("size", "fit", "channels", "holdout")
SHOWN = ("validation", "labels_per_class", "labels_seed")
WANTED = "a folder or .zip of images, .npy, .npz, or IDX files"


def open_data(data: str, options: DataOptions | None = None, *, show_progress: bool = False) -> Dataset:
    """Open a data set; images are packed into the cache the first time.

    Args:
        data: the name of a public set or a toy, or a path (folder, zip, .npy, .npz, IDX). A name wins over a path of
            the same name; write ``./mnist`` for the path.
        options: how the data are read; unless given, the defaults.
        show_progress: show a bar on standard error while images are packed or downloaded.

    Returns:
        The training, validation and test parts, with notes on how they were made and what was skipped.

    Raises:
        UsageError: the data do not exist, cannot be used, or do not fit the options.
        SparringError: the machine failed (no network, no disk space).
    """
    options = options or DataOptions()
    if data in TOYS:
        return open_toy(data, options)
    origin = open_named(data, options, show_progress) if data in NAMES else open_path(data, options)
    allowed = FILES if isinstance(origin, ImageFiles) else IMAGE_OPTIONS
    options.allow(f"the images of {data}", (*allowed, *SHOWN))
    dataset = open_packed(origin, options, show_progress)
    if options.validation == "train":
        dataset = train_on_validation(dataset)
    if options.labels_per_class is None:
        return dataset
    return keep_labels(dataset, options.labels_per_class, options.labels_seed)


def open_path(data: str, options: DataOptions) -> Origin:
    """The origin of the images at a path.

    Raises:
        UsageError: there are none.
    """
    if not data:
        raise UsageError(f"no data is named; give a name ({', '.join((*NAMES, *TOYS))}) or {WANTED}")
    path = Path(os.path.expanduser(data))
    if not _exists(path):
        if path.suffix or len(path.parts) > 1 or data.startswith((".", "~")):
            raise UsageError(f"{data} does not exist; give a name ({', '.join((*NAMES, *TOYS))}) or {WANTED}")
        raise UsageError(f"there is no data set and no path {data!r}.{nearest(data, (*NAMES, *TOYS))}")
    if path.is_dir():
        name = path.resolve().name or "data"
        return idx.classic_folder(path, name, options) or ImageFiles(FolderTree(path), name)
    name = path.name.split(".")[0] or "data"
    suffix = path.suffix.lower()
    if suffix == ".zip":
        return ImageFiles(ZipTree(path), name)
    if suffix in (".npy", ".npz"):
        return npy.open_arrays(path, name, options)
    if idx.looks_like_idx(path):
        return idx.single_file(path, options)
    if suffix in EXTENSIONS:
        raise UsageError(f"{data} is a single image; wanted: {WANTED}")
    if path.name.endswith((".tar", ".tgz", ".tar.gz", ".7z", ".rar")):
        raise UsageError(f"{data} cannot be read in place; unpack it and give the folder, or make it a .zip")
    raise UsageError(f"{data} is of no known type; wanted: {WANTED}")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise UsageError(f"cannot look at {path}: {error.strerror}") from None
