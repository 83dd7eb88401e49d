"""Small data sets in memory: the bundled digits, and the real MNIST where it is at hand."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from sparring.types import Batch, Dataset, DataSpec


class Source:
    """Arrays as a data source."""

    def __init__(self, spec, x, y=None):
        self.spec, self.x, self.y = spec, x, y

    def __len__(self):
        return len(self.x)

    def read(self, indices):
        at = torch.from_numpy(indices)
        return Batch(self.x[at], None if self.y is None else self.y[at])


def split(spec, x, y, validation, test, fingerprint):
    """A data set whose last examples are held out."""
    first, second = len(x) - validation - test, len(x) - test
    cut = [slice(0, first), slice(first, second), slice(second, None)]
    parts = [Source(spec, x[c], None if y is None else y[c]) if len(x[c]) else None for c in cut]
    return Dataset(spec, parts[0], parts[1], parts[2], fingerprint)


@pytest.fixture(scope="session")
def make_dataset():
    """Build a data set: ``make_dataset(x, y, validation=…, test=…)`` from uint8 images (n, C, H, W)."""

    def make(x, y=None, *, classes=None, validation=0, test=0, fingerprint="test"):
        names = tuple(map(str, range(0 if y is None else int(y.max()) + 1))) if classes is None else classes
        return split(DataSpec("image", tuple(x.shape[1:]), names, "test"), x, y, validation, test, fingerprint)

    return make


@pytest.fixture(scope="session")
def digits(make_dataset):
    """The 1 797 bundled digits, 8x8: 1 257 for training, 180 for validation, 360 for the test."""
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.images))
    x = torch.from_numpy((data.images[order] * (255 / 16)).round().astype(np.uint8))[:, None]
    return make_dataset(x, torch.from_numpy(data.target[order].astype(np.int64)), validation=180, test=360)


def read_idx(path):
    raw = gzip.decompress(path.read_bytes())
    shape = [int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(raw[3])]
    return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape).copy())


@pytest.fixture(scope="session")
def mnist(make_dataset):
    """The real MNIST: 54 000 for training, 6 000 for validation, 10 000 for the test."""
    for folder in os.environ.get("SPARRING_DATA", "").split(os.pathsep):
        if folder and (Path(folder) / "mnist").is_dir():
            break
    else:
        pytest.skip("NOT TESTED ON MNIST: no folder of SPARRING_DATA holds mnist/")
    parts = [
        read_idx(Path(folder) / "mnist" / f"{part}-{kind}-ubyte.gz")
        for kind in ("images-idx3", "labels-idx1")
        for part in ("train", "t10k")
    ]
    x, y = torch.cat(parts[:2])[:, None], torch.cat(parts[2:]).long()
    return make_dataset(x, y, validation=6000, test=10_000, fingerprint="mnist")
