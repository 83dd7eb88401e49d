"""The real MNIST, where it is at hand; features that are learned quickly, and a cache of their own."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
import torch


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


@pytest.fixture
def quick(monkeypatch):
    """A few steps of training only."""
    monkeypatch.setattr("sparring.metrics.network.FEWEST_SEEN", 500)
    monkeypatch.setattr("sparring.metrics.network.EPOCHS", 1)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path))
    return tmp_path / "features"
