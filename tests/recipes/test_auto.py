"""The default recipe: what it chooses, that it says so, and that a run goes on with its own choice."""

import io
import json
import re
from pathlib import Path

import pytest
import torch
from rich.console import Console

import sparring
from sparring.errors import UsageError
from sparring.penalties import R1
from sparring.recipes import CHOOSERS, DEFAULT
from sparring.recipes.auto import FEWEST_STEPS, MOST_STEPS, WIDTHS, choose, multiplications
from sparring.recipes.build import build, find
from sparring.training.display import Display
from sparring.types import DataSpec, Machine

GREY, COLOUR, LARGE = (DataSpec("image", shape) for shape in ((1, 28, 28), (3, 32, 32), (3, 64, 64)))
TWO, EIGHT, GPU = Machine("cpu", 2), Machine("cpu", 8), Machine("cuda", 8)
SETTINGS = {"device": "cpu", "steps": 2, "width": 8, "best_every": 2, "grid_every": 2}


@pytest.mark.parametrize("machine", [Machine("cpu", 1), TWO, EIGHT, GPU, Machine("mps", 8)])
@pytest.mark.parametrize("examples", [2, 300, 54_000])
@pytest.mark.parametrize("spec", [GREY, COLOUR, LARGE, DataSpec("image", (3, 5, 128)), DataSpec("image", (1, 8, 8))])
def test_chooses_what_can_be_trained(spec: DataSpec, examples: int, machine: Machine) -> None:
    settings, why = choose(spec, examples, machine)
    assert settings["width"] in WIDTHS
    assert 2 <= settings["batch"] <= 2 * examples
    assert 1_000 <= settings["steps"] <= MOST_STEPS
    assert 10 <= settings["grid_every"] <= settings["steps"] // 50
    assert str(settings["width"]) in why
    assert str(settings["steps"]) in why
    assert choose(spec, examples, machine) == (settings, why)


def test_a_quicker_machine_gets_wider_networks_or_more_steps() -> None:
    for spec in (GREY, COLOUR, LARGE):
        chosen = [choose(spec, 50_000, machine).settings for machine in (TWO, EIGHT, GPU)]
        work = [c["steps"] * multiplications(spec.shape, c["width"]) for c in chosen]
        assert work == sorted(work)
        assert [c["width"] for c in chosen] == sorted(c["width"] for c in chosen)


def test_mnist_on_two_cores_gets_narrow_networks_and_enough_steps() -> None:
    settings = choose(GREY, 54_000, TWO).settings
    assert settings["width"] == 16
    assert settings["steps"] >= FEWEST_STEPS


def test_few_examples_are_not_seen_too_often() -> None:
    few, many = (choose(GREY, examples, EIGHT).settings for examples in (400, 50_000))
    assert few["steps"] < many["steps"]
    assert (few["augment"], many["augment"]) == ("ada", "none")


def test_a_cpu_that_has_bfloat16_computes_in_it_and_takes_more_steps() -> None:
    with_it = choose(GREY, 54_000, TWO._replace(bfloat16=True)).settings
    without = choose(GREY, 54_000, TWO).settings
    assert with_it["precision"] == "bfloat16"
    assert "precision" not in without
    assert with_it["steps"] > without["steps"]


def test_a_classifier_of_small_images_would_lose_by_bfloat16() -> None:
    machine = TWO._replace(bfloat16=True)
    for spec, precision in ((GREY, "bfloat16"), (DataSpec("image", (1, 8, 8)), None)):
        assert CHOOSERS["few-labels"](spec, 54_000, machine).settings.get("precision") == precision
        assert "precision" not in CHOOSERS["few-labels"](spec, 54_000, TWO).settings


def test_the_discriminator_is_kept_smooth_unless_it_is_not_to_be() -> None:
    assert build(find("auto"), COLOUR, {"gamma": 2.0}, {}).game.penalties == (R1(2.0),)
    assert build(find("auto"), COLOUR, {"gamma": 0.0}, {}).game.penalties == ()


def test_the_work_of_a_network_is_that_of_its_convolutions() -> None:
    recipe = build(find("auto"), GREY, {"width": 8}, {})
    assert recipe.discriminator is not None
    network, counted = recipe.discriminator(), 0

    def count(layer: torch.nn.Conv2d, _: object, made: torch.Tensor) -> None:
        nonlocal counted
        counted += layer.weight.numel() * made.shape[2] * made.shape[3]

    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(count)
    network(torch.zeros(1, *GREY.shape).expand(2, -1, -1, -1))
    assert counted == multiplications(GREY.shape, 8)


def test_says_what_it_chose_and_goes_on_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    display = Display(console=Console(file=said, width=300))
    run = sparring.train("digits", out=tmp_path / "run", display=display, **SETTINGS)
    assert "auto chose batch=64, augment=ada" in said.getvalue()
    assert " with your width=8, steps=2, about " in said.getvalue()
    assert " for 1484 images of 1 x 8 x 8 on " in said.getvalue()
    identity = json.loads((run.path / "recipe.json").read_text())
    assert identity["recipe"] == DEFAULT == "auto"
    chosen = identity["chosen"]["settings"]
    assert run.recipe.batch == chosen["batch"] == identity["settings"]["general"]["batch"]
    assert not {"width", "steps", "grid_every"} & chosen.keys()
    monkeypatch.setitem(CHOOSERS, "auto", lambda *_: pytest.fail("a run keeps its first choice"))
    more = sparring.train("digits", out=tmp_path / "run", display=Display(quiet=True), **SETTINGS | {"steps": 4})
    assert (more.recipe.steps, more.recipe.batch) == (4, chosen["batch"])


def seconds(why: str) -> float:
    """The announced time."""
    words = re.search(r"about (\d+) (s|min)", why)
    assert words
    return float(words[1]) * {"s": 1, "min": 60}[words[2]]


def test_what_the_user_sets_is_planned_with() -> None:
    """The time is that of the user's width, with as many steps as it leaves, or the user's."""
    free = choose(LARGE, 50_000, TWO)
    wide, long = (choose(LARGE, 50_000, TWO, {"width": 64} | more) for more in ({}, {"steps": 6_000}))
    assert free.settings["width"] < 64
    assert 1_000 <= wide.settings["steps"] < free.settings["steps"] / 2
    assert "with your width=64, " in wide.why
    ratio = multiplications(LARGE.shape, 64) / multiplications(LARGE.shape, free.settings["width"])
    assert seconds(long.why) / seconds(free.why) == pytest.approx(ratio * 6_000 / free.settings["steps"], rel=0.1)
    assert seconds(choose(LARGE, 50_000, TWO, {"k": 5}).why) == pytest.approx(seconds(free.why), rel=0.1)
    assert choose(LARGE, 50_000, TWO, {"k": 5}).settings["steps"] < free.settings["steps"] / 2


def test_given_steps_do_not_change_the_networks() -> None:
    """A run may be given more later."""
    for steps in (10, 10**6):
        chosen = choose(COLOUR, 50_000, TWO, {"steps": steps}).settings
        assert chosen == {k: v for k, v in choose(COLOUR, 50_000, TWO).settings.items() if k != "steps"}


def test_a_plan_for_few_labels_is_made_with_what_is_given() -> None:
    plan = CHOOSERS["few-labels"]
    assert plan(GREY, 1_000, TWO, {"batch": 25}).settings["steps"] == 70 * 1_000 / 25
    assert plan(GREY, 1_000, TWO, {"network": "convolutional"}).settings.keys() == {"batch", "steps"}
    assert "with your batch=25" in plan(GREY, 1_000, TWO, {"batch": 25}).why


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"width": 0}, {"k": 0}])
def test_what_makes_no_sense_is_refused_before_it_is_planned_with(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="it must be at least"):
        sparring.train("digits", out=tmp_path / "run", **wrong)


def test_what_the_user_sets_is_not_chosen(tmp_path: Path) -> None:
    run = sparring.train("digits", out=tmp_path / "run", display=Display(quiet=True), **SETTINGS, batch=6)
    assert (run.recipe.batch, run.recipe.steps) == (6, 2)
    assert run.identity.own["width"] == 8


def test_points_are_played_by_the_recipes_that_do_it_best() -> None:
    line, plane = DataSpec("points", (1,)), DataSpec("points", (2,))
    for spec, name in ((line, "gan-1d-mended"), (plane, "r3gan")):
        ours, theirs = (build(find(which), spec, {}, {}) for which in ("auto", name))
        assert str(ours.generator()) == str(theirs.generator())
        assert (ours.game, ours.steps, ours.batch) == (theirs.game, theirs.steps, theirs.batch)


def test_points_are_not_augmented() -> None:
    with pytest.raises(UsageError, match="augment=ada plays on images"):
        build(find("auto"), DataSpec("points", (2,)), {"augment": "ada"}, {})


def test_r3gan_plays_on_images_of_any_shape() -> None:
    for shape in ((1, 28, 28), (3, 9, 33)):
        recipe = build(find("r3gan"), DataSpec("image", shape), {"width": 16, "blocks": 1, "gamma": 0.5}, {})
        assert recipe.discriminator is not None
        made = recipe.generator()(recipe.latent(None, 2))
        assert made.shape == (2, *shape)
        assert recipe.discriminator()(made).shape == (2, 1)
        weights = {penalty.weight for penalty in recipe.game.penalties}
        assert weights == {0.5 * (shape[1] * shape[2] / 4096) ** 2}
    fade = recipe.game.fade
    assert [fade(torch.tensor(done)).item() for done in (0.0, 1.0)] == pytest.approx([1.0, 0.1])


def test_can_be_told_classes(tmp_path: Path) -> None:
    """Both players then hear them, and samples can be asked for one."""
    run = sparring.train("digits", out=tmp_path / "run", conditional=True, display=Display(quiet=True), **SETTINGS)
    fours, fives = torch.full((3,), 4), torch.full((3,), 5)
    assert not torch.equal(run.sample(3, label=4), run.sample(3, label=5))
    assert run.recipe.discriminator is not None
    judge, images = run.recipe.discriminator(), run.sample(3)
    assert not torch.equal(judge(images, fours), judge(images, fives))
    assert sparring.load(run.path).recipe.conditional


@pytest.mark.parametrize(
    ("spec", "said"),
    [(GREY, "has neither"), (DataSpec("points", (2,)), "on images only"), (DataSpec("points", (1,)), "on images only")],
)
def test_refuses_to_be_told_what_there_is_not(spec: DataSpec, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        build(find("auto"), spec, {"conditional": True}, {})
