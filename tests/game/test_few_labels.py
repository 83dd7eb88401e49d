"""The game of few labels: its losses by their published formulas, and what each of its terms wants."""

import math

import pytest
import torch
from torch import Tensor, nn

from sparring.game import FewLabels, Supervised
from sparring.game.few_labels import conditional_entropy, pull_away
from sparring.objectives import non_saturating
from sparring.types import Drawn, Players

K = 3


class Linear(nn.Module):
    """Logits and features of points in the plane."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.classify = nn.Linear(2, 4).double(), nn.Linear(4, K).double()

    def features(self, x: Tensor) -> Tensor:
        return self.hidden(x).tanh()

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.features(x))


@pytest.fixture
def given() -> tuple[Players, Drawn]:
    torch.manual_seed(0)
    labelled = torch.randn(5, 2, dtype=torch.float64), torch.tensor([0, 1, 2, 1, 0])
    real, z = torch.randn(2, 6, 2, dtype=torch.float64)
    return Players(nn.Linear(2, 2).double(), Linear()), Drawn((real,), (z,), {}, labelled)


def test_the_discriminators_loss_is_the_published_one(given) -> None:
    """-log p(y | x) among the K classes, -log(1 - p(K + 1)) of real and -log p(K + 1) of generated examples, halved."""
    players, drawn = given
    loss, statistics = FewLabels(non_saturating).discriminator_loss(players, drawn)
    x, y = drawn.labelled

    def with_fake(examples: Tensor) -> Tensor:
        logits = players.discriminator(examples)
        return torch.cat([logits, logits.new_zeros(len(logits), 1)], 1).softmax(1)

    classes = -players.discriminator(x).softmax(1)[torch.arange(5), y].log().mean()
    real = -(1 - with_fake(drawn.real[0])[:, K]).log().mean()
    fake = -with_fake(players.generator(drawn.latent[0]))[:, K].log().mean()
    torch.testing.assert_close(loss, classes + 0.5 * (real + fake))
    torch.testing.assert_close(statistics["d_class_loss"], classes.detach())
    loss.backward()
    assert players.generator.weight.grad is None


def test_its_raw_output_is_log_z(given) -> None:
    players, drawn = given
    on_real, on_fake = FewLabels(non_saturating).outputs(players, drawn.real, drawn.latent, {})
    torch.testing.assert_close(on_real, players.discriminator(drawn.real[0]).exp().sum(1).log())
    torch.testing.assert_close(on_fake, players.discriminator(drawn.latent[0]).exp().sum(1).log())


def test_the_losses_are_finite_however_sure_the_discriminator_is(given) -> None:
    players, drawn = given
    with torch.no_grad():
        players.discriminator.classify.weight.mul_(1e6)
    for loss in (
        FewLabels(non_saturating, entropy=1.0).discriminator_loss,
        FewLabels(non_saturating, pull_away=1.0).generator_loss,
    ):
        value, _ = loss(players, drawn)
        assert value.isfinite()
        value.backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in players.parameters())


def test_the_generator_matches_mean_features(given) -> None:
    players, drawn = given
    features = players.discriminator.features
    fake, real = features(players.generator(drawn.latent[0])), features(drawn.real[0])
    matching = (fake.mean(0) - real.mean(0)).square().mean()
    torch.testing.assert_close(FewLabels(non_saturating).generator_loss(players, drawn)[0], matching)
    absolute = FewLabels(non_saturating, power=1).generator_loss(players, drawn)[0]
    torch.testing.assert_close(absolute, (fake.mean(0) - real.mean(0)).abs().mean())
    spreading = FewLabels(non_saturating, pull_away=2.0).generator_loss(players, drawn)[0]
    torch.testing.assert_close(spreading, matching + 2 * pull_away(fake))


def test_entropy_and_pull_away_have_their_closed_forms() -> None:
    assert conditional_entropy(torch.zeros(4, K)).item() == pytest.approx(math.log(K))
    assert conditional_entropy(1000 * torch.eye(K)).item() == pytest.approx(0, abs=1e-6)
    assert pull_away(torch.eye(4)).item() == pytest.approx(0)
    assert pull_away(torch.tensor([[1.0, 2.0], [3.0, 6.0], [-1.0, -2.0]])).item() == pytest.approx(1)
    assert pull_away(torch.tensor([[1.0, 0.0], [1.0, 1.0]])).item() == pytest.approx(0.5)


def test_turns_say_how_many_of_each_kind() -> None:
    discriminator, generator = FewLabels(non_saturating, labelled=0.5).turns(10)
    assert (discriminator.labelled, discriminator.real, discriminator.fake) == (5, 10, 10)
    assert (generator.labelled, generator.real, generator.fake) == (0, 10, 10)
    (alone,) = Supervised().turns(10)
    assert (alone.player, alone.labelled, alone.real, alone.fake) == ("discriminator", 10, 0, 0)
