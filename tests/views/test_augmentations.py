"""One contract for every augmentation, alone and all together, on images of every kind."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from sparring.errors import UsageError
from sparring.game import Adversarial, Unrolled
from sparring.objectives import non_saturating, relativistic
from sparring.penalties import R1, R2
from sparring.types import Drawn, Memory, Players, View
from sparring.views import AdaptiveAugmentation, DiffAugment, adaptive, diffaugment

DOUBLE = torch.float64
SHAPES = [(1, 8, 8), (3, 8, 8), (3, 12, 7), (1, 3, 2)]
PARTS: list[View] = [DiffAugment(part) for part in diffaugment.PARTS]
PARTS += [AdaptiveAugmentation(part) for part in adaptive.PARTS]
WHOLE: list[View] = [DiffAugment(), AdaptiveAugmentation()]
each = pytest.mark.parametrize("view", [*PARTS, *WHOLE], ids=str)
on_every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def at_p(view: View, p: float) -> Memory:
    """The view's memory, with the probability at p."""
    memory = view.memory()
    if adaptive.P in memory:
        memory[adaptive.P].fill_(p)
    return memory


def show(view: View, x: Tensor, p: float = 1.0, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    return view((x,), at_p(view, p))[0]


@each
@on_every_shape
def test_shows_images_of_the_same_kind(view: View, shape: tuple[int, ...]) -> None:
    x, labels = torch.rand(6, *shape) * 2 - 1, torch.arange(6)
    before = x.clone()
    shown, after = view((x, labels), at_p(view, 1.0))
    assert shown.shape == x.shape
    assert shown.dtype == x.dtype
    assert shown.isfinite().all()
    assert torch.equal(x, before)
    assert after is labels


@each
def test_the_seed_decides(view: View) -> None:
    x = torch.randn(16, 3, 8, 8)
    assert torch.equal(show(view, x, seed=3), show(view, x, seed=3))
    assert not torch.equal(show(view, x, seed=3), show(view, x, seed=4))


@each
def test_images_are_augmented_one_by_one(view: View) -> None:
    """Equal images are shown in different ways, and no image depends on another."""
    x = torch.randn(1, 3, 8, 8).repeat(40, 1, 1, 1)
    shown = show(view, x)
    assert len(shown.flatten(1).unique(dim=0)) > 1
    x[1:] = torch.randn(39, 3, 8, 8)
    assert torch.equal(show(view, x)[0], shown[0])


@each
@on_every_shape
def test_a_gradient_reaches_every_pixel(view: View, shape: tuple[int, ...]) -> None:
    x = torch.randn(1, *shape).repeat(60, 1, 1, 1).requires_grad_()
    shown = show(view, x)
    (gradient,) = torch.autograd.grad((shown * torch.randn_like(shown)).sum(), x)
    assert (gradient.abs().sum(0) > 0).all()


@each
def test_it_is_affine_in_the_image_with_the_right_gradient(view: View) -> None:
    """For a given draw; its derivative in a direction is the difference of two values."""
    x, towards, weights = torch.randn(3, 5, 3, 6, 6, dtype=DOUBLE)
    x.requires_grad_()
    (gradient,) = torch.autograd.grad((show(view, x) * weights).sum(), x, create_graph=True)
    difference = ((show(view, x + towards) - show(view, x)) * weights).sum()
    torch.testing.assert_close((gradient * towards).sum(), difference)


@pytest.mark.parametrize("policy", ["blit,geometry,colour", *adaptive.PARTS])
@on_every_shape
def test_p_0_shows_the_images_themselves(policy: str, shape: tuple[int, ...]) -> None:
    x = torch.randn(20, *shape)
    assert torch.equal(show(AdaptiveAugmentation(policy), x, p=0.0), x)


@pytest.mark.parametrize(
    ("kind", "policy", "near"),
    [(DiffAugment, "color", "colour"), (DiffAugment, "", "cutout"), (AdaptiveAugmentation, "blit,hues", "hue")],
)
def test_unknown_parts_are_refused(kind: type, policy: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"no augmentation .*{near}"):
        kind(policy)


@pytest.mark.parametrize("numbers", [{"images": 0}, {"moves": 0}, {"largest": 1.5}, {"largest": -0.1}])
def test_numbers_that_mean_nothing_are_refused(numbers: dict) -> None:
    with pytest.raises(UsageError, match="adaptive augmentation needs"):
        AdaptiveAugmentation(**numbers)


class Convolution(nn.Module):
    """A small discriminator that bends."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(64, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def players() -> Players:
    torch.manual_seed(0)
    return Players(nn.Sequential(nn.Linear(4, 108), nn.Tanh(), nn.Unflatten(1, (3, 6, 6))), Convolution()).double()


def drawn(view: View) -> Drawn:
    torch.manual_seed(1)
    real, latent = torch.randn(5, 3, 6, 6, dtype=DOUBLE), torch.randn(5, 4, dtype=DOUBLE)
    return Drawn((real,), (latent,), at_p(view, 0.6))


@pytest.mark.parametrize("view", WHOLE, ids=str)
@pytest.mark.parametrize("joined", [False, True])
def test_gradient_penalties_are_of_what_the_discriminator_sees(view: View, joined: bool) -> None:
    pair, given = players(), drawn(view)
    seen: list[Tensor] = []
    hook = pair.discriminator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    torch.manual_seed(2)
    _, statistics = Adversarial(relativistic, joined, penalties=(R1(2.0), R2(2.0)), view=view).discriminator_loss(
        pair, given
    )
    hook.remove()
    real, fake = seen[0].split(5) if joined else seen
    assert not torch.equal(real, given.real[0])
    expected = sum(R1(2.0)(lambda x: pair.discriminator(x).squeeze(1), (x,), (x,)) for x in (real, fake))
    torch.testing.assert_close(statistics["d_penalty"], expected.detach())


@pytest.mark.parametrize("view", WHOLE, ids=str)
@pytest.mark.parametrize("game", [Adversarial(non_saturating), Unrolled(non_saturating, rate=0.1)])
def test_the_generators_gradient_goes_through(view: View, game: Adversarial) -> None:
    """It is that of finite differences, also where the generator looks ahead, which takes second derivatives."""
    pair, given = players(), drawn(view)
    game = replace(game, view=view)
    bias = pair.generator[0].bias
    towards = torch.randn_like(bias)

    def loss() -> Tensor:
        torch.manual_seed(2)
        return game.generator_loss(pair, given)[0]

    (gradient,) = torch.autograd.grad(loss(), bias)
    losses = []
    for sign in (-1, 1):
        with torch.no_grad():
            bias += sign * 1e-5 * towards
        losses.append(loss().item())
        with torch.no_grad():
            bias -= sign * 1e-5 * towards
    assert (gradient * towards).sum().item() == pytest.approx((losses[1] - losses[0]) / 2e-5, rel=1e-5)
