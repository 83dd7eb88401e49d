"""Real trainings that are made sick."""

import json

import pytest
import torch

import sparring
from sparring import api
from sparring.api import roll_back
from sparring.diagnosis.remedies import suspects
from sparring.diagnosis.verdict import Finding, Verdict
from sparring.errors import UsageError
from sparring.identity import Identity
from sparring.prepare import prepare
from sparring.report.recorded import commands
from sparring.training.display import Display
from sparring.training.sickness import Sick
from sparring.training.state import read_facts

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
    beside = f"spar train digits --recipe gan-mnist --out {tmp_path / 'run'} --fresh --set log_every=20"
    assert found["remedy"]["command"] == beside
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


def test_a_sick_run_goes_back_with_the_remedy_and_resumes_to_the_same_bits(spar, tmp_path):
    """To the bits of a run that had the remedy's setting from its first weights on, as no others were better."""
    healthy = ("train", "digits", "--recipe", "gan-mnist", "--steps", 400, "--set", "best_every=50")
    words = (*healthy, "--set", "lr_generator=0.02", "--on-sick", "rollback", "--out", tmp_path / "a")
    got = spar(*words)
    assert "back to the first weights, as no others are better" in got.out
    assert got.code == 0
    run = sparring.load(tmp_path / "a")
    (remedy,) = run.identity.remedies
    assert remedy.settings == {"lr_generator": 0.0002}
    assert run.recipe.lr_generator == 0.0002
    resumed = run.sample(4, checkpoint="last")
    spar(*healthy, "--out", tmp_path / "b")
    assert torch.equal(resumed, sparring.load(tmp_path / "b").sample(4, checkpoint="last"))
    assert spar(*words).code == got.code
    assert torch.equal(resumed, sparring.load(tmp_path / "a").sample(4, checkpoint="last"))


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


def test_a_run_knows_what_its_settings_would_be(tmp_path):
    given = {"k": 5, "lr_generator": 0.5, "weight": 1.0, "steps": 20}
    cpu = torch.device("cpu")
    run, _ = prepare("gaussian", "wgan-gp", tmp_path, cpu, fresh=False, settings=given, show_progress=False)
    usual, _ = prepare("gaussian", "wgan-gp", tmp_path, cpu, fresh=False, settings={}, show_progress=False)
    would_be = usual.identity.own | usual.identity.general
    assert run.identity.defaults == {name: would_be[name] for name in given}
    assert Identity.from_json(run.identity.to_json()).defaults == run.identity.defaults
    assert would_be["k"] == 5
    assert set(suspects(run.identity)) == {"lr_generator=0.5", "weight=1.0", "steps=20"}


CIRCLES = Verdict(20, (Finding("oscillation", "the players go round in circles", ()),), (), {})
ROLLING = {"steps": 20, "best_every": 10, "device": "cpu", "on_sick": "rollback"}


def test_where_no_checkpoint_is_better_than_the_untrained_generator_all_begins_anew(tmp_path, quiet, monkeypatch):
    run = sparring.train("gaussian", "wgan-gp", out=tmp_path / "run", display=quiet, **ROLLING)
    facts = read_facts(run.checkpoint("last"))
    monkeypatch.setattr(api, "read_facts", lambda path: facts | {"first_figure": 0.0})
    calmed = roll_back(run, Sick(run.directory, CIRCLES))
    assert calmed.identity.remedies[0].step == 0
    assert (calmed.directory.numbered(), calmed.directory.best.exists()) == ([], False)
    again = sparring.train("gaussian", "wgan-gp", out=tmp_path / "run", display=quiet, **ROLLING)
    falling = {"schedule_generator": "cosine", "schedule_discriminator": "cosine"}
    fresh = sparring.train("gaussian", "wgan-gp", out=tmp_path / "fresh", display=quiet, **ROLLING, **falling)
    assert torch.equal(again.sample(9, checkpoint="last"), fresh.sample(9, checkpoint="last"))


def test_a_balanced_run_that_goes_back_stays_balanced(tmp_path, quiet):
    """Its checkpoints hold the balance."""
    run = sparring.train("gaussian", "wgan-gp", out=tmp_path / "run", display=quiet, balance=0.9, **ROLLING)
    roll_back(run, Sick(run.directory, CIRCLES))
    again = sparring.train("gaussian", "wgan-gp", out=tmp_path / "run", display=quiet, balance=0.9, **ROLLING)
    assert (again.step("last"), again.recipe.balance) == (20, 0.9)


def test_a_remedy_is_not_undone_by_another_setting(tmp_path, quiet):
    out = tmp_path / "run"
    run = sparring.train("gaussian", "wgan-gp", out=out, display=quiet, schedule_generator="linear", **ROLLING)
    run = roll_back(run, Sick(run.directory, CIRCLES))
    assert run.identity.remedies[0].was["schedule_generator"] == "linear"
    assert "schedule_generator=linear" in commands(run.identity, "")[0]
    with pytest.raises(UsageError, match=r"schedule_generator=.* as a remedy: leave schedule_generator=cosine out"):
        sparring.train("gaussian", "wgan-gp", out=out, display=quiet, schedule_generator="cosine", **ROLLING)
    again = sparring.train("gaussian", "wgan-gp", out=out, display=quiet, schedule_generator="linear", **ROLLING)
    assert again.step("last") == 20


def test_a_rollback_that_a_kill_prevented_is_made_up_for(spar, tmp_path, monkeypatch):
    """Also at the last step, when the training itself is complete."""
    words = (*COLLAPSING, "--set", "best_every=120", "--on-sick", "rollback")
    whole = spar(*words, "--out", tmp_path / "whole")
    with monkeypatch.context() as killed:
        killed.setattr(api, "roll_back", lambda run, sick: exec("raise KeyboardInterrupt"))
        spar(*words, "--out", tmp_path / "killed")
    after = spar(*words, "--out", tmp_path / "killed")
    assert after.code == whole.code
    runs = [sparring.load(tmp_path / name) for name in ("whole", "killed")]
    assert runs[0].identity.remedies
    assert runs[0].identity.remedies == runs[1].identity.remedies
    assert torch.equal(*(run.sample(4, checkpoint="last") for run in runs))


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
