"""DiffAugment's parts against what the paper says of each."""

import pytest
import torch
from torch import Tensor

from sparring.views.diffaugment import cut_out, recolour, translate

N = 4000


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def test_colours_are_moved_as_far_as_the_paper_says() -> None:
    """Of an image of two colours, by the closed form of the three steps: brightness, saturation and contrast."""
    image = torch.tensor([[0.6, 0.0, -0.3], [-0.2, 0.4, -0.5]]).T.view(1, 3, 1, 2)
    shown = recolour(image.expand(N, 3, 1, 2))
    brightness = shown.mean((1, 2, 3)) - image.mean()
    greys = shown.mean(1).squeeze(1)
    contrast = (greys[:, 0] - greys[:, 1]) / 0.2
    saturation = (shown[:, 0, 0, 0] - shown[:, 1, 0, 0]) / 0.6 / contrast
    for found, low, high in ((brightness, -0.5, 0.5), (contrast, 0.5, 1.5), (saturation, 0, 2)):
        assert found.min() > low - 1e-4
        assert found.max() < high + 1e-4
        even = torch.linspace(low, high, N)
        assert (found.sort().values - even).abs().max() < 0.04 * (high - low)


def test_grey_images_have_no_saturation() -> None:
    image = torch.randn(1, 4, 4)
    torch.manual_seed(1)
    grey = recolour(image.expand(5, 1, 4, 4))
    torch.manual_seed(1)
    torch.testing.assert_close(recolour(image.expand(5, 3, 4, 4)), grey.expand(5, 3, 4, 4))


def shifts(height: int, width: int) -> Tensor:
    """How far N images were shifted, down and right, (N, 2)."""
    place = torch.stack(torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")).float() + 1
    centre = torch.tensor([height // 2, width // 2])
    return centre + 1 - translate(place.expand(N, 2, height, width))[:, :, centre[0], centre[1]]


@pytest.mark.parametrize(("height", "width", "most"), [(8, 8, (1, 1)), (28, 28, (4, 4)), (16, 40, (2, 5))])
def test_shifts_of_each_size_are_as_likely(height: int, width: int, most: tuple[int, int]) -> None:
    for found, bound in zip(shifts(height, width).unbind(1), most, strict=True):
        values, counts = found.unique(return_counts=True)
        assert values.tolist() == list(range(-bound, bound + 1))
        assert (counts / N * len(values) - 1).abs().max() < 0.2


def test_what_is_shifted_in_is_middle_grey() -> None:
    x = torch.randn(300, 2, 16, 8)
    shown = translate(x)
    padded = torch.nn.functional.pad(x, (1, 1, 2, 2))
    for image, source in zip(shown, padded, strict=True):
        windows = [source[:, i : i + 16, j : j + 8] for i in range(5) for j in range(3)]
        assert sum(torch.equal(image, window) for window in windows) == 1


@pytest.mark.parametrize(("height", "width"), [(8, 8), (7, 12)])
def test_a_hole_is_half_as_wide_and_has_its_centre_anywhere(height: int, width: int) -> None:
    """Rows and columns that a hole covers: a stretch of half the side, or what of it lies within the image."""
    kept = cut_out(torch.ones(N, 3, height, width))
    assert set(kept.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(kept[:, 0], kept[:, 2])
    hole = kept[:, 0] == 0
    rows, columns = hole.any(2), hole.any(1)
    assert torch.equal(hole, rows.unsqueeze(2) & columns.unsqueeze(1))
    for covered, side in ((rows, height), (columns, width)):
        size = int(side / 2 + 0.5)
        inner = covered[:, 1:-1].sum(1)
        assert (covered.sum(1) == size).float().mean() > 0.3
        assert covered.sum(1).max() == size
        assert inner.min() >= size // 2 - 1
        first, last = covered[:, 0], covered[:, -1]
        assert (covered.int().diff(dim=1).abs().sum(1) == 2 - first.int() - last.int()).all()  # in one piece
        assert (first.float().mean() - last.float().mean()).abs() < 0.05
