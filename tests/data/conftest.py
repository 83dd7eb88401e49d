"""Every test has a cache of its own and sees no data of the machine's, unless it asks for it."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

REAL_DATA = os.environ.get("SPARRING_DATA")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("SPARRING_CACHE", str(folder))
    monkeypatch.delenv("SPARRING_DATA", raising=False)
    return folder


@pytest.fixture
def real_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    if not REAL_DATA:
        pytest.skip("SPARRING_DATA IS NOT SET: the real data sets are not tested")
    monkeypatch.setenv("SPARRING_DATA", REAL_DATA)
    return Path(REAL_DATA.split(os.pathsep)[0])


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """Makes an image file's bytes: random pixels, distinct by seed."""

    def make(
        seed: int = 0, size: tuple[int, int] = (16, 16), mode: str = "RGB", kind: str = "PNG", **save: Any
    ) -> bytes:
        rng = np.random.default_rng(seed)
        channels = len(Image.new(mode, (1, 1)).getbands())
        pixels = rng.integers(0, 256, (size[1], size[0], channels), dtype=np.uint8)
        if mode in ("RGBA", "LA"):
            pixels[..., -1] = 255
        image = Image.frombytes(mode, size, pixels.tobytes())
        file = io.BytesIO()
        image.save(file, kind, **save)
        return file.getvalue()

    return make


@pytest.fixture
def folder(tmp_path: Path, picture: Callable[..., bytes]) -> Path:
    """Thirty colour images in three classes."""
    root = tmp_path / "pets"
    for i in range(30):
        place = root / ("ant", "bee", "cat")[i % 3]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{i}.png").write_bytes(picture(i))
    return root
