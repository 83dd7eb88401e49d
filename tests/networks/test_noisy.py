"""The classifiers with noise and rows of a fixed length."""

import pytest
import torch
from torch.nn.utils.parametrizations import weight_norm

from sparring.networks import NoisyClassifier, NoisyConvolutions
from sparring.networks.noisy import WeightNormed, WeightNormedConvolution

MAKERS = [lambda: NoisyClassifier((1, 6, 5), 4, (16, 8)), lambda: NoisyConvolutions((3, 9, 6), 4, 8)]


@pytest.mark.parametrize("make", MAKERS)
def test_noise_is_there_in_training_only(make) -> None:
    network = make()
    x = torch.rand(7, 1, 6, 5) if isinstance(network, NoisyClassifier) else torch.rand(7, 3, 9, 6)
    assert not torch.equal(network(x), network(x))
    network.eval()
    logits = network(x)
    assert logits.shape == (7, 4)
    torch.testing.assert_close(network(x[:3]), logits[:3])
    logits.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_dense_layers_are_torchs_weight_norm() -> None:
    ours = WeightNormed(5, 3, 1.7, learned=True).double()
    theirs = weight_norm(torch.nn.Linear(5, 3)).double()
    theirs.bias.data.copy_(ours.bias.data)
    theirs.parametrizations.weight.original0.data.fill_(1.7)
    theirs.parametrizations.weight.original1.data.copy_(ours.weight.data)
    x = torch.randn(4, 5, dtype=torch.float64)
    torch.testing.assert_close(ours(x), theirs(x))
    for layer in (ours, theirs):
        layer(x).square().sum().backward()
    torch.testing.assert_close(ours.weight.grad, theirs.parametrizations.weight.original1.grad)
    torch.testing.assert_close(ours.length.grad, theirs.parametrizations.weight.original0.grad.squeeze(1))


@pytest.mark.parametrize("make", [lambda: WeightNormed(5, 3, 1.7), lambda: WeightNormedConvolution(2, 3, 1.7)])
def test_the_scale_of_a_weight_means_nothing(make) -> None:
    layer = make()
    x = torch.randn(4, 5) if isinstance(layer, WeightNormed) else torch.randn(4, 2, 5, 5)
    before = layer(x)
    with torch.no_grad():
        layer.weight.mul_(3.0)
    torch.testing.assert_close(layer(x), before)
