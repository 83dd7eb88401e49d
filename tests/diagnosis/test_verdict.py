import json
import math
from dataclasses import asdict, replace

import pytest

from sparring.diagnosis.diagnosis import diagnose_run
from sparring.diagnosis.remedies import CALMING, prescribe
from sparring.diagnosis.sicknesses import SICKNESSES, measured, threshold_name
from sparring.diagnosis.verdict import IN_WORDS, Finding, Verdict, diagnose, examine
from sparring.identity import Identity
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


def signs(sickness):
    return [sign for form in sickness.forms for sign in form]


def shifted(sickness, form, by):
    """Symptoms that are so far on the sick side of every threshold of a form."""
    found = {}
    for sign in form:
        threshold = measured()["thresholds"][threshold_name(sickness, sign)]
        found[sign.symptom] = threshold + (by if sign.side == "above" else -by)
    return found


def sick(name, symptoms=(), rate=math.nan, **identity):
    sickness = next(s for s in SICKNESSES if s.name == name)
    finding = examine(sickness, shifted(sickness, sickness.forms[0], 1e-6), measured()["thresholds"])
    return prescribe(Verdict(1000, (finding,), (), dict(symptoms), rate), replace(IDENTITY, **identity))


def test_every_sign_has_a_threshold_and_words_and_no_threshold_is_idle():
    names = {threshold_name(sickness, sign) for sickness in SICKNESSES for sign in signs(sickness)}
    assert names == set(measured()["thresholds"])
    assert {sign.symptom for sickness in SICKNESSES for sign in signs(sickness)} == set(IN_WORDS)


@pytest.mark.parametrize("sickness", SICKNESSES, ids=lambda s: s.name)
def test_a_sickness_needs_every_sign_of_a_form(sickness):
    thresholds = measured()["thresholds"]
    for form in sickness.forms:
        symptoms = shifted(sickness, form, 1e-6)
        assert sickness.signs(symptoms, thresholds) == form
        for sign in form:
            healthy = symptoms | {sign.symptom: shifted(sickness, form, -1e-6)[sign.symptom]}
            assert sickness.signs(healthy, thresholds) == ()
            assert sickness.signs({k: v for k, v in symptoms.items() if k != sign.symptom}, thresholds) == ()


def test_the_verdict_names_the_classes_that_are_missing():
    figures = [{"step": i, "figure": 100.0 / i, "class_0": 1.0, "class_1": 0.0} for i in range(1, 9)]
    verdict = diagnose([{"step": 0, "figure": 200.0, "real_figure": 1.0}, *figures], SPEC)
    assert "modes missing" in [finding.sickness for finding in verdict.findings]
    assert verdict.missing == ("b",)


def test_with_too_few_measurements_it_is_too_early():
    verdict = diagnose([{"step": 0, "figure": 100.0, "real_figure": 1.0}], SPEC)
    json.dumps(verdict.to_json(), allow_nan=False)
    assert (verdict.healthy, verdict.name) == (False, "too early to tell")


def test_on_the_way_nothing_is_said_that_may_pass_or_follows_from_it():
    kinds = ("oscillation", "undertrained", "nothing learned", "modes missing")
    verdict = Verdict(10, tuple(Finding(kind, "", ()) for kind in kinds), ("b",), {})
    assert [found.sickness for found in verdict.midway().findings] == ["oscillation"]
    assert verdict.midway().missing == ()


IMPROVING = [
    {"step": step, "figure": 1000 / (step + 1), "real_figure": 0.1, "sample_precision": 0.01, "real_precision": 0.8}
    for step in range(0, 100, 10)
]


def test_a_training_that_is_not_over_is_not_undertrained():
    over = diagnose_run(IMPROVING, SPEC, replace(IDENTITY, general=asdict(Settings(steps=90))), "runs/x")
    assert over.verdict.name == "undertrained"
    found = diagnose_run(IMPROVING, SPEC, IDENTITY, "runs/x")
    assert (found.verdict.name, found.remedy) == ("healthy", None)
    assert "as far as step 90 of 1000: the training is not over" in found.lines()[0]


def test_without_anything_to_compare_with_nobody_can_tell():
    rows = [{"step": step, "figure": 100.0} for step in range(0, 100, 10)]
    found = diagnose_run(rows, SPEC, replace(IDENTITY, general=asdict(Settings(steps=90))), "runs/x")
    assert (found.verdict.name, found.verdict.healthy) == ("cannot tell", False)
    assert "no examples are held out" in found.lines()[1]


def test_the_words_hold_the_evidence_the_command_and_how_sure():
    rows = [{"step": 3, "figure": 1.0, "not_finite": 1.0}]
    found = diagnose_run(rows, SPEC, replace(IDENTITY, given={"lr_generator": 0.5, "steps": 1000}), "runs/x")
    text = "\n".join(found.lines())
    assert "divergence" in text
    assert "lr_generator=0.5" in text
    assert "spar train 'my digits' --recipe gan-mnist --out runs/x --fresh\n" in text
    assert "healthy runs were called sick" in text
    assert found.to_json()["remedy"]["command"] in text


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
    assert sick("nothing learned", recipe="auto", recipe_digest="abc").recipe == "auto"


def test_it_is_told_how_long_that_takes():
    remedy = sick("undertrained", {"improving": 0.5, "above_floor": 8.0}, rate=16.0)
    assert "about 100 more minutes" in remedy.why  # 3 000 steps of 32 images


def test_against_copies_only_augmentation_or_more_data_help():
    assert sick("memorisation").settings == {"augment": "ada"}
    assert sick("memorisation", own={"augment": "ada"}) is None


def test_a_healthy_run_needs_no_remedy():
    assert prescribe(Verdict(100, (), (), {}), IDENTITY) is None
