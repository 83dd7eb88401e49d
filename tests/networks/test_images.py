"""One contract for every image network, over every kind of shape: sides small, odd and large, rectangles, colours."""

import copy
from collections.abc import Callable
from functools import partial

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from sparring.networks import (
    AttributeEmbedding,
    ClassEmbedding,
    ClassifyingHead,
    DCGANFeatures,
    DCGANGenerator,
    Discriminator,
    Joined,
    Judgement,
    MinibatchDeviation,
    MLPDiscriminator,
    MLPGenerator,
    Projection,
    R3GANFeatures,
    R3GANGenerator,
    R3GANJudgement,
    ResNetFeatures,
    ResNetGenerator,
    UpsampleGenerator,
    gaussian,
    spectral,
)
from sparring.networks.r3gan import downsample, upsample
from sparring.recipes.build import build, find
from sparring.types import DataSpec

Shape = tuple[int, int, int]
LATENT, WIDTH, CLASSES, ATTRIBUTES = 5, 8, 3, 2
SHAPES: list[Shape] = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 64), (3, 48, 64), (2, 9, 13), (1, 5, 33), (1, 1, 1)]
LARGE: list[Shape] = [(3, 96, 96), (1, 128, 128), (3, 100, 75)]
leaky = partial(nn.LeakyReLU, 0.2)
labels = partial(ClassEmbedding, CLASSES)
attributes = partial(AttributeEmbedding, ATTRIBUTES)


def perceptron(shape: Shape) -> nn.Module:
    size = shape[0] * shape[1] * shape[2]
    return MLPDiscriminator((size + 4,), (WIDTH,), activation=leaky)


GENERATORS: dict[str, Callable[[Shape], nn.Module]] = {
    "dcgan": lambda shape: gaussian(DCGANGenerator(LATENT, shape, WIDTH)),
    "upsample": lambda shape: UpsampleGenerator(LATENT, shape, WIDTH),
    "resnet": lambda shape: ResNetGenerator(LATENT, shape, WIDTH),
    "r3gan": lambda shape: R3GANGenerator(LATENT, shape, WIDTH),
    "resnet of labels": lambda shape: ResNetGenerator(LATENT, shape, WIDTH, condition=labels),
    "resnet of attributes": lambda shape: ResNetGenerator(LATENT, shape, WIDTH, condition=attributes),
    "mlp of labels": lambda shape: Joined(MLPGenerator(LATENT + 4, (WIDTH,), shape, activation=leaky), labels, 4),
    "mlp of attributes": lambda shape: Joined(
        MLPGenerator(LATENT + 4, (WIDTH,), shape, activation=leaky), attributes, 4
    ),
    "dcgan of labels": lambda shape: Joined(DCGANGenerator(LATENT + 4, shape, WIDTH), labels, 4),
}
DISCRIMINATORS: dict[str, Callable[[Shape], nn.Module]] = {
    "dcgan": lambda shape: gaussian(Discriminator(DCGANFeatures(shape, WIDTH))),
    "dcgan with everything": lambda shape: Discriminator(
        DCGANFeatures(shape, WIDTH, dropout=0.25, pool=True, minibatch=4)
    ),
    "resnet": lambda shape: Discriminator(ResNetFeatures(shape, WIDTH)),
    "spectral resnet": lambda shape: spectral(Discriminator(ResNetFeatures(shape, WIDTH))),
    "r3gan": lambda shape: Discriminator(R3GANFeatures(shape, WIDTH), R3GANJudgement),
    "spectral projection": lambda shape: spectral(
        Discriminator(ResNetFeatures(shape, WIDTH), partial(Projection, condition=labels))
    ),
    "projection of attributes": lambda shape: Discriminator(
        R3GANFeatures(shape, WIDTH), partial(Projection, condition=attributes)
    ),
    "mlp of labels": lambda shape: Joined(perceptron(shape), labels, 4),
    "mlp of attributes": lambda shape: Joined(perceptron(shape), attributes, 4),
}
UNBOUNDED = {"r3gan"}
MEMBERS = [("generator", name) for name in GENERATORS] + [("discriminator", name) for name in DISCRIMINATORS]
each = pytest.mark.parametrize(("role", "name"), MEMBERS, ids=[f"{name} {role}" for role, name in MEMBERS])
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def made(role: str, name: str, shape: Shape, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return (GENERATORS if role == "generator" else DISCRIMINATORS)[name](shape)


def inputs(role: str, name: str, shape: Shape, n: int) -> tuple[Tensor, ...]:
    first = torch.randn(n, LATENT) if role == "generator" else torch.rand(n, *shape) * 2 - 1
    if name.endswith(("labels", "spectral projection")):
        return first, torch.arange(n) % CLASSES
    return (first, torch.randn(n, ATTRIBUTES)) if name.endswith("attributes") else (first,)


@each
@every_shape
def test_shape_range_and_the_same_by_seed(role: str, name: str, shape: Shape) -> None:
    given = inputs(role, name, shape, 6)
    outputs = []
    for _ in range(2):
        network = made(role, name, shape)
        outputs.append(network(*given))
    assert outputs[0].shape == ((6, *shape) if role == "generator" else (6, 1))
    assert torch.isfinite(outputs[0]).all()
    assert torch.equal(*outputs)
    if role == "generator" and name not in UNBOUNDED:
        assert outputs[0].abs().max() <= 1


@each
@pytest.mark.parametrize("shape", LARGE, ids=str)
def test_large_images(role: str, name: str, shape: Shape) -> None:
    made_of_it = made(role, name, shape)(*inputs(role, name, shape, 2))
    assert made_of_it.shape == ((2, *shape) if role == "generator" else (2, 1))
    assert torch.isfinite(made_of_it).all()


@each
@every_shape
def test_a_gradient_reaches_every_parameter(role: str, name: str, shape: Shape) -> None:
    """Within three small steps: what stands behind a layer that starts at zero gets its first one in the second."""
    network, given = made(role, name, shape), inputs(role, name, shape, 24)
    optimiser = torch.optim.SGD(network.parameters(), lr=1e-3)
    moved: set[str] = set()
    target = torch.randn(24, *(shape if role == "generator" else (1,)))
    for _ in range(3):
        optimiser.zero_grad()
        (network(*given) * target).sum().backward()
        moved |= {key for key, p in network.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
        optimiser.step()
    assert {key for key, _ in network.named_parameters()} - moved == set()


@each
def test_save_load_and_copy(role: str, name: str) -> None:
    shape = (3, 9, 13)
    one, other = made(role, name, shape, 0), made(role, name, shape, 1)
    given = inputs(role, name, shape, 6)
    one(*given)  # moves running averages and power iterations
    copied = copy.deepcopy(one)
    assert not {p.data_ptr() for p in one.parameters()} & {p.data_ptr() for p in copied.parameters()}
    for network in (one, other, copied):
        network.eval()
    assert not torch.equal(one(*given), other(*given))
    other.load_state_dict(load(save({key: t.contiguous() for key, t in one.state_dict().items()})))
    assert torch.equal(one(*given), other(*given))
    assert torch.equal(one(*given), copied(*given))


@each
def test_one_example_is_enough_and_the_others_do_not_matter(role: str, name: str) -> None:
    if "everything" in name:
        pytest.skip("minibatch statistics are what the others matter to")
    shape = (1, 12, 10)
    network, given = made(role, name, shape).eval(), inputs(role, name, shape, 7)
    whole = network(*given)
    for i in (0, 6):
        torch.testing.assert_close(network(*(part[i : i + 1] for part in given)), whole[i : i + 1])


@pytest.mark.parametrize("name", [name for name in GENERATORS if name.endswith("labels")])
def test_the_label_matters_to_the_generator_once_it_has_learned(name: str) -> None:
    network = made("generator", name, (1, 8, 8))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    network.eval()
    z = torch.randn(1, LATENT)
    assert not torch.allclose(network(z, torch.tensor([0])), network(z, torch.tensor([1])))


@pytest.mark.parametrize(("role", "name"), [member for member in MEMBERS if inputs(*member, (1, 8, 8), 1)[1:]])
def test_mixtures_of_classes(role: str, name: str) -> None:
    """A class as a mixture of that class alone is the class; a half of each is not either of them."""
    if name.endswith("attributes"):
        pytest.skip("attributes are no classes")
    network = made(role, name, (1, 8, 8))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    network.eval()
    first, y = inputs(role, name, (1, 8, 8), 6)
    shares = nn.functional.one_hot(y, CLASSES).float()
    torch.testing.assert_close(network(first, shares), network(first, y))
    half = (shares + shares.roll(1, 1)) / 2
    assert not torch.allclose(network(first, half), network(first, y))


def test_the_embedding_of_a_mixture_is_the_mixture_of_embeddings() -> None:
    embedding = ClassEmbedding(CLASSES, 4)
    assert torch.equal(embedding(torch.eye(CLASSES)), embedding(torch.arange(CLASSES)))
    mixture = torch.tensor([[0.2, 0.3, 0.5]])
    torch.testing.assert_close(embedding(mixture), (mixture.T * embedding.weight).sum(0, keepdim=True))


def weights(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_only_with_a_bias_does_batch_norm_let_a_paler_batch_be_seen() -> None:
    x = torch.randn(64, 3, 16, 16)
    for bias in (False, True):
        torch.manual_seed(0)
        network = DCGANFeatures((3, 16, 16), 8, bias=bias)
        for parameter in network.parameters():  # a bias begins at zero
            nn.init.normal_(parameter)
        near = torch.isclose(network(0.3 * x), network(x), rtol=1e-3, atol=1e-3).float().mean()
        assert (near < 0.5) if bias else (near > 0.99)


def test_published_numbers_of_weights() -> None:
    """DCGAN for 64 x 64 colours as the tutorials print it; SNGAN for CIFAR-10, its table 3 counted by hand."""
    colour = (3, 64, 64)
    assert weights(DCGANGenerator(100, colour)) == 3_576_704
    assert weights(Discriminator(DCGANFeatures(colour), partial(Judgement, bias=False))) == 2_765_568
    up = 2 * (256 * 256 * 9 + 256) + (256 * 256 + 256) + 2 * 512
    generator = (128 * 4096 + 4096) + 3 * up + 512 + (256 * 3 * 9 + 3)
    assert weights(ResNetGenerator(128, (3, 32, 32))) == generator == 4_276_739
    keep = 2 * (128 * 128 * 9 + 128)
    first = (3 * 128 * 9 + 128) + keep // 2 + (3 * 128 + 128)
    assert weights(Discriminator(ResNetFeatures((3, 32, 32)))) == first + (keep + 128 * 128 + 128) + 2 * keep + 129


def test_r3gan_has_the_published_stages() -> None:
    """For 256 x 256: widths 768 at 4 to 32 pixels, then 384, 192, 96; groups of 16; two blocks a stage."""
    with torch.device("meta"):
        network = R3GANGenerator(64, (3, 256, 256))
        blocks = [list(stage) for stage in network.stages]
    assert [stage[0].widen.in_channels for stage in blocks] == [768, 768, 768, 768, 384, 192, 96]
    assert [stage[0].mix.groups for stage in blocks] == [96, 96, 96, 96, 48, 24, 12]
    assert {len(stage) for stage in blocks} == {2}


def test_r3gan_has_the_authors_first_weights() -> None:
    """All are N(0, gain²/fan-in), the judgement's too; the generator's basis N(0, 1); what ends a branch is 0.

    The gain is 1, but in the branches He's for a leaky ReLU times L^(-1/4), with L = 4 branches in all.
    """
    torch.manual_seed(0)
    recipe = build(find("r3gan"), DataSpec("image", (3, 8, 8)), {"width": 256}, {})
    networks = recipe.generator(), recipe.discriminator()
    branch = (2 / 1.04) ** 0.5 * 4 ** (-1 / 4)
    for name, weight in (named for network in networks for named in network.named_parameters()):
        if "narrow" in name or "biases" in name:
            assert not weight.any(), name
            continue
        gain = branch if name.endswith(("widen.weight", "mix.weight")) else 1.0
        deviation = 1.0 if name == "basis.maps" else gain / weight[0].numel() ** 0.5
        n = weight.numel()
        assert weight.mean().item() == pytest.approx(0, abs=4 * deviation / n**0.5), name
        assert weight.std().item() == pytest.approx(deviation, rel=4 / (2 * n) ** 0.5), name
    assert dict(networks[1].named_parameters())["head.judge.weight"].shape == (1, 256)


def test_r3gan_starts_as_its_skip_connections() -> None:
    """Every branch is zero at first, so the network is linear in the image whatever its depth."""
    network = made("discriminator", "r3gan", (3, 16, 16))
    x, y = torch.randn(2, 4, 3, 16, 16)
    torch.testing.assert_close(network(x + 2 * y), network(x) + 2 * network(y))


def test_r3gan_upsampling_is_linear_interpolation() -> None:
    network = R3GANGenerator(4, (1, 8, 8), 8)
    ramp = torch.arange(4.0).view(1, 1, 1, 4).expand(1, 1, 4, 4)
    doubled = upsample(ramp, network.kernel, (8, 8))
    torch.testing.assert_close(doubled[0, 0, 3, 1:], torch.arange(0, 3.5, 0.5))
    constant = torch.ones(1, 2, 9, 9)
    assert downsample(constant, network.kernel).shape == (1, 2, 5, 5)
    torch.testing.assert_close(downsample(constant, network.kernel)[:, :, 1:4, 1:4], torch.ones(1, 2, 3, 3))


def test_spectral_norm_is_one() -> None:
    network = spectral(Discriminator(ResNetFeatures((3, 16, 16), 16)))
    with torch.no_grad():
        for _ in range(50):
            network(torch.randn(2, 3, 16, 16))
    layers = [layer for layer in network.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.02)
    assert len(layers) == 8


def test_the_projection_is_an_inner_product() -> None:
    head = Projection(4, labels)
    features, y = torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])
    expected = head.judge(features).squeeze(1) + torch.stack(
        [head.condition.weight[label] @ f for label, f in zip(y, features, strict=True)]
    )
    torch.testing.assert_close(head(features, y).squeeze(1), expected)


def test_the_classifier_judges_and_scores() -> None:
    raw, scores = Discriminator(DCGANFeatures((1, 8, 8), WIDTH), partial(ClassifyingHead, classes=CLASSES))(
        torch.randn(6, 1, 8, 8)
    )
    assert (raw.shape, scores.shape) == ((6, 1), (6, CLASSES))


def test_minibatch_deviation() -> None:
    """Groups of four: a constant group has none, a spread one the mean of its values' deviations; any n goes."""
    layer = MinibatchDeviation(4)
    x = torch.zeros(8, 2, 3, 3)
    x[1::2] = torch.tensor([-1.0, 1.0, -1.0, 1.0]).view(4, 1, 1, 1)  # every other sample is of the second group
    y = layer(x)
    assert y.shape == (8, 3, 3, 3)
    assert torch.equal(y[:, :2], x)
    torch.testing.assert_close(y[::2, 2], torch.full((4, 3, 3), 1e-4))
    torch.testing.assert_close(y[1::2, 2], torch.ones(4, 3, 3))


@pytest.mark.parametrize(("n", "size"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 3), (7, 7), (10, 2), (25, 5)])
def test_no_sample_of_a_batch_is_alone_in_its_group(n: int, size: int) -> None:
    """Groups of four where they go, else of the next smaller size that goes, else, where that is one, of the next."""
    x = torch.randn(n, 2, 3, 3)
    made = MinibatchDeviation(4)(x)
    groups = (
        x.reshape(size, n // size, 2, 3, 3).std(0, correction=0).mean((1, 2, 3)) if n > 1 else torch.full((1,), 1e-4)
    )
    torch.testing.assert_close(made[:, 2, 0, 0], groups.repeat(size))
    assert made.shape == (n, 3, 3, 3)


def test_gaussian_weights() -> None:
    torch.manual_seed(0)
    network = gaussian(nn.Sequential(nn.Conv2d(64, 64, 4), nn.ConvTranspose2d(64, 64, 4), nn.BatchNorm2d(4000)))
    for layer in network[:2]:
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert not layer.bias.any()
    assert network[2].weight.mean().item() == pytest.approx(1, abs=0.002)
    assert network[2].weight.std().item() == pytest.approx(0.02, rel=0.1)
