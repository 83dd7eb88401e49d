"""ADA's transformations against the paper's matrices and distributions, and p against its closed form."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.views import AdaptiveAugmentation
from sparring.views.adaptive import COUNT, GROUPS, PARTS, Chance, P, augment, placed, recoloured
from sparring.views.pixels import warp

N = 4000


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def chance(*played: str, p: float = 1.0) -> Chance:
    return Chance(N, torch.tensor(p), played)


class Chosen(Chance):
    """Draws that were chosen beforehand, for one image: what each part is given, one after the other."""

    def __init__(self, **values: list) -> None:
        super().__init__(1, torch.tensor(1.0), PARTS)
        self.values = {part: list(value) for part, value in values.items()}

    def happens(self, part: str, amount: Tensor, p: Tensor | None = None) -> Tensor:
        if part not in self.values:
            return torch.zeros_like(amount)
        return torch.tensor(np.atleast_2d(self.values[part].pop(0)), dtype=torch.float64)


def shift(right: float, down: float) -> np.ndarray:
    return np.array([[1, 0, right], [0, 1, down], [0, 0, 1]])


def rotation(angle: float) -> np.ndarray:
    return np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])


def test_places_are_those_of_the_papers_matrices() -> None:
    """Flip, quarter turn, translation, scale, rotation, stretch, rotation and shift in this order, undone."""
    drawn = {"flip": [1], "quarters": [1], "translation": [(0.1, -0.05)], "scale": [0.3], "shift": [(0.07, -0.2)]}
    drawn |= {"rotation": [-1.1, 0.4], "stretch": [-0.2]}  # the second rotation is undone first
    height = width = 20
    forward = shift(0.07 * width, -0.2 * height) @ rotation(-1.1) @ np.diag([2**-0.2, 2**0.2, 1]) @ rotation(0.4)
    forward = forward @ np.diag([2**0.3, 2**0.3, 1]) @ shift(2, -1) @ rotation(math.pi / 2) @ np.diag([-1, 1, 1])
    right, down = placed(Chosen(**drawn), height, width)
    np.testing.assert_allclose(np.concatenate([right, down]), np.linalg.inv(forward)[:2], atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_colours_are_those_of_the_papers_matrices(channels: int) -> None:
    """Brightness, contrast, luma flip, hue and saturation in this order, each a matrix on (red, green, blue, 1)."""
    axis = np.array([1, 1, 1, 0]) / math.sqrt(3)
    along = np.outer(axis, axis)
    brightness = np.eye(4)
    brightness[:3, 3] = 0.3
    contrast = np.diag([2**-0.4] * 3 + [1])
    luma = np.eye(4) - 2 * along
    cross = np.zeros((4, 4))
    cross[:3, :3] = np.cross(axis[:3], np.eye(3)).T
    aside = np.diag([1, 1, 1, 0]) - along
    hue = along + math.cos(0.7) * aside + math.sin(0.7) * cross + np.diag([0, 0, 0, 1])
    saturation = along + 2**1.2 * aside + np.diag([0, 0, 0, 1])
    matrix = saturation @ hue @ luma @ contrast @ brightness
    drawn = {"brightness": [0.3], "contrast": [-0.4], "luma": [1], "hue": [0.7], "saturation": [1.2]}
    x = torch.randn(1, channels, 2, 5, dtype=torch.float64)
    colours = np.concatenate([x.expand(1, 3, 2, 5).reshape(3, 10), np.ones((1, 10))])
    expected = (matrix @ colours)[:channels].reshape(1, channels, 2, 5)
    np.testing.assert_allclose(recoloured(x, Chosen(**drawn)), expected, atol=1e-6)


@pytest.mark.parametrize("p", [0.4, 1.0])
def test_half_of_the_flips_that_happen_flip(p: float) -> None:
    x = torch.randn(N, 1, 2, 3)
    shown = augment(x, torch.tensor(p), {"flip"})
    same, flipped = ((shown == other).all((1, 2, 3)) for other in (x, x.flip(3)))
    assert (same | flipped).all()
    assert flipped.float().mean().item() == pytest.approx(p / 2, abs=0.03)


@pytest.mark.parametrize(("shape", "turns"), [((4, 4), (0, 1, 2, 3)), ((4, 6), (0, 2))])
def test_quarter_turns_are_exact_and_as_likely(shape: tuple[int, int], turns: tuple[int, ...]) -> None:
    x = torch.randn(N, 2, *shape)
    shown = augment(x, torch.tensor(1.0), {"quarters"})
    shares = [(shown == x.rot90(k, (2, 3))).all(3).all(2).all(1).float().mean().item() for k in turns]
    assert sum(shares) == 1
    assert shares == pytest.approx([1 / len(turns)] * len(turns), abs=0.03)


@pytest.mark.parametrize("p", [0.3, 1.0])
def test_translations_are_whole_and_bounded(p: float) -> None:
    right, down = placed(chance("translation", p=p), 32, 48)
    for moved, most in ((right, 6), (down, 4)):
        assert torch.equal(moved[:, 2], moved[:, 2].round())
        values, counts = moved[:, 2].unique(return_counts=True)
        assert values.tolist() == list(range(-most, most + 1))
        inner = counts[1:most] / N * 2 * most / p
        assert (inner - 1).abs().max() < 0.35
    moved = (right[:, 2] != 0) | (down[:, 2] != 0)
    assert moved.float().mean().item() == pytest.approx(p * (1 - 1 / 12 / 8), abs=0.03)


@pytest.mark.parametrize("p", [0.3, 1.0])
def test_scales_stretches_and_shifts_have_their_deviations(p: float) -> None:
    for part, expected in (("scale", (0.2, 0.2, 1)), ("stretch", (0.2, 0.2, -1))):
        right, down = placed(chance(part, p=p), 8, 8)
        across, along = right[:, 0].log2(), down[:, 1].log2()
        happened = across != 0
        assert happened.float().mean().item() == pytest.approx(p, abs=0.03)
        assert across[happened].std().item() == pytest.approx(expected[0], rel=0.1)
        torch.testing.assert_close(along, expected[2] * across)
    right, down = placed(chance("shift", p=p), 24, 40)
    for moved, side in ((right, 40), (down, 24)):
        assert moved[:, 2][moved[:, 2] != 0].std().item() == pytest.approx(side / 8, rel=0.1)
    assert torch.equal(right[:, 2] != 0, down[:, 2] != 0)


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_rotations_happen_with_probability_p_by_any_angle(p: float) -> None:
    right, down = placed(chance("rotation", p=p), 8, 8)
    torch.testing.assert_close(right[:, 0], down[:, 1])
    torch.testing.assert_close(right[:, 1], -down[:, 0])
    turned = right[:, 1] != 0
    assert turned.float().mean().item() == pytest.approx(p, abs=0.03)
    if p:
        angles = torch.atan2(right[:, 1], right[:, 0])[turned].sort().values
        assert (angles - torch.linspace(-math.pi, math.pi, len(angles))).abs().max() < 0.4


@pytest.mark.parametrize("p", [0.3, 1.0])
def test_colours_have_their_deviations(p: float) -> None:
    """Of two grey images, black 0 and white 1; and of one without any grey."""
    black, white = torch.zeros(N, 3, 1, 1), torch.ones(N, 3, 1, 1)
    bright = augment(black, torch.tensor(p), {"brightness"})[:, 0, 0, 0]
    contrast = augment(white, torch.tensor(p), {"contrast"})[:, 0, 0, 0].log2()
    luma = augment(white, torch.tensor(p), {"luma"})[:, 0, 0, 0]
    colour = torch.tensor([1.0, -1, 0]).view(1, 3, 1, 1).expand(N, 3, 1, 1)
    saturation = (augment(colour, torch.tensor(p), {"saturation"})[:, 0, 0, 0]).log2()
    for values, deviation in ((bright, 0.2), (contrast, 0.5), (saturation, 1.0)):
        happened = values != 0
        assert happened.float().mean().item() == pytest.approx(p, abs=0.03)
        assert values[happened].std().item() == pytest.approx(deviation, rel=0.1)
    torch.testing.assert_close(luma.abs(), torch.ones(N))
    assert (luma < 0).float().mean().item() == pytest.approx(p / 2, abs=0.03)
    turned = augment(colour, torch.tensor(p), {"hue"})
    torch.testing.assert_close(turned.square().sum(1), torch.full((N, 1, 1), 2.0))
    torch.testing.assert_close(turned.sum(1), torch.zeros(N, 1, 1), atol=1e-5, rtol=0)


def test_a_group_is_its_parts() -> None:
    x = torch.randn(20, 3, 6, 6)
    for group, parts in GROUPS.items():
        shown = []
        for policy in (group, ", ".join(parts)):
            view = AdaptiveAugmentation(policy)
            torch.manual_seed(0)
            shown.append(view((x,), view.memory() | {P: torch.tensor(1.0)})[0])
        assert torch.equal(*shown)


def test_the_warp_is_drawn_once_for_all_channels() -> None:
    x = torch.randn(30, 1, 6, 6)
    right, down = placed(Chance(30, torch.tensor(1.0), PARTS), 6, 6)
    torch.testing.assert_close(warp(x.expand(30, 3, 6, 6), right, down), warp(x, right, down).expand(30, 3, 6, 6))


def follow(
    view: AdaptiveAugmentation, d_real: float, moves: int, *, start: float = 0.0, batch: int = 10
) -> list[float]:
    """P after each of some moves that all measured the same, in batches of ``batch``."""
    memory = view.memory()
    memory[P].fill_(start)
    found = []
    for _ in range(moves):
        view((torch.zeros(batch, 1, 2, 2),), memory)
        statistics = {"d_real": torch.tensor(d_real)}
        view.adapt(memory, statistics)
        assert statistics[P].item() == memory[P].item()
        assert statistics[P] is not memory[P]
        found.append(memory[P].item())
    return found


def test_p_rises_at_the_stated_rate_while_all_real_images_are_known() -> None:
    """The running mean of r = 1 is 1 - .75^n, above the target .6 from the fourth move on; each move then is 10/500."""
    found = follow(AdaptiveAugmentation(images=500), 1.0, 60)
    assert found == pytest.approx([min(0.8, max(0, n - 3) * 10 / 500) for n in range(1, 61)], abs=1e-5)


def test_p_falls_to_nothing_while_none_is_known() -> None:
    found = follow(AdaptiveAugmentation(images=500), 0.5, 40, start=0.5)
    assert found == pytest.approx([max(0.0, 0.5 - n * 10 / 500) for n in range(1, 41)], abs=1e-5)


@pytest.mark.parametrize(("d_real", "direction"), [(0.81, 1), (0.79, -1)])
def test_the_target_is_of_the_sign_and_averaging_takes_moves(d_real: float, direction: int) -> None:
    """A target of .6 for E[sign D] means .8 of the real images on the right side."""
    found = follow(AdaptiveAugmentation(images=5000, moves=1), d_real, 20, start=0.4)
    assert found[-1] == pytest.approx(0.4 + direction * 20 * 10 / 5000, abs=1e-5)


def test_the_batch_that_counts_is_the_one_that_was_shown() -> None:
    memory = AdaptiveAugmentation().memory()
    AdaptiveAugmentation()((torch.zeros(7, 1, 2, 2),), memory)
    assert memory[COUNT].item() == 7
