"""The games whose discriminator also says the class, or the attributes."""

import math
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from sparring.errors import UsageError
from sparring.game import AuxiliaryClassifier, AuxiliaryRegression
from sparring.networks import ClassifyingHead, Discriminator, Joined, MLPGenerator
from sparring.objectives import non_saturating, relativistic
from sparring.penalties import DRAGAN, R1, R1R2, R2, WGANGP
from sparring.types import Drawn, Inputs, Memory, Players, View


class Flat(nn.Module):
    """Features that are the example."""

    width = 4

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1)


def classifying() -> tuple[Players, Drawn]:
    """Players that know three classes, and a batch for them."""
    torch.manual_seed(0)
    generator = Joined(MLPGenerator(5, (8,), (2, 2), activation=nn.ReLU), partial(nn.Embedding, 3), 2)
    players = Players(generator, Discriminator(Flat(), partial(ClassifyingHead, classes=3))).double()
    y = torch.tensor([0, 1, 2, 2, 1, 0])
    real, z = torch.randn(6, 2, 2, dtype=torch.float64), torch.randn(6, 3, dtype=torch.float64)
    return players, Drawn((real, y), (z, y.flip(0)))


@pytest.mark.parametrize("joined", [False, True])
def test_the_auxiliary_classifier_adds_both_cross_entropies(joined: bool) -> None:
    """Odena et al. 2017, eq. 2 and 3, written out: L_S + L_C for the discriminator, L_C - L_S for the generator."""
    players, drawn = classifying()
    (x, y), (z, labels), *_ = drawn
    game = AuxiliaryClassifier(non_saturating, joined=joined, weight=0.7)
    fake = players.generator(z, labels)
    (raw, scores), (fake_raw, fake_scores) = players.discriminator(x), players.discriminator(fake)
    right = scores.log_softmax(1)[torch.arange(6), y].mean()
    fake_right = fake_scores.log_softmax(1)[torch.arange(6), labels].mean()
    sources = raw.sigmoid().log().mean() + (1 - fake_raw.sigmoid()).log().mean()
    loss, statistics = game.discriminator_loss(players, drawn)
    torch.testing.assert_close(loss, -sources - 0.7 * (right + fake_right))
    assert statistics["d_class"] == (scores.argmax(1) == y).float().mean()
    loss, _ = game.generator_loss(players, drawn)
    torch.testing.assert_close(loss, -fake_raw.sigmoid().log().mean() - 0.7 * fake_right)


def test_the_auxiliary_classifier_with_a_relativistic_objective() -> None:
    players, drawn = classifying()
    paired = non_saturating._replace(generator=lambda real, fake: softplus(real - fake), relativistic=True)
    loss, _ = AuxiliaryClassifier(paired, weight=0.0).generator_loss(players, drawn)
    (x, _), latent, *_ = drawn
    expected = softplus(players.discriminator(x)[0] - players.discriminator(players.generator(*latent))[0]).mean()
    torch.testing.assert_close(loss, expected)


def test_the_auxiliary_regression_adds_both_log_likelihoods() -> None:
    """The same with -log N(y; what is said, I) in the place of -log P(class), both but for the constant."""
    players, _ = classifying()
    generator = Joined(MLPGenerator(5, (8,), (2, 2), activation=nn.ReLU), partial(nn.Linear, 3), 2).double()
    players = Players(generator, players.discriminator)
    x, y, z, asked = (torch.randn(6, *shape, dtype=torch.float64) for shape in ((2, 2), (3,), (3,), (3,)))
    game = AuxiliaryRegression(non_saturating, weight=0.7)
    fake = players.generator(z, asked)
    (raw, said), (fake_raw, fake_said) = players.discriminator(x), players.discriminator(fake)
    constant = 1.5 * math.log(2 * math.pi)
    real_likely, fake_likely = (
        torch.distributions.Normal(mean, 1.0).log_prob(value).sum(1).mean() + constant
        for mean, value in ((said, y), (fake_said, asked))
    )
    sources = raw.sigmoid().log().mean() + (1 - fake_raw.sigmoid()).log().mean()
    loss, statistics = game.discriminator_loss(players, Drawn((x, y), (z, asked)))
    torch.testing.assert_close(loss, -sources - 0.7 * (real_likely + fake_likely))
    torch.testing.assert_close(statistics["d_attributes"], nn.functional.mse_loss(said, y))
    loss, statistics = game.generator_loss(players, Drawn((x, y), (z, asked)))
    torch.testing.assert_close(loss, -fake_raw.sigmoid().log().mean() - 0.7 * fake_likely)
    torch.testing.assert_close(statistics["g_attributes_loss"], -fake_likely)


class Enlarged(View):
    """Examples as no generator makes them."""

    def __call__(self, inputs: Inputs, memory: Memory) -> Inputs:
        return (10 * inputs[0] + 3, *inputs[1:])


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("objective", [non_saturating, relativistic])
def test_what_is_shown_is_judged_and_classified(joined: bool, objective) -> None:
    """Each loss is that of examples that were enlarged before: in both turns, the real and the generated ones."""
    players, drawn = classifying()
    (x, y), (z, labels), *_ = drawn

    class Outside(nn.Module):
        def forward(self, *latent: Tensor) -> Tensor:
            return 10 * players.generator(*latent) + 3

    plain, seen = (AuxiliaryClassifier(objective, joined=joined, view=view) for view in (None, Enlarged()))
    there = Players(Outside(), players.discriminator), Drawn((10 * x + 3, y), (z, labels))
    for turn in ("discriminator_loss", "generator_loss"):
        loss, statistics = getattr(seen, turn)(players, drawn)
        expected, known = getattr(plain, turn)(*there)
        torch.testing.assert_close(loss, expected)
        torch.testing.assert_close(statistics, known)
        assert not torch.isclose(loss, getattr(plain, turn)(players, drawn)[0])
    fake = players.generator(z, labels)
    outputs = seen.outputs(players, drawn.real, (fake, labels), {})
    torch.testing.assert_close(outputs, plain.outputs(players, (10 * x + 3, y), (10 * fake + 3, labels), {}))


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("penalties", [(R1(3.0), R2(1.0)), (R1R2(2.0),), (WGANGP(10.0),), (DRAGAN(10.0),)])
def test_penalties_are_on_the_judgement(joined: bool, penalties: tuple) -> None:
    """The loss is that without them plus each called alone on the raw outputs; what was judged is not judged again."""
    players, drawn = classifying()
    weights = list(players.discriminator.parameters())
    plain, _ = AuxiliaryClassifier(non_saturating).discriminator_loss(players, drawn)
    fake = players.generator(*drawn.latent).detach(), drawn.latent[1]
    torch.manual_seed(2)
    alone = sum(p(lambda x, y: players.discriminator(x)[0].squeeze(1), drawn.real, fake) for p in penalties)
    passes: list[int] = []
    players.discriminator.register_forward_hook(lambda *_: passes.append(1))
    torch.manual_seed(2)
    game = AuxiliaryClassifier(non_saturating, joined=joined, penalties=penalties)
    loss, statistics = game.discriminator_loss(players, drawn)
    assert len(passes) == (1 if joined else 2) + sum(isinstance(p, WGANGP | DRAGAN) for p in penalties)
    torch.testing.assert_close(statistics["d_penalty"], alone.detach())
    expected = torch.autograd.grad(plain + alone, weights, allow_unused=True)
    for found, known in zip(torch.autograd.grad(loss, weights, allow_unused=True), expected, strict=True):
        torch.testing.assert_close(found, known)


def test_packs_are_not_classified() -> None:
    with pytest.raises(UsageError, match="the class of one example"):
        AuxiliaryClassifier(non_saturating, pack=2)
