import time

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.data import contact_sheet, open_data, plot_points, render
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


def test_contact_sheet_has_a_row_a_class() -> None:
    data = open_data("digits")
    sheet = contact_sheet(data)
    assert sheet.size[0] > sheet.size[1] > 400


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
    import subprocess
    import sys

    plot = "import torch, sys, sparring.data as d; d.plot_points(torch.rand(9, 1))"
    code = f"{plot}; sys.exit('matplotlib.pyplot' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_to_plot() -> None:
    with pytest.raises(ValueError, match="nothing to plot"):
        plot_points(torch.rand(5, 3))
