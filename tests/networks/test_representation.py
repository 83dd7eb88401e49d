"""Hidden layers as features: what they are, and that they are of each example alone."""

from functools import partial

import pytest
import torch
from torch import nn

from sparring.networks import (
    DCGANFeatures,
    Discriminator,
    Encoder,
    Joined,
    MLPDiscriminator,
    MLPGenerator,
    R3GANFeatures,
    R3GANGenerator,
    Representation,
    ResNetFeatures,
    ResNetGenerator,
    UpsampleGenerator,
    WithEncoder,
    gaussian,
    representation_of,
    spectral,
)
from sparring.networks.dcgan import DCGANGenerator

IMAGE = (3, 12, 9)
leaky = partial(nn.LeakyReLU, 0.2, inplace=True)
DISCRIMINATORS = {
    "dcgan": lambda: gaussian(Discriminator(DCGANFeatures(IMAGE, 8))),
    "dcgan with statistics of the minibatch": lambda: Discriminator(DCGANFeatures(IMAGE, 8, minibatch=4)),
    "dcgan that pools and drops": lambda: Discriminator(DCGANFeatures(IMAGE, 8, pool=True, dropout=0.5)),
    "resnet": lambda: spectral(Discriminator(ResNetFeatures(IMAGE, 8))),
    "r3gan": lambda: Discriminator(R3GANFeatures(IMAGE, 8)),
    "mlp": lambda: MLPDiscriminator(IMAGE, (9, 7), activation=leaky, dropout=0.5),
    "encoder": lambda: Encoder(DCGANFeatures(IMAGE, 8), 5),
}
GENERATORS = {
    "dcgan": lambda: DCGANGenerator(5, IMAGE, 8),
    "dcgan-upsample": lambda: UpsampleGenerator(5, IMAGE, 8),
    "resnet": lambda: ResNetGenerator(5, IMAGE, 8),
    "r3gan": lambda: R3GANGenerator(5, IMAGE, 8),
    "mlp": lambda: MLPGenerator(5, (9, 7), IMAGE, activation=leaky, norm=nn.BatchNorm1d),
    "with encoder": lambda: WithEncoder(DCGANGenerator(5, IMAGE, 8), nn.Identity()),
}
CASES = [*((make, IMAGE) for make in DISCRIMINATORS.values()), *((make, (5,)) for make in GENERATORS.values())]
NAMES = [*(f"{name} discriminator" for name in DISCRIMINATORS), *(f"{name} generator" for name in GENERATORS)]


@pytest.mark.parametrize(("make", "inputs"), CASES, ids=NAMES)
def test_features_are_of_each_example_alone(make, inputs) -> None:
    torch.manual_seed(0)
    found = representation_of(make())
    assert found is not None
    found.eval()
    x = torch.randn(8, *inputs)
    features = found(x)
    assert features.dtype == torch.float32
    torch.testing.assert_close(found(x[5:7]), features[5:7])
    assert not torch.allclose(features[5], features[6])
    assert not any(layer._forward_hooks for layer in found.modules())


def test_the_papers_28_672_features() -> None:
    """Radford et al. 2016, section 5.1: of 32 x 32 images, layers of 256, 512 and 1 024 maps, 4 x 4 of each."""
    network = DCGANFeatures((3, 32, 32), 256)
    assert Representation(network, network.hidden_layers())(torch.zeros(2, 3, 32, 32)).shape == (2, 28_672)


def test_maps_are_pooled_to_the_largest_values_of_a_grid() -> None:
    layer = nn.Identity()
    x = torch.randn(3, 2, 8, 12)
    expected = x.view(3, 2, 4, 2, 4, 3).amax((3, 5))
    assert torch.equal(Representation(layer, [layer])(x), expected.flatten(1))
    small = torch.randn(3, 2, 2, 3)
    assert torch.equal(Representation(layer, [layer])(small), small.flatten(1))


def test_perceptrons_have_their_activations() -> None:
    network = MLPDiscriminator((2, 3), (4, 5), activation=nn.Tanh, gain=2.0)
    x = torch.randn(6, 2, 3)
    first = torch.tanh(network.net[1](2 * x.flatten(1)))
    second = torch.tanh(network.net[3](first))
    found = representation_of(network)
    assert found is not None
    torch.testing.assert_close(found(x), torch.cat([first, second], 1))
    torch.testing.assert_close(second, network.features(x))


def test_a_network_told_a_condition_has_none() -> None:
    assert representation_of(Joined(nn.Identity(), lambda width: nn.Embedding(2, width), 3)) is None
