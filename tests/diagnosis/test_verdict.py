import json
from dataclasses import asdict, replace

import pytest

from sparring.diagnosis.diagnosis import diagnose_run, named, reliability
from sparring.diagnosis.sicknesses import FAR, SICKNESSES, measured, threshold_name
from sparring.diagnosis.verdict import HEALTHY, IN_WORDS, Finding, Verdict, diagnose
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


def test_every_sign_has_a_threshold_and_words_and_no_threshold_is_idle():
    names = {threshold_name(sickness, sign) for sickness in SICKNESSES for sign in signs(sickness)}
    assert names == set(measured()["thresholds"])
    assert {sign.symptom for sickness in (*SICKNESSES, FAR) for sign in signs(sickness)} == set(IN_WORDS)
    far = {threshold_name(FAR, sign) for sign in signs(FAR)}
    assert {kind: set(measured()["far"][kind]) for kind in measured()["far"]} == {"image": far, "points": far}


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


def records(figures, precision, recall=0.9, held_out=100):
    """Figures whose floor is .1, measured every 10 steps, and what samples and real examples have beside them."""
    floors = {"real_figure": 0.1, "real_precision": 1.0, "real_recall": 1.0, "real_held_out": held_out}
    samples = {"sample_precision": precision, "sample_recall": recall}
    return [floors | {"step": 10 * number, "figure": figure} | samples for number, figure in enumerate(figures)]


IMPROVING = [1000 / (step + 1) for step in range(0, 100, 10)]
ARRIVED = [1000.0, 10.0, *[0.2] * 8]
OVER = replace(IDENTITY, general=asdict(Settings(steps=90)))


def test_a_training_that_is_not_over_is_not_undertrained():
    rows = records(IMPROVING, 0.01)
    assert diagnose_run(rows, SPEC, OVER, "runs/x").verdict.name == "undertrained"
    found = diagnose_run(rows, SPEC, IDENTITY, "runs/x")
    assert (found.verdict.name, found.remedy) == ("nothing wrong so far", None)
    assert found.to_json()["healthy"] is None
    assert "as far as step 90 of 1000: the training is not over" in found.lines()[0]
    assert "0.01, which is below" in "".join(found.lines())


@pytest.mark.parametrize("identity", [IDENTITY, OVER], ids=["on the way", "at the end"])
def test_healthy_is_what_is_near_the_data(identity):
    found = diagnose_run(records(ARRIVED, 0.9), SPEC, identity, "runs/x")
    assert (found.verdict.name, found.to_json()["healthy"]) == ("healthy", True)
    assert f"  evidence: {IN_WORDS['recall']}: 0.9" in found.lines()
    doubtful = diagnose_run(records(ARRIVED, 0.9, held_out=8), SPEC, identity, "runs/x")
    assert (doubtful.verdict.name, doubtful.verdict.healthy) == ("cannot tell", False)
    doubtful = diagnose_run(records(ARRIVED, float("nan")), SPEC, identity, "runs/x")
    assert doubtful.verdict.name == "cannot tell"


@pytest.mark.parametrize(
    ("rows", "symptom"),
    [
        (records(ARRIVED, 0.3), "precision"),
        (records(ARRIVED, 0.9, 0.2), "recall"),
        (records([1000.0, *[20.0] * 9], 0.9), "kept"),
    ],
)
def test_where_nothing_is_found_far_from_the_data_that_is_no_health(rows, symptom):
    found = diagnose_run(rows, SPEC, OVER, "runs/x")
    assert (found.verdict.name, found.verdict.healthy, found.remedy) == ("far from the data", False, None)
    assert [evidence.symptom for evidence in found.verdict.far] == [symptom]
    assert any(line.startswith(f"  evidence: {IN_WORDS[symptom]}") for line in found.lines())
    json.dumps(found.to_json(), allow_nan=False)
    on_the_way = diagnose_run(rows, SPEC, IDENTITY, "runs/x")
    assert (on_the_way.verdict.name, on_the_way.verdict.healthy) == ("nothing wrong so far", None)


def test_how_sure_is_how_often_the_verdict_was_right():
    confusion = measured()["confusion"]
    assert set(confusion) == {HEALTHY, *(sickness.name for sickness in SICKNESSES)}
    for kind, row in confusion.items():
        counts = named(kind)
        assert counts["count"] == row.get(kind, 0)
        assert counts["of"] == sum(other.get(kind, 0) for other in confusion.values())
        (line,) = reliability(kind)
        assert (f"{counts['count']} of {counts['of']} test runs with this verdict" in line) == (counts["of"] > 0)
    assert (named("cannot tell"), reliability("far from the data")) == (None, [])


def test_without_anything_to_compare_with_nobody_can_tell():
    rows = [{"step": step, "figure": 100.0} for step in range(0, 100, 10)]
    found = diagnose_run(rows, SPEC, OVER, "runs/x")
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
