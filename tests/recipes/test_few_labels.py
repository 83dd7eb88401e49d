"""The game of few labels as its authors publish it, and what is chosen for short plans."""

import pytest
import torch

from sparring.errors import UsageError
from sparring.networks import MLPGenerator, SoftplusGenerator
from sparring.recipes import CHOOSERS
from sparring.recipes.build import build, find
from sparring.types import DataSpec, Machine

CLASSES = tuple("0123456789")
GREY, COLOUR = DataSpec("image", (1, 28, 28), CLASSES), DataSpec("image", (3, 32, 32), CLASSES)
EACH = pytest.mark.parametrize("name", ["few-labels", "complement"])


@EACH
def test_the_published_game_on_mnist(name: str) -> None:
    recipe = build(find(name), GREY, {}, {})
    generator, classifier = recipe.generator(), recipe.discriminator()
    shapes = [tuple(p.shape) for p in classifier.parameters() if p.dim() == 2]
    assert shapes == [(1000, 784), (500, 1000), (250, 500), (250, 250), (250, 250), (10, 250)]
    assert isinstance(generator, SoftplusGenerator)
    assert [tuple(p.shape) for p in generator.parameters() if p.dim() == 2] == [(500, 100), (500, 500), (784, 500)]
    z = recipe.latent(None, 1000)
    assert 0 <= z.min() < 0.01 < 0.99 < z.max() <= 1
    assert (recipe.lr_generator, recipe.lr_discriminator, recipe.ema, recipe.batch) == (3e-3, 3e-3, 0.9999, 100)
    assert [turn.labelled for turn in recipe.game.turns(100)] == [100, 0]
    assert recipe.game.power == 2
    (group,) = recipe.optimiser([torch.nn.Parameter(torch.zeros(1))], 0.1).param_groups
    assert (group["betas"], group["eps"]) == ((0.5, 0.999), 1e-4)


@EACH
def test_the_published_rates_on_cifar(name: str) -> None:
    recipe = build(find(name), COLOUR, {}, {})
    assert (recipe.lr_generator, recipe.lr_discriminator, recipe.game.power) == (3e-4, 3e-4, 1)


def test_short_plans_of_perceptrons_have_a_generator_that_keeps_up() -> None:
    machine = Machine("cpu", 2)
    many, few, colour = (
        CHOOSERS["few-labels"](s, n, machine).settings for s, n in ((GREY, 60_000), (GREY, 900), (COLOUR, 900))
    )
    assert (many["generator"], few["generator"]) == ("centred", "centred")
    assert "generator" not in colour
    assert [settings.get("lr_generator") for settings in (many, few, colour)] == [None, 1e-2, None]
    assert isinstance(build(find("few-labels"), GREY, {"generator": "centred"}, {}).generator(), MLPGenerator)


def test_no_latent_codes_are_refused() -> None:
    with pytest.raises(UsageError, match="latent_dim=0 makes no sense"):
        build(find("few-labels"), GREY, {"latent_dim": 0}, {})
