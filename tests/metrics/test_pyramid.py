"""The Laplacian pyramid and the distance between its patches."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
import torch

from sparring.errors import UsageError
from sparring.metrics.pyramid import _enlarged, laplacian_pyramid, patch_distance


def noise(n, *shape, seed=0):
    return torch.randint(0, 256, (n, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("size", "expected"), [((64, 64), [64, 32, 16]), ((28, 28), [28]), ((33, 40), [33, 17]), ((8, 8), [8])]
)
def test_levels_go_down_to_sixteen_and_add_up_to_the_image(size, expected):
    x = noise(3, 2, *size).float()
    levels = laplacian_pyramid(x)
    assert [level.shape[2] for level in levels] == expected
    total = levels[-1]
    for level in levels[-2::-1]:
        total = level + _enlarged(total, level.shape[2:])
    assert torch.allclose(total, x, atol=1e-3)


def test_the_smaller_level_is_scipys_smoothing():
    x = noise(1, 1, 32, 32).float()
    row = np.array([1, 4, 6, 4, 1]) / 16
    smooth = scipy.ndimage.convolve(x[0, 0].numpy(), np.outer(row, row), mode="mirror")
    assert np.allclose(laplacian_pyramid(x)[1][0, 0].numpy(), smooth[::2, ::2], atol=1e-3)


def test_a_flat_image_has_nothing_at_the_fine_levels():
    fine, coarse = laplacian_pyramid(torch.full((1, 3, 32, 32), 7.0))
    assert torch.allclose(fine, torch.zeros_like(fine), atol=1e-5)
    assert torch.allclose(coarse, torch.full_like(coarse, 7.0))


def test_the_distance_is_scipys_along_one_direction():
    # Single patches: the whole image of 7 x 7 is the only one.
    x, y = noise(50, 1, 7, 7), noise(50, 1, 7, 7, seed=1) // 2
    got = patch_distance(x, y, patches=1)
    a, b = (((v.double() - v.double().mean()) / v.double().std()).flatten(1) for v in (x, y))
    theta = torch.nn.functional.normalize(
        torch.randn(49, 512, generator=torch.Generator().manual_seed(0), dtype=torch.float64), dim=0
    )
    each = [scipy.stats.wasserstein_distance(a @ t, b @ t) for t in theta.T]
    assert got.mean == pytest.approx(1000 * sum(each) / 512, rel=1e-4)


def test_blur_is_seen_at_the_fine_level_most():
    smooth = scipy.ndimage.gaussian_filter(noise(120, 1, 32, 32).float().numpy(), (0, 0, 3, 3))
    textured = 5 * (smooth - 127.5) + 127.5 + noise(120, 1, 32, 32, seed=1).numpy() / 4 - 32
    x, y = torch.from_numpy(textured.clip(0, 255)).to(torch.uint8).split(60)
    blurred = torch.from_numpy(scipy.ndimage.uniform_filter(y.numpy(), (0, 0, 3, 3)))
    same, got = patch_distance(x, y, patches=32), patch_distance(x, blurred, patches=32)
    assert got.sizes == ((32, 32), (16, 16))
    assert got.levels[0] > 3 * same.levels[0]
    assert got.levels[1] < 2 * same.levels[1]
    assert got.mean == sum(got.levels) / 2
    assert got == patch_distance(x, blurred, patches=32)


@pytest.mark.parametrize(
    ("x", "y", "match"),
    [
        (torch.zeros(5, 1, 8, 8), noise(5, 1, 8, 8), "uint8"),
        (noise(5, 1, 8, 8), noise(5, 3, 8, 8), "compared"),
        (noise(5, 1, 8, 8), noise(5, 1, 8, 9), "compared"),
        (noise(5, 1, 6, 8), noise(5, 1, 6, 8), "smaller than a patch"),
        (noise(5, 1, 8, 8)[:0], noise(5, 1, 8, 8), "uint8"),
        (noise(50, 1, 8, 8), noise(1, 1, 8, 8), "1 images are too few"),
    ],
)
def test_other_images_are_a_usage_error(x, y, match):
    with pytest.raises(UsageError, match=match):
        patch_distance(x, y)
