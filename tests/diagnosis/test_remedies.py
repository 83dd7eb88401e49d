import math
from dataclasses import asdict, replace

import pytest

from sparring.diagnosis.remedies import CALMING, OF_CLASSES, PLAIN, prescribe
from sparring.diagnosis.sicknesses import SICKNESSES
from sparring.diagnosis.verdict import Finding, Verdict
from sparring.identity import Identity
from sparring.recipes import RECIPES
from sparring.recipes.build import build, check_heeded, find, share_out
from sparring.settings import Settings
from sparring.types import DataSpec

SPEC = DataSpec("image", (1, 8, 8), ("a", "b"))
IDENTITY = Identity(
    recipe="gan-mnist",
    recipe_digest="",
    data="my digits",
    data_options={},
    own={},
    general=asdict(Settings(steps=1000)),
    spec=SPEC,
    fingerprint="",
)


def sick(name, symptoms=(), rate=math.nan, **identity):
    sickness = next(sickness for sickness in SICKNESSES if sickness.name == name)
    finding = Finding(sickness.name, sickness.meaning, ())
    return prescribe(Verdict(1000, (finding,), (), dict(symptoms), rate), replace(IDENTITY, **identity))


def test_the_users_own_settings_are_the_first_suspects():
    remedy = sick("nothing learned", given={"hold": "generator", "steps": 900, "seed": 3})
    assert (remedy.recipe, remedy.settings) == ("gan-mnist", {"seed": 3})
    assert "hold=generator" in remedy.why


def test_circles_are_calmed_by_rates_that_fall_and_an_average():
    remedy = sick("oscillation", given={"lr_generator": 0.01, "seed": 3})
    assert (remedy.recipe, remedy.settings) == ("gan-mnist", {"seed": 3} | CALMING)
    assert "lr_generator=0.01" in remedy.why
    falling = asdict(Settings(steps=1000, decay_generator=0.9, decay_discriminator=0.9))
    assert sick("oscillation", general=falling).recipe == "auto"


def test_without_suspects_the_best_known_recipe_takes_its_place():
    remedy = sick("nothing learned", given={"batch": 8, "size": 64}, data_options={"size": 64})
    assert (remedy.recipe, remedy.settings) == ("auto", {"size": 64})


def test_another_length_than_the_recipes_is_a_suspect_too():
    remedy = sick("nothing learned", given={"steps": 100, "batch": 8})
    assert (remedy.recipe, remedy.settings) == ("gan-mnist", {"batch": 8})
    assert "you set steps=100" in remedy.why


def test_modes_of_points_are_what_most_recipes_leave_out_by_themselves():
    points = DataSpec("points", (2,))
    given = {"lr_generator": 0.05, "seed": 3}
    assert sick("modes missing", recipe="pacgan", given=given, spec=points).recipe == "auto"
    assert sick("modes missing", recipe="pacgan", given=given).recipe == "pacgan"
    findings = tuple(Finding(kind, "", ()) for kind in ("undertrained", "modes missing"))
    both = Verdict(1000, findings, (), {"improving": 0.5, "above_floor": 8.0})
    assert prescribe(both, replace(IDENTITY, recipe="pacgan", spec=points)).recipe == "auto"
    assert prescribe(both, replace(IDENTITY, recipe="r3gan", spec=points)).goes_on


def test_the_best_known_recipe_is_played_more_gently():
    remedy = sick("divergence", recipe="auto")
    assert remedy.settings == {"lr_generator": 1e-4, "lr_discriminator": 1e-4}


@pytest.mark.parametrize(("above", "steps"), [(8.0, 4000), (2.0, 2000), (1.0, 2000), (1e6, 10_000)])
def test_an_undertrained_run_goes_on_as_long_as_it_needs(above, steps):
    halving = {"improving": 0.5, "above_floor": above}  # the figure halves when the steps double
    remedy = sick("undertrained", halving, given={"steps": 1000, "k": 2})
    assert remedy.settings == {"steps": steps, "k": 2}
    assert remedy.command("digits", "runs/x") == (
        f"spar train digits --recipe gan-mnist --out runs/x --set k=2 --steps {steps}"
    )


def test_a_recipe_of_the_users_goes_by_its_file():
    halving = {"improving": 0.5, "above_floor": 8.0}
    remedy = sick("undertrained", halving, recipe="mine", recipe_digest="abc", recipe_file="/my recipes/mine.py")
    assert remedy.command("digits", "runs/x").startswith("spar train digits --recipe '/my recipes/mine.py' --out ")
    own = sick("nothing learned", recipe="mine", recipe_digest="abc", recipe_file="/mine.py")
    assert own.recipe == "/mine.py"  # nobody knows what it does, so no other one takes its place


def test_it_is_told_how_long_that_takes():
    remedy = sick("undertrained", {"improving": 0.5, "above_floor": 8.0}, rate=16.0)
    assert "about 100 more minutes" in remedy.why  # 3 000 steps of 32 images


def test_against_copies_only_augmentation_or_more_data_help():
    remedy = sick("memorisation", given={"seed": 3, "width": 8})
    assert (remedy.recipe, remedy.settings) == ("auto", {"seed": 3, "augment": "ada"})
    assert "with auto in place of gan-mnist" in remedy.why
    assert sick("memorisation", own={"augment": "ada"}) is None
    assert sick("memorisation", recipe="bigan", own={"width": 64}) is None


def test_what_is_trained_stays_what_it_is():
    task = {"conditional": True, "augment": "ada", "balance": 0.7}
    given = task | {"width": 32, "lr_generator": 0.1, "size": 64}
    remedy = sick("divergence", recipe="auto", given=given, data_options={"size": 64})
    assert (remedy.recipe, remedy.settings) == ("auto", task | {"width": 32, "size": 64})
    assert remedy.why.endswith("you set lr_generator=0.1")
    remedy = sick("nothing learned", recipe="dcgan", given={"width": 32, "balance": 0.7, "augment": "ada"})
    assert (remedy.recipe, remedy.settings) == ("auto", {"balance": 0.7, "augment": "ada"})


def test_what_is_as_it_would_be_is_no_suspect():
    remedy = sick("divergence", given={"lr_generator": 2e-4, "k": 5}, defaults={"lr_generator": 2e-4, "k": 1})
    assert remedy.why.endswith("you set k=5")
    remedy = sick("divergence", recipe="auto", given={"lr_generator": 2e-4}, defaults={"lr_generator": 2e-4})
    assert remedy.why == "play the same game more gently"


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", ["divergence", "memorisation", "oscillation"])
def test_what_is_prescribed_can_be_trained_and_does_the_same(recipe, name):
    spec = DataSpec("points", (1,)) if recipe.startswith("gan-1d") else SPEC
    remedy = sick(name, recipe=recipe, spec=spec)
    if remedy is None:
        return
    named = find(remedy.recipe)
    own, general, _ = share_out(named, remedy.settings, {})
    built, before = build(named, spec, own, general), build(find(recipe), spec, {}, {})
    check_heeded(named, built, spec, remedy.settings)
    assert built.conditional == before.conditional
    assert (built.discriminator is None) == (before.discriminator is None)
    assert remedy.recipe == recipe or recipe in (*PLAIN, *OF_CLASSES)
    assert remedy.recipe == recipe or f"{remedy.recipe} " in remedy.why


def test_recipes_that_learn_something_besides_are_kept():
    for recipe in ("bigan", "few-labels", "complement", "vae"):
        assert sick("nothing learned", recipe=recipe).recipe == recipe
    assert sick("nothing learned", recipe="cgan").settings == {"conditional": True}


def test_options_are_said_as_options():
    remedy = sick("divergence", given={"on_sick": "stop", "batch": 8, "lr_generator": 0.1})
    command = remedy.command("digits", "runs/x")
    assert command == "spar train digits --recipe gan-mnist --out runs/x --fresh --on-sick stop --batch 8"


def test_a_healthy_run_needs_no_remedy():
    assert prescribe(Verdict(100, (), (), {}), IDENTITY) is None
