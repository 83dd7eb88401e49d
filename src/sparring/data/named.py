"""The named sets: looked for in the folders of SPARRING_DATA, then in the cache, and only then downloaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sparring.data import cifar, idx, stacked
from sparring.data.arrays import Array, ArrayImages
from sparring.data.download import download, download_folder
from sparring.data.options import DataOptions
from sparring.data.origin import Origin, Part

VARIABLE = "SPARRING_DATA"

DIGITS = tuple("0123456789")
CLOTHES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")

Find = Callable[[Path, str, DataOptions, tuple[str, ...]], Origin | None]


@dataclass(frozen=True)
class NamedSet:
    """A public set: how it is recognised in a folder, and where it comes from."""

    classes: tuple[str, ...]
    find: Find
    """(a folder that may hold the set, name, options, classes) -> the set, or None if it is not there."""
    files: dict[str, str]
    """The files to download, with their MD5 sums."""
    mirrors: tuple[str, ...]
    made_from: str = ""
    """The set that the files are, where this one is made from another."""


class DigitsTable:
    """The 1 797 digits of 8 x 8 pixels that scikit-learn brings along; its values 0..16 become 0..255."""

    name = "digits"
    part: Part = "train"

    def identity(self) -> Any:
        """They never change."""
        return "scikit-learn"

    def open(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Known beforehand."""
        return (1797, 8, 8), np.dtype(np.uint8)

    def blocks(self) -> Iterator[Array]:
        """All of them."""
        from sklearn.datasets import load_digits

        yield np.rint(load_digits().images * (255 / 16)).astype(np.uint8)

    def labels(self) -> Array | None:
        """The digits they show."""
        from sklearn.datasets import load_digits

        return np.asarray(load_digits().target)


def _find_idx(folder: Path, name: str, options: DataOptions, classes: tuple[str, ...]) -> Origin | None:
    """MNIST and its kin lie in a folder of their own: their file names are all the same."""
    return idx.classic_folder(folder / name, name, options, classes)


MNIST_FILES = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
FASHION_FILES = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}

MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

NAMED: dict[str, NamedSet] = {
    "mnist": NamedSet(DIGITS, _find_idx, MNIST_FILES, MNIST_MIRRORS),
    "stacked-mnist": NamedSet(stacked.CLASSES, stacked.find, MNIST_FILES, MNIST_MIRRORS, made_from="mnist"),
    "fashion-mnist": NamedSet(
        CLOTHES,
        _find_idx,
        FASHION_FILES,
        (
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
    ),
    "cifar10": NamedSet(
        cifar.CLASSES,
        cifar.find,
        {"cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530"},
        ("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"),
    ),
}

NAMES = ("digits", *NAMED)


def open_named(name: str, options: DataOptions, show_progress: bool = False) -> Origin:
    """The origin of a named set, downloaded if it is nowhere on this machine."""
    if name == "digits":
        return ArrayImages(name, "scikit-learn", [DigitsTable()], options, DIGITS)
    wanted = NAMED[name]
    stored = wanted.made_from or name
    for folder in (*data_folders(), download_folder(stored).parent):
        if found := wanted.find(folder, name, options, wanted.classes):
            return found
    folder = download(stored, wanted.files, wanted.mirrors, show_progress)
    found = wanted.find(folder.parent, name, options, wanted.classes)
    assert found is not None
    return found


def data_folders() -> list[Path]:
    """The folders of ``SPARRING_DATA``, which are separated as in ``PATH``."""
    return [Path(p).expanduser() for p in os.environ.get(VARIABLE, "").split(os.pathsep) if p]
