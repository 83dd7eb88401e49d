"""SeFa and GANSpace against numpy, on every kind of generator."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from sparring.errors import UsageError
from sparring.latents.unsupervised import ganspace, sefa
from sparring.networks import (
    ClassEmbedding,
    DCGANGenerator,
    Joined,
    MLPGenerator,
    R3GANGenerator,
    ResNetGenerator,
    UpsampleGenerator,
)

DIM, SHAPE = 5, (1, 8, 8)
leaky = partial(nn.LeakyReLU, 0.2, inplace=True)
labels, attributes = partial(ClassEmbedding, 3), partial(nn.Linear, 2)


def perceptron(dim: int) -> nn.Module:
    return MLPGenerator(dim, (32, 16), SHAPE, activation=leaky, norm=nn.BatchNorm1d)


def codes(n: int) -> torch.Tensor:
    return torch.randn(n, DIM, generator=torch.Generator().manual_seed(0))


# A generator, its conditions for n samples, and the weight (out, DIM) of its first layer.
GENERATORS = {
    "mlp": (lambda: perceptron(DIM), None, lambda g: g.net[0].weight),
    "mlp of labels": (lambda: Joined(perceptron(DIM + 4), labels, 4), torch.arange, lambda g: g.network.net[0].weight),
    "mlp of attributes": (
        lambda: Joined(perceptron(DIM + 4), attributes, 4),
        lambda n: torch.randn(n, 2),
        lambda g: g.network.net[0].weight,
    ),
    "dcgan": (lambda: DCGANGenerator(DIM, SHAPE, 8), None, lambda g: g.project.dense.weight),
    "upsample": (lambda: UpsampleGenerator(DIM, SHAPE, 8), None, lambda g: g.project.dense.weight),
    "resnet of attributes": (
        lambda: ResNetGenerator(DIM, SHAPE, 8, condition=attributes),
        lambda n: torch.randn(n, 2),
        lambda g: g.dense.weight,
    ),
    "convolution": (
        lambda: nn.Sequential(nn.Unflatten(1, (DIM, 1, 1)), nn.ConvTranspose2d(DIM, 4, 3), nn.ReLU()),
        None,
        lambda g: g[1].weight.flatten(1).T,
    ),
}
each = pytest.mark.parametrize("name", GENERATORS)


def made(name: str, n: int) -> tuple[nn.Module, tuple[torch.Tensor, ...], np.ndarray]:
    torch.manual_seed(3)
    make, conditions, weight = GENERATORS[name]
    generator = make().eval()
    given = () if conditions is None else (conditions(n) % 3,)
    return generator, (codes(n), *given), weight(generator)[:, :DIM].detach().double().numpy()


def same_lines(found: torch.Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(np.abs((found.double().numpy() * expected).sum(1)), 1, atol=1e-4)


@each
def test_sefa_has_the_eigenvectors_of_the_first_weight(name: str) -> None:
    generator, inputs, weight = made(name, 7)
    values, vectors = np.linalg.eigh(weight.T @ weight)
    found = sefa(generator, inputs, DIM)
    same_lines(found.vectors, vectors.T[::-1])
    np.testing.assert_allclose(found.shares.numpy(), values[::-1] / values.sum(), atol=1e-4)
    largest = found.vectors.gather(1, found.vectors.abs().argmax(1, keepdim=True))
    assert (largest > 0).all()


def test_sefa_of_a_basis_weighs_its_maps() -> None:
    """R3GAN's first layer that sees the code weighs the maps of a learned basis; the layer itself is dense."""
    torch.manual_seed(0)
    generator = R3GANGenerator(DIM, SHAPE, 8)
    weight = generator.basis.weigh.weight.detach().double().numpy()
    same_lines(sefa(generator, (codes(3),), 2).vectors, np.linalg.eigh(weight.T @ weight)[1].T[::-1][:2])


@pytest.mark.parametrize("n", [600, 25])
def test_ganspace_against_numpy(n: int) -> None:
    """Principal components of the activations by SVD, and the regression of the codes on each coordinate.

    With more codes than activations, and with fewer.
    """
    generator, (z,), _ = made("mlp", n)
    hidden = generator.net[2](nn.functional.leaky_relu(generator.net[0](z), 0.2)).detach().double().numpy()
    left, sizes, _ = np.linalg.svd(hidden - hidden.mean(0), full_matrices=False)
    coordinates = left * sizes
    expected = np.stack([np.linalg.lstsq(s[:, None], z.double().numpy(), rcond=None)[0][0] for s in coordinates.T[:3]])
    found = ganspace(generator, (z,), 3)
    same_lines(found.vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True))
    np.testing.assert_allclose(found.shares.numpy(), (sizes**2 / (sizes**2).sum())[:3], rtol=1e-3)


def test_on_a_linear_network_both_are_one() -> None:
    """With codes of covariance 1, the principal components of a linear layer are the directions of its weight."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(DIM, 40), nn.Linear(40, 3))
    z = torch.linalg.qr(codes(300) - codes(300).mean(0)).Q * 300**0.5
    same_lines(ganspace(generator, (z,), 4).vectors, sefa(generator, (z,), 4).vectors.double().numpy())


def test_one_layer_alone() -> None:
    torch.manual_seed(0)
    assert ganspace(nn.Linear(DIM, 9), (codes(300),), 2).vectors.shape == (2, DIM)


@each
@pytest.mark.parametrize("method", [sefa, ganspace])
def test_many_codes_and_no_trace_left(name: str, method) -> None:
    """Also one more code than runs at once; nothing is left hanging on the network."""
    generator, inputs, _ = made(name, 251)
    before = generator(*inputs)
    found = method(generator, inputs, 2)
    torch.testing.assert_close(found.vectors.norm(dim=1), torch.ones(2))
    assert torch.equal(generator(*inputs), before)
    assert not any(module._forward_hooks for module in generator.modules())


def test_more_directions_than_there_are() -> None:
    generator, inputs, _ = made("mlp", 50)
    for method in (sefa, ganspace):
        for count in (0, DIM + 1):
            with pytest.raises(UsageError, match="ask for 1 to 5"):
                method(generator, inputs, count)


def test_a_network_without_a_layer() -> None:
    with pytest.raises(UsageError, match="no dense or convolution layer"):
        sefa(nn.Tanh(), (codes(3),), 1)
