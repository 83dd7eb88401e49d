"""Real trainings that are made sick."""

import json

import pytest

import sparring
from sparring.api import roll_back
from sparring.diagnosis.verdict import Finding, Verdict
from sparring.training.display import Display
from sparring.training.loop import Sick

COLLAPSING = ("train", "digits", "--recipe", "gan-mnist", "--steps", 600, "--set", "lr_generator=0.02")


@pytest.fixture
def quiet():
    return Display(quiet=True)


def test_a_collapse_is_told_at_the_end_and_by_diagnose(spar, tmp_path):
    got = spar(*COLLAPSING, "--set", "log_every=20", "--out", tmp_path / "run")
    assert got.code == 0
    assert "WARNING: collapse to few images" in got.out
    diagnosed = spar("diagnose", tmp_path / "run", "--json")
    assert diagnosed.code == 3
    found = json.loads(diagnosed.out)
    assert found["verdict"] == "collapse to few images"
    assert found["remedy"]["command"] == "spar train digits --recipe gan-mnist --fresh --set log_every=20"
    plain = spar("diagnose", tmp_path / "run")
    assert plain.code == 3
    assert found["remedy"]["command"] in plain.out
    assert "distance between neighbouring samples" in plain.out


def test_a_sick_run_stops_where_it_is_asked_to(spar, tmp_path):
    got = spar(*COLLAPSING, "--on-sick", "stop", "--out", tmp_path / "run")
    assert got.code == 3
    assert got.err.count("\n") == 1
    assert "collapse to few images" in got.err
    assert 150 <= sparring.load(tmp_path / "run").step("last") < 600


def test_a_sick_run_goes_back_with_the_remedy_and_resumes_to_the_same_bits(spar, tmp_path, quiet):
    got = spar(*COLLAPSING, "--on-sick", "rollback", "--out", tmp_path / "a")
    assert "back to the best checkpoint" in got.out
    run = sparring.load(tmp_path / "a")
    (remedy,) = run.identity.remedies
    assert remedy.settings == {"lr_generator": 0.0002}
    assert run.recipe.lr_generator == 0.0002
    assert got.code in (0, 3)
    again = spar(*COLLAPSING, "--on-sick", "rollback", "--out", tmp_path / "a")
    assert again.code == got.code


def test_circles_are_calmed_in_the_run_itself_without_an_average(tmp_path, quiet):
    """The remedy has one, but a run that goes on cannot begin it."""
    settings = {"steps": 20, "best_every": 10, "device": "cpu", "on_sick": "rollback"}
    run = sparring.train("gaussian", "wgan-gp", out=tmp_path / "run", display=quiet, **settings)
    best = run.step("best")
    circles = Finding("oscillation", "the players go round in circles", ())
    calmed = roll_back(run, Sick(run.directory, Verdict(20, (circles,), (), {})))
    assert (calmed.recipe.schedule_generator, calmed.recipe.ema) == ("cosine", 0.0)
    assert calmed.step("last") == best
    again = sparring.train("gaussian", "wgan-gp", out=tmp_path / "run", display=quiet, **settings)
    assert (again.step("last"), again.recipe.schedule_discriminator) == (20, "cosine")


def test_a_run_that_was_never_measured_is_no_case(spar, tmp_path, digits_copy):
    (digits_copy / "metrics.jsonl").unlink()
    got = spar("diagnose", digits_copy)
    assert got.code == 2
    assert "train it first" in got.err


def test_a_diagnosis_through_the_api(digits_run):
    found = digits_run.diagnose()
    assert found.verdict.step == 30
    assert found.to_json()["verdict"] == found.verdict.name


def test_on_sick_is_one_of_three(spar, tmp_path):
    got = spar("train", "digits", "--on-sick", "panic", "--out", tmp_path / "run")
    assert got.code == 2
    assert "continue, stop, rollback" in got.err
