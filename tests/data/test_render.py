import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.data import contact_sheet, open_data, plot_points, render
from sparring.data.plots import best_discriminator
from sparring.types import DataSpec


def test_small_images_are_enlarged_by_a_whole_factor() -> None:
    spec = DataSpec("image", (1, 8, 8))
    x = torch.full((25, 1, 8, 8), -1.0)
    x[:, :, 0, 0] = 1
    sheet = render(spec, x)
    assert sheet.mode == "L"
    assert 400 <= max(sheet.size) <= 900
    assert set(np.unique(np.asarray(sheet))) == {0, 255}  # nothing is blurred


@pytest.mark.parametrize(
    ("shape", "count", "columns"), [((3, 64, 48), 7, 4), ((3, 300, 300), 9, None), ((1, 1, 1), 1, 9)]
)
def test_any_count_and_shape(shape: tuple[int, ...], count: int, columns: int | None) -> None:
    sheet = render(DataSpec("image", shape), torch.rand(count, *shape) * 2 - 1, columns)
    assert sheet.mode == ("RGB" if shape[0] == 3 else "L")
    assert max(sheet.size) <= 1000


def test_grid_places_images_in_rows() -> None:
    x = torch.linspace(-1, 1, 6).reshape(6, 1, 1, 1).expand(6, 1, 10, 10)
    sheet = np.asarray(render(DataSpec("image", (1, 10, 10)), x, columns=3))
    height, width = sheet.shape[0] // 2, sheet.shape[1] // 3
    centres = [int(sheet[r * height + height // 2, c * width + width // 2]) for r in range(2) for c in range(3)]
    assert centres == [0, 51, 102, 153, 204, 255]


@pytest.mark.parametrize(("classes", "rows"), [(2, 4), (4, 2), (6, 1)])
def test_contact_sheet_has_whole_rows_a_class(tmp_path: Path, classes: int, rows: int) -> None:
    """All images of class c have the grey value 20 + 35 c: the middles of the rows must have them too."""
    labels = np.random.default_rng(0).permutation(np.arange(400) % classes)
    images = np.broadcast_to((20 + 35 * labels).astype(np.uint8)[:, None, None], (400, 8, 8)).copy()
    images[:, 0, 0], images[:, 0, 1] = np.arange(400) % 256, np.arange(400) // 256  # no two are alike
    np.savez(tmp_path / "set.npz", images=images, labels=labels)
    data = open_data(str(tmp_path / "set.npz"))
    sheet = np.asarray(contact_sheet(data))
    count = rows * classes
    height, width = sheet.shape[0] / count, sheet.shape[1] / 12
    middles = sheet[np.ix_(*(((np.arange(n) + 0.5) * side).astype(int) for n, side in ((count, height), (12, width))))]
    assert middles.tolist() == [[20 + 35 * c] * 12 for c in range(classes) for _ in range(rows)]


def test_best_discriminator() -> None:
    p, q = np.array([0.3, 0.1, 0.0, 0.2, 0.0]), np.array([0.1, 0.1, 0.4, 0.0, 0.0])
    np.testing.assert_allclose(best_discriminator(p, q, 0.01), [0.75, 0.5, 0, 1, np.nan])


def test_the_best_discriminator_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal Gaussians at -1 and 1: the best D at x is the logistic function of -2 x."""
    found = {}

    def note(p: Any, q: Any, least: float) -> Any:
        found["best"] = best_discriminator(p, q, least)
        return found["best"]

    monkeypatch.setattr("sparring.data.plots.best_discriminator", note)
    data = open_data("gaussian")
    real = data.test.tensors().x  # type: ignore[union-attr]
    plot_points(real + 2, real, data.density)
    best = found["best"][~np.isnan(found["best"])]
    assert best[0] > 0.98
    assert best[-1] < 0.02
    assert np.interp(0.5, best[::-1], np.arange(len(best))[::-1]) / len(best) == pytest.approx(0.5, abs=0.05)
    assert (np.diff(best) < 0.02).all()


def _judge(x: torch.Tensor) -> torch.Tensor:
    return torch.sigmoid(x[:, 0])


@pytest.mark.parametrize("name", ["gaussian", "ring"])
def test_plots(name: str) -> None:
    data = open_data(name)
    real = data.test.tensors().x  # type: ignore[union-attr]
    fake = 0.5 * real + 0.2
    plot_points(fake)  # the first one imports matplotlib
    start = time.perf_counter()
    full = plot_points(fake, real, data.density, _judge, "step 100")
    assert time.perf_counter() - start < 2  # about 0.1 s on an idle machine
    assert isinstance(full, Image.Image)
    assert full.size[0] > 600
    plain = plot_points(fake, real)
    assert np.asarray(full).shape != np.asarray(plain).shape or (np.asarray(full) != np.asarray(plain)).any()
    assert isinstance(contact_sheet(data), Image.Image)
    assert isinstance(render(data.spec, fake), Image.Image)


@pytest.mark.parametrize("dimension", [1, 2])
def test_plots_of_sick_generators(dimension: int) -> None:
    data = open_data("gaussian" if dimension == 1 else "ring")
    real = data.test.tensors().x  # type: ignore[union-attr]
    for fake in (torch.full((50, dimension), 3.0), torch.full((50, dimension), float("nan")), 1e6 * real):
        assert isinstance(plot_points(fake, real, data.density, _judge), Image.Image)
        assert isinstance(plot_points(fake), Image.Image)


def test_plots_leave_pyplot_alone() -> None:
    plot = "import torch, sys, sparring.data as d; d.plot_points(torch.rand(9, 1))"
    code = f"{plot}; sys.exit('matplotlib.pyplot' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_to_plot() -> None:
    with pytest.raises(ValueError, match="nothing to plot"):
        plot_points(torch.rand(5, 3))
