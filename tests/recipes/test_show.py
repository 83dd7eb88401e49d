"""What ``spar recipes NAME`` says is what the recipe does."""

import pytest

from sparring.recipes import RECIPES
from sparring.recipes.show import EXAMPLES, describe


def said(name: str, setting: str) -> str:
    """What is told of a setting."""
    (line,) = [line for line in describe(name).splitlines() if line.split("=")[0].strip() == setting]
    return line.partition("= ")[2]


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("wgan", "clip_weights", "0.01 (points in the plane, points on a line: 0.1)"),
        ("wgan-gp", "weight", "10.0 (points in the plane, points on a line: 0.1)"),
        ("unrolled", "lr_generator", "0.0002 (points in the plane, points on a line: 0.001)"),
        ("unrolled", "lr_discriminator", "0.0002 (points in the plane, points on a line: 0.0001)"),
        ("unrolled", "rate", "unset: see above"),
        ("few-labels", "lr_generator", "0.003 (colour images of 32 x 32: 0.0003)"),
        ("ae", "latent_dim", "32 (points in the plane: 2; points on a line: 1)"),
        ("gan-1d", "epochs", "400"),
        ("cgan", "k", "1"),
    ],
)
def test_defaults_are_those_that_are_played(name: str, setting: str, value: str) -> None:
    assert said(name, setting) == value


def test_settings_of_a_player_that_is_not_there_are_left_out() -> None:
    assert "lr_discriminator" not in describe("vae")


def test_an_objective_that_was_made_is_told_with_what_it_was_made_of() -> None:
    assert "game: Adversarial(f_gan(jensen-shannon, saturating=False), " in describe("f-gan")
    smoothed = RECIPES["dcgan"](EXAMPLES[0], smoothing=0.2).game.objective
    assert smoothed.name == "smooth(non_saturating, share=0.2)"


@pytest.mark.parametrize("name", RECIPES)
def test_no_recipe_hides_its_objective(name: str) -> None:
    assert "an objective of its own" not in describe(name)
