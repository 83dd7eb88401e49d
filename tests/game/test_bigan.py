"""The game of pairs: who is judged on what, and who learns from it."""

import pytest
import torch
from torch import nn

from sparring.errors import UsageError
from sparring.game import BiGAN
from sparring.networks import PairJudgement, WithEncoder
from sparring.objectives import non_saturating
from sparring.penalties import R1R2
from sparring.recipes import RECIPES
from sparring.types import DataSpec, Drawn, Players


class Pairs(nn.Module):
    """A linear judge of pairs, (x, z) of one number each."""

    def __init__(self) -> None:
        super().__init__()
        self.judge = nn.Linear(2, 1)

    def forward(self, x, z):
        return self.judge(torch.cat([x, z], 1))


@pytest.fixture
def players() -> Players:
    torch.manual_seed(0)
    return Players(WithEncoder(nn.Linear(1, 1), nn.Linear(1, 1)), Pairs())


def test_pairs(players: Players) -> None:
    """The discriminator's loss is the cross-entropy of pairs, the generator's the same with real and fake exchanged."""
    x, z = torch.randn(2, 6, 1)
    game, drawn = BiGAN(non_saturating), Drawn((x,), (z,))
    on_real = players.discriminator(x, players.generator.encoder(x)).squeeze(1)
    on_fake = players.discriminator(players.generator.generator(z), z).squeeze(1)
    loss, _ = game.discriminator_loss(players, drawn)
    torch.testing.assert_close(loss, -(on_real.sigmoid().log() + (1 - on_fake.sigmoid()).log()).mean())
    loss, _ = game.generator_loss(players, drawn)
    torch.testing.assert_close(loss, -(on_fake.sigmoid().log() + (1 - on_real.sigmoid()).log()).mean())


def test_both_parts_of_the_generator_learn_in_its_turn_alone(players: Players) -> None:
    game, drawn = BiGAN(non_saturating), Drawn((torch.randn(6, 1),), (torch.randn(6, 1),))
    game.discriminator_loss(players, drawn)[0].backward()
    assert all(p.grad is None for p in players.generator.parameters())
    game.generator_loss(players, drawn)[0].backward()
    assert all(p.grad is not None and p.grad.any() for p in players.generator.parameters())


def test_turns_draw_what_they_need() -> None:
    assert [(turn.player, turn.real, turn.fake) for turn in BiGAN(non_saturating).turns(8)] == [
        ("discriminator", 8, 8),
        ("generator", 8, 8),
    ]


def test_a_pair_is_no_pack() -> None:
    with pytest.raises(UsageError, match="pack=1"):
        BiGAN(non_saturating, pack=2)


def test_the_recipe_goes_from_codes_to_images_and_back() -> None:
    recipe = RECIPES["bigan"](DataSpec("image", (1, 8, 8)), width=4, latent_dim=7)
    bundle = recipe.generator()
    assert isinstance(bundle, WithEncoder)
    assert bundle.encode(bundle(recipe.latent(None, 3))).shape == (3, 7)


def test_the_linear_game_finds_the_distribution_and_the_way_back() -> None:
    """x ~ N(2, 1/4), G and E affine: pairs are alike only where G(z) = 2 ± z/2 and E(x) = ± 2 (x - 2)."""
    torch.manual_seed(0)
    head = PairJudgement(1, latent_dim=1, hidden=32)
    players = Players(WithEncoder(nn.Linear(1, 1), nn.Linear(1, 1)), head)
    game, steps = BiGAN(non_saturating, penalties=(R1R2(1.0),)), 700
    optimisers = {
        name: torch.optim.Adam(getattr(players, name).parameters(), betas=(0.0, 0.9))
        for name in ("generator", "discriminator")
    }
    for step in range(steps):
        for turn in game.turns(64):
            optimiser = optimisers[turn.player]
            optimiser.param_groups[0]["lr"] = 0.02 * min(1, 2 * (1 - step / steps))
            loss, _ = turn.loss(players, Drawn((2 + 0.5 * torch.randn(64, 1),), (torch.randn(64, 1),)))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    generator, encoder = players.generator.generator, players.generator.encoder
    assert generator.bias.item() == pytest.approx(2, abs=0.2)
    assert abs(generator.weight.item()) == pytest.approx(0.5, abs=0.2)
    with torch.no_grad():
        there_and_back = encoder(generator(torch.tensor([[-1.0], [0.0], [1.0]]))).flatten()
    torch.testing.assert_close(there_and_back, torch.tensor([-1.0, 0.0, 1.0]), atol=0.3, rtol=0)
