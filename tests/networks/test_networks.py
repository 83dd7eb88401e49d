"""One contract for every network: shape, a gradient to every parameter, save and load."""

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn

from sparring.networks import MLPDiscriminator, MLPGenerator, gaussian, glorot, spectral
from sparring.recipes import RECIPES
from sparring.types import DataSpec

SPECS = {
    "gan-mnist": DataSpec("image", (3, 6, 5)),
    "gan-1d": DataSpec("points", (1,)),
    "gan-1d-mended": DataSpec("points", (1,)),
}
leaky = partial(nn.LeakyReLU, 0.2)
NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], tuple[int, ...]]] = {
    "mlp generator": (lambda: MLPGenerator(7, (9, 8), (2, 3, 4), activation=leaky), (7,), (2, 3, 4)),
    "mlp generator with norm": (
        lambda: MLPGenerator(7, (9,), (4,), activation=leaky, norm=nn.BatchNorm1d, output=nn.Identity),
        (7,),
        (4,),
    ),
    "mlp discriminator": (lambda: MLPDiscriminator((2, 3, 4), (9, 8), activation=nn.Tanh), (2, 3, 4), (1,)),
    "mlp discriminator on points": (lambda: MLPDiscriminator((1,), (9,), activation=leaky), (1,), (1,)),
}
for name, spec in SPECS.items():
    if name in RECIPES:
        recipe = RECIPES[name](spec)
        latent = tuple(recipe.latent(None, 2).shape[1:])
        NETWORKS[f"{name}'s generator"] = (recipe.generator, latent, spec.shape)
        assert recipe.discriminator is not None
        NETWORKS[f"{name}'s discriminator"] = (recipe.discriminator, spec.shape, (1,))
each = pytest.mark.parametrize(("make", "inputs", "outputs"), NETWORKS.values(), ids=NETWORKS.keys())


def made(make: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return make()


@each
@pytest.mark.parametrize("n", [2, 5])
def test_shape(make, inputs, outputs, n: int) -> None:
    assert made(make)(torch.randn(n, *inputs)).shape == (n, *outputs)


@each
def test_a_gradient_reaches_every_parameter(make, inputs, outputs) -> None:
    network = made(make)
    network(torch.randn(16, *inputs)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@each
def test_save_and_load(make, inputs, outputs) -> None:
    one, other = made(make, 0), made(make, 1)
    x = torch.randn(8, *inputs)
    one(x)  # moves the running averages, where there are some
    one, other = one.eval(), other.eval()
    assert not torch.equal(one(x), other(x))
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(x), other(x))


def test_glorot() -> None:
    """Dense weights within ±√(6 / (in + out)) and spread over it with its variance; biases 0; the rest untouched."""
    torch.manual_seed(0)
    network = glorot(nn.Sequential(nn.Linear(300, 200), nn.BatchNorm1d(200), nn.Linear(200, 1)))
    for layer in (network[0], network[2]):
        bound = math.sqrt(6 / (layer.in_features + layer.out_features))
        assert layer.weight.abs().max() <= bound
        assert layer.weight.abs().max() > 0.95 * bound
        assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.1)
        assert not layer.bias.any()
    assert (network[1].weight == 1).all()


def test_the_published_networks() -> None:
    """gan-mnist on MNIST: 100-256-512-1024-784 with batch norm after each activation, and 784-512-256-1 without."""
    recipe = RECIPES["gan-mnist"](DataSpec("image", (1, 28, 28)))
    generator = recipe.generator().net
    discriminator = recipe.discriminator().net
    dense = [layer for layer in generator if isinstance(layer, nn.Linear)]
    assert [layer.in_features for layer in dense] == [100, 256, 512, 1024]
    assert dense[-1].out_features == 784
    norms = [layer for layer in generator if isinstance(layer, nn.BatchNorm1d)]
    assert [(layer.num_features, layer.eps, layer.momentum) for layer in norms] == [
        (256, 1e-3, 0.2),
        (512, 1e-3, 0.2),
        (1024, 1e-3, 0.2),
    ]
    kinds = [type(layer).__name__ for layer in generator]
    assert kinds == ["Linear", "LeakyReLU", "BatchNorm1d"] * 3 + ["Linear", "Tanh"]
    dense = [layer for layer in discriminator if isinstance(layer, nn.Linear)]
    assert [layer.in_features for layer in dense] == [784, 512, 256]
    assert not any(isinstance(layer, nn.BatchNorm1d) for layer in discriminator)
    slopes = {
        layer.negative_slope for net in (generator, discriminator) for layer in net if hasattr(layer, "negative_slope")
    }
    assert slopes == {0.2}
    assert all(layer.weight.abs().max() <= math.sqrt(6 / (layer.in_features + layer.out_features)) for layer in dense)


def test_running_averages_keep_four_fifths() -> None:
    recipe = RECIPES["gan-mnist"](DataSpec("image", (1, 4, 4)))
    torch.manual_seed(0)
    generator = recipe.generator()
    norm = next(layer for layer in generator.net if isinstance(layer, nn.BatchNorm1d))
    seen: list[torch.Tensor] = []
    norm.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].detach()))
    generator(torch.randn(64, 100))
    torch.testing.assert_close(norm.running_mean, 0.2 * seen[0].mean(0))
    torch.testing.assert_close(norm.running_var, 0.8 + 0.2 * seen[0].var(0))


@pytest.mark.parametrize("initialise", [glorot, gaussian])
def test_first_weights_are_not_drawn_too_late(initialise) -> None:
    with pytest.raises(ValueError, match="before spectral"):
        initialise(spectral(nn.Sequential(nn.Linear(2, 2))))
