"""What is measured of pixels, against drawings whose measures are known."""

import pytest
import torch

from sparring.latents.properties import (
    COLOUR,
    PROPERTIES,
    brightness,
    contrast,
    height,
    properties_for,
    saturation,
    slant,
    symmetry,
    thickness,
    tint,
    width,
)


def bar(rows: slice, columns: slice, side: int = 40) -> torch.Tensor:
    """A white bar on black, (1, 1, side, side)."""
    image = torch.full((1, 1, side, side), -1.0)
    image[:, :, rows, columns] = 1
    return image


def leaning(shear: float, side: int = 41) -> torch.Tensor:
    """A line that goes ``shear`` pixels to the right for each pixel upwards."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    away = columns - side // 2 + shear * (rows - side // 2)
    return (2 * (-0.5 * (away / 1.5) ** 2).exp() * ((rows - side // 2).abs() < 12) - 1).view(1, 1, side, side)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 13), (2, 1, 5)])
def test_one_finite_number_for_each_image_whatever_the_others(shape: tuple[int, ...]) -> None:
    images = torch.rand(7, *shape) * 2 - 1
    images[5], images[6] = -1, 1  # plain ones
    for name, measure in properties_for(shape).items():
        values = measure(images)
        assert values.shape == (7,), name
        assert torch.isfinite(values).all(), name
        torch.testing.assert_close(measure(images[3:4]), values[3:4])


def test_only_colour_images_have_colour() -> None:
    assert properties_for((1, 8, 8)) == PROPERTIES
    assert properties_for((3, 8, 8)) == PROPERTIES | COLOUR


def test_light_and_colour() -> None:
    image = torch.tensor([0.6, 0.0, -0.3]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    assert brightness(image).item() == pytest.approx(0.1)
    assert saturation(image).item() == pytest.approx(0.9)
    assert [tint(image, i).item() for i in range(3)] == pytest.approx([0.5, -0.1, -0.4])
    assert contrast(image).item() == pytest.approx(0, abs=1e-6)
    assert contrast(bar(slice(0, 20), slice(0, 40))).item() == pytest.approx(1)


def test_bounding_boxes_of_bars() -> None:
    for high, wide in ((10, 6), (3, 25), (1, 1)):
        image = bar(slice(5, 5 + high), slice(8, 8 + wide))
        assert height(image).item() == pytest.approx(high, rel=1e-4)
        assert width(image).item() == pytest.approx(wide, rel=1e-4)
        torch.testing.assert_close(width(-image), width(image))  # black on white is a drawing too


@pytest.mark.parametrize("wide", [1, 2, 4])
def test_strokes(wide: int) -> None:
    """A bar of length l and width w has thickness w / (1 + w / l), less what its corners hide."""
    image = bar(slice(2, 38), slice(10, 10 + wide))
    assert thickness(image).item() == pytest.approx(wide / (1 + wide / 36), rel=0.02)
    torch.testing.assert_close(thickness(image.transpose(2, 3)), thickness(image))


def test_symmetry() -> None:
    centred, corner = bar(slice(5, 30), slice(18, 22)), bar(slice(0, 20), slice(0, 20))
    assert symmetry(centred).item() == pytest.approx(1)
    assert symmetry(corner).item() == pytest.approx(-1 / 3)  # of a quarter, p = 1/4: -p² / (p (1 - p))
    half = torch.cat([torch.ones(1, 1, 6, 3), -torch.ones(1, 1, 6, 3)], 3)
    assert symmetry(half).item() == pytest.approx(-1)


@pytest.mark.parametrize("shear", [-0.6, 0.0, 0.4])
def test_slant(shear: float) -> None:
    assert slant(leaning(shear)).item() == pytest.approx(shear, abs=0.02)
    torch.testing.assert_close(slant(leaning(shear).flip(3)), -slant(leaning(shear)), atol=1e-4, rtol=0)
