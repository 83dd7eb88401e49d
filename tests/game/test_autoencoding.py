"""The games of one player: the bound is log p(x) where the posterior is exact; nothing but the player moves."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn
from torch.distributions import MultivariateNormal

import sparring
from sparring.errors import UsageError
from sparring.game import Reconstruction, VariationalBound
from sparring.networks import Gaussian, GaussianEncoder, VariationalAutoencoder, WithEncoder
from sparring.training.display import Display
from sparring.types import Drawn, Players

QUIET = {"device": "cpu", "display": Display(quiet=True)}


class Same(nn.Identity):
    """Features that are the examples themselves."""

    width = 2


def linear_model(deviation: float) -> tuple[VariationalAutoencoder, MultivariateNormal]:
    """x = W z + b + noise, z and x of two dimensions, W's columns orthogonal: its posterior has independent numbers."""
    weight, bias = torch.tensor([[1.0, 0.5], [-1.0, 0.5]]), torch.tensor([0.3, -2.0])
    decoder = nn.Linear(2, 2)
    decoder.weight.data, decoder.bias.data = weight.clone(), bias.clone()
    likelihood = Gaussian()
    likelihood.log_deviation.data.fill_(torch.tensor(deviation).log())
    precision = 1 + weight.square().sum(0) / deviation**2
    encoder = GaussianEncoder(Same(), 2)
    to_mean = weight.T / deviation**2 / precision[:, None]
    encoder.code.weight.data = torch.cat([to_mean, torch.zeros(2, 2)])
    encoder.code.bias.data = torch.cat([-to_mean @ bias, -precision.log()])
    covariance = weight @ weight.T + deviation**2 * torch.eye(2)
    return VariationalAutoencoder(decoder, likelihood, encoder), MultivariateNormal(bias, covariance)


def test_the_bound_is_the_likelihood_where_the_posterior_is_exact() -> None:
    model, exact = linear_model(0.5)
    torch.manual_seed(0)
    x = exact.sample((200_000,))
    loss, statistics = VariationalBound().loss(Players(model), Drawn((x,), ()))
    assert loss.item() == pytest.approx(-exact.log_prob(x).mean().item(), abs=0.01)
    assert statistics["g_loss"] == statistics["g_misfit"] + statistics["g_kl"]


def test_the_bound_is_below_the_likelihood_anywhere_else() -> None:
    model, exact = linear_model(0.5)
    model.encoder.code.bias.data[2:] += 1.0
    torch.manual_seed(0)
    x = exact.sample((50_000,))
    loss, _ = VariationalBound().loss(Players(model), Drawn((x,), ()))
    assert loss.item() > -exact.log_prob(x).mean().item() + 0.1


def test_reconstruction_is_the_mean_squared_error_of_there_and_back() -> None:
    halving = nn.Linear(2, 2, bias=False)
    halving.weight.data = 0.5 * torch.eye(2)
    x = torch.randn(10, 2)
    loss, _ = Reconstruction().loss(Players(WithEncoder(nn.Identity(), halving)), Drawn((x,), ()))
    torch.testing.assert_close(loss, (0.5 * x).square().mean())


@pytest.mark.parametrize("game", [Reconstruction(), VariationalBound()])
def test_one_player_plays_one_turn_on_real_examples(game: Reconstruction) -> None:
    (turn,) = game.turns(32)
    assert (turn.player, turn.real, turn.fake, turn.times) == ("generator", 32, 0, 1)


@pytest.mark.parametrize("name", ["ae", "vae"])
def test_a_run_of_one_player_is_a_run(name: str, tmp_path: Path) -> None:
    """It learns, is sampled, encodes, and shows reconstructions right of its samples."""
    run = sparring.train("digits", name, out=tmp_path / "run", **QUIET, steps=60, log_every=20, grid_every=60, width=8)
    losses = [row["g_loss"] for row in run.metrics if "g_loss" in row]
    assert losses[2] < losses[1] < losses[0]
    assert run.sample(3).shape == (3, 1, 8, 8)
    x = run.sample(4)
    codes = run.encode(x)
    assert codes.shape == (4, 16)
    assert torch.equal(run.sample(4, latents=codes), run.generator()(codes))
    assert run.features(x, "encoder").shape[0] == 4
    with pytest.raises(UsageError, match="has no discriminator: its recipe trains without one"):
        run.discriminator()
    with Image.open(run.directory.samples / "000060.png") as picture:
        assert picture.width > 1.5 * picture.height
