"""Augmentation as a recipe's setting: in the run's figures, in its checkpoints, on the command line."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import sparring
from sparring.data import DataOptions, open_data
from sparring.errors import UsageError
from sparring.recipes import RECIPES
from sparring.recipes.build import build, find, own_defaults
from sparring.recipes.parts import view_for
from sparring.training.display import Display
from sparring.training.draw import Draw
from sparring.training.state import State, read_checkpoint
from sparring.training.step import Step
from sparring.types import DataSpec
from sparring.views import AdaptiveAugmentation, DiffAugment, InstanceNoise
from sparring.views.adaptive import GROUPS, PARTS, P
from sparring.views.policy import parts

CPU = torch.device("cpu")
IMAGES = DataSpec("image", (3, 8, 8))
NARROW = {"width": 8, "batch": 8, "grid_every": 4, "best_every": 4, "log_every": 1}


class Shown(Display):
    """Keeps what a display would write."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.texts: list[str] = []

    def figures(self, values) -> None:
        super().figures(values)
        self.texts.append(f"{self.text} {self.short}")


def test_p_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    """Three steps and three more are six, with a target that makes p rise at every move."""
    dataset = open_data("digits", DataOptions())
    recipe = build(find("dcgan"), dataset.spec, {"width": 8}, {"batch": 8})
    recipe = replace(recipe, game=replace(recipe.game, view=AdaptiveAugmentation(target=-2.0, images=100)))

    def play(state: State, steps: int) -> State:
        step = Step(recipe, state, Draw(recipe, dataset.train, CPU))
        for _ in range(steps):
            step()
        return state

    def new() -> State:
        torch.manual_seed(0)
        return State(recipe, CPU)

    once = play(new(), 6)
    play(new(), 3).save(tmp_path / "3.safetensors")
    again = new()
    again.load(tmp_path / "3.safetensors")
    assert again.memory[P].item() == pytest.approx(3 * 8 / 100)
    play(again, 3)
    assert once.memory[P].item() == pytest.approx(6 * 8 / 100)
    assert [name for name, tensor in once.tensors().items() if not torch.equal(tensor, again.tensors()[name])] == []


def test_p_is_in_the_figures_of_a_run_and_on_display(tmp_path: Path) -> None:
    display = Shown()
    run = sparring.train(
        "digits", "dcgan", out=tmp_path / "r", device="cpu", display=display, **NARROW, augment="ada", steps=2
    )
    assert [row["augment_p"] for row in run.metrics if "augment_p" in row] == [0.0, 0.0]
    assert display.texts[0].count("aug") == 2
    assert read_checkpoint(run.checkpoint("last"))[1]["game.augment_skill"].item() != 0


AUGMENTED = ("auto", "gan-mnist", "dcgan", "dcgan-upsample", "sngan", "cgan", "acgan", "projection", "r3gan")


def test_every_setting_of_this_name_is_tried_here() -> None:
    assert {name for name, function in RECIPES.items() if "augment" in own_defaults(function)} == {
        *AUGMENTED,
        *ON_POINTS,
    }


@pytest.mark.parametrize("recipe", AUGMENTED)
@pytest.mark.parametrize("augment", ["none", "diffaugment", "ada:flip,colour"])
def test_recipes_are_told_how_to_augment(recipe: str, augment: str) -> None:
    spec = DataSpec("image", (3, 8, 8), ("ant", "bee"))
    assert build(find(recipe), spec, {"augment": augment}, {}).game.view == view_for(augment, spec)


def test_what_the_setting_means() -> None:
    assert view_for("none", DataSpec("points", (2,))) is None
    assert view_for("diffaugment", IMAGES) == DiffAugment()
    assert view_for("diffaugment:cutout", IMAGES) == DiffAugment("cutout")
    plain = view_for("ada", IMAGES)
    assert set(PARTS) - parts(plain.policy, PARTS, GROUPS) == {"flip", "quarters"}
    assert replace(plain, policy="flip,colour") == view_for("ada:flip,colour", IMAGES)


@pytest.mark.parametrize(
    ("augment", "message"),
    [("adda", "not one of none, diffaugment, ada"), ("none:flip", "not one of"), ("ada:flips", "Did you mean flip")],
)
def test_mistakes_are_one_line(augment: str, message: str, spar, tmp_path: Path) -> None:
    ended = spar("train", "digits", "--recipe", "dcgan", "--set", f"augment={augment}", "--out", tmp_path / "r")
    assert ended.code == 2
    assert message in " ".join(ended.err.split())
    assert not (tmp_path / "r").exists()


ON_POINTS = {"auto": "ring", "gan-mnist": "ring", "r3gan": "ring", "cgan": "circle", "gan-1d-mended": "gaussian"}


@pytest.mark.parametrize(("recipe", "data"), [*ON_POINTS.items(), ("auto", "gaussian")])
def test_points_are_shown_with_noise_and_not_augmented(recipe: str, data: str) -> None:
    spec = open_data(data, DataOptions()).spec
    assert build(find(recipe), spec, {"augment": "noise:0.3"}, {}).game.view == InstanceNoise(0.3, fading=True)
    for augment in ("ada", "diffaugment"):
        with pytest.raises(UsageError, match=f"augment={augment} plays on images, not on {data}"):
            build(find(recipe), spec, {"augment": augment}, {})


@pytest.mark.parametrize(
    ("recipe", "data", "augment"), [("acgan", "digits", "ada"), ("r3gan", "digits", "ada"), ("cgan", "circle", "noise")]
)
def test_recipes_that_augment_can_be_trained(narrow, recipe: str, data: str, augment: str, tmp_path: Path) -> None:
    settings = {"batch": 8, "steps": 2, "log_every": 1, "augment": augment} | narrow(recipe, data)
    run = sparring.train(data, recipe, out=tmp_path / "r", device="cpu", display=Display(quiet=True), **settings)
    assert any("augment_p" in row for row in run.metrics) == (augment == "ada")
    assert sparring.load(run.path).recipe.game.view == run.recipe.game.view
