"""The classifiers with noise and rows of a fixed length."""

import pytest
import torch
from torch.nn.utils.parametrizations import weight_norm

from sparring.networks import NoisyClassifier, NoisyConvolutions, SoftplusGenerator, representation_of
from sparring.networks.weight_normed import WeightNormed, WeightNormedConvolution, WithScale

MAKERS = [lambda: NoisyClassifier((1, 6, 5), 4, (16, 8)), lambda: NoisyConvolutions((3, 9, 6), 4, 8)]


def images_for(network: torch.nn.Module, n: int) -> torch.Tensor:
    return torch.rand(n, 1, 6, 5) if isinstance(network, NoisyClassifier) else torch.rand(n, 3, 9, 6)


@pytest.mark.parametrize("make", MAKERS)
def test_noise_is_there_in_training_only(make) -> None:
    network = make()
    x = images_for(network, 7)
    assert not torch.equal(network(x), network(x))
    network.eval()
    logits = network(x)
    assert logits.shape == (7, 4)
    torch.testing.assert_close(network(x[:3]), logits[:3])
    logits.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_dense_layers_are_torchs_weight_norm() -> None:
    ours = WeightNormed(5, 3, learned=True).double()
    ours.length.data.fill_(1.7)
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


def test_dense_layers_can_be_differentiated_twice() -> None:
    def weight_and_scale(weight: torch.Tensor, length: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(WithScale.apply(weight, length))

    rows, lengths = (torch.rand(*size, dtype=torch.float64, requires_grad=True) for size in ((3, 5), (3,)))
    assert torch.autograd.gradcheck(weight_and_scale, (rows, lengths))
    assert torch.autograd.gradgradcheck(weight_and_scale, (rows, lengths))


@pytest.mark.parametrize("make", [lambda: WeightNormed(5, 3), lambda: WeightNormedConvolution(2, 3)])
def test_the_scale_of_a_weight_means_nothing(make) -> None:
    layer = make()
    x = torch.randn(4, 5) if isinstance(layer, WeightNormed) else torch.randn(4, 2, 5, 5)
    before = layer(x)
    with torch.no_grad():
        layer.weight.mul_(3.0)
    torch.testing.assert_close(layer(x), before)


@pytest.mark.parametrize("make", MAKERS)
def test_a_first_pass_standardises_every_layer(make) -> None:
    """Mean 0 and the layer's deviation for each unit, on the same inputs with the same noise, however deep it lies."""
    network, outputs = make(), []
    x = 0.1 * images_for(network, 200) + 0.7
    torch.manual_seed(0)
    network.first_pass(x)
    layers = [m for m in network.modules() if isinstance(m, (WeightNormed, WeightNormedConvolution))]
    for layer in layers:
        layer.register_forward_hook(lambda *called: outputs.append(called[2].transpose(0, 1).flatten(1)))
    torch.manual_seed(0)
    network(x)
    for layer, made in zip(layers, outputs, strict=True):
        torch.testing.assert_close(made.mean(1), torch.zeros(len(made)), atol=1e-4, rtol=0)
        torch.testing.assert_close(made.std(1, correction=0), torch.full((len(made),), layer.deviation))


@pytest.mark.parametrize("make", MAKERS)
def test_a_first_pass_of_images_that_are_all_alike_leaves_weights_finite(make) -> None:
    network = make()
    network.first_pass(torch.full_like(images_for(network, 5), -1.0))
    assert all(tensor.isfinite().all() for tensor in network.state_dict().values())


@pytest.mark.parametrize("make", MAKERS)
def test_hidden_layers_are_a_representation(make) -> None:
    network = make().eval()
    x = images_for(network, 3)
    by_layer = representation_of(network).by_layer(x)
    assert len(by_layer) == (2 if isinstance(network, NoisyClassifier) else 9)
    if isinstance(network, NoisyClassifier):
        torch.testing.assert_close(by_layer[-1], network.features(x))


def test_the_softplus_generator_is_the_published_one() -> None:
    """Dense without bias, batch norm without gain, softplus, twice; then rows of a learned length and a sigmoid."""
    network = SoftplusGenerator(3, (8, 6), (1, 2, 5))
    z = torch.rand(16, 3)
    first, norm, _, second, other, _, last = network.net
    assert first.bias is None
    assert second.bias is None
    assert not any(name.endswith("1.weight") for name, _ in network.named_parameters())
    with torch.no_grad():
        norm.bias.normal_()
        last.length.fill_(2.0)
    hidden = z
    for dense, bias in ((first, norm.bias), (second, other.bias)):
        hidden = hidden @ dense.weight.t()
        hidden = ((hidden - hidden.mean(0)) / (hidden.var(0, correction=0) + 1e-6).sqrt() + bias).exp().add(1).log()
    rows = last.weight / last.weight.norm(dim=1, keepdim=True)
    grey = (2 * hidden @ rows.t() + last.bias).sigmoid()
    torch.testing.assert_close(network(z), 2 * grey.view(16, 1, 2, 5) - 1, atol=1e-5, rtol=1e-4)
