"""More steps than a run was planned for: what changes is said, and kept, so that the whole can be trained again."""

import html
import json
import re
import shlex
from pathlib import Path

import pytest

import sparring
from sparring.identity import Planned, taken_back
from sparring.training.display import Display

QUIET = {"device": "cpu", "display": Display(quiet=True)}
FALLING = {"recipe": "gan-1d-mended", "points": 300, "batch": 16, "log_every": 2, "threads": 1}


def test_rates_that_rise_again_are_told_and_the_plan_is_kept(heard, tmp_path: Path) -> None:
    """Cosine from 1e-3: .001 (1 + cos(π · 9/10)) / 2 before, .001 (1 + cos(π · 10/40)) / 2 after."""
    sparring.train("gaussian", out=tmp_path / "run", **QUIET, **FALLING, schedule_generator="cosine", steps=10)
    display, text = heard()
    more = {**FALLING, "schedule_generator": "cosine", "steps": 40}
    run = sparring.train("gaussian", out=tmp_path / "run", device="cpu", display=display, **more)
    line = "planned for 10 steps, this run goes on from step 10 to 40, so that 25% of it are over: "
    assert f"{line}lr_generator goes from 2.4e-05 to 0.00085, lr_discriminator" in text.getvalue()
    log = (run.path / "log.txt").read_text()
    assert log.count(line) == 1
    assert log.index("best at step") < log.index(line) < log.rindex("best at step")
    assert sparring.load(run.path).identity.earlier == (Planned(10, 10),)
    display, text = heard()
    sparring.train("gaussian", out=run.path, device="cpu", display=display, **more)
    assert "planned for" not in text.getvalue()  # not again
    assert sparring.load(run.path).identity.earlier == (Planned(10, 10),)


def test_rates_that_never_fall_are_not_spoken_of(heard, tmp_path: Path) -> None:
    settings = {"recipe": "gan-1d", "K": 1, "M": 16, "log_every": 2, "decay_generator": 1, "decay_discriminator": 1}
    sparring.train("gaussian", out=tmp_path / "run", **QUIET, **settings, steps=4)
    display, text = heard()
    sparring.train("gaussian", out=tmp_path / "run", device="cpu", display=display, **settings, steps=8)
    assert "planned for 4 steps, this run goes on from step 4 to 8\n" in text.getvalue()


def test_the_reports_commands_train_an_extended_run_again(same, spar, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for steps in (4, 6, 10):
        run = sparring.train("gaussian", out="run", **QUIET, **FALLING, steps=steps)
    assert run.identity.earlier == (Planned(4, 4), Planned(6, 6))
    page = run.report(tmp_path / "page.html").read_text()
    told = re.findall("<pre[^>]*><code[^>]*>(.*?)</code>", page, re.DOTALL)[-1]
    lines = html.unescape(told).splitlines()
    assert len(lines) == 3
    assert "Up to step 4 it was planned for 4 steps. Up to step 6 it was planned for 6 steps." in html.unescape(page)
    for line in lines:
        assert spar(*shlex.split(line)[1:], "--device", "cpu").code == 0
    again = sparring.load("run-again")
    assert same(again, run)
    straight = sparring.train("gaussian", out="straight", **QUIET, **FALLING, steps=10)
    assert not same(straight, run)  # else there would be nothing to tell


def test_a_plan_that_no_step_was_made_by_is_forgotten(stopping_at, tmp_path: Path) -> None:
    """Stopped on the way: the plan ends where the run was when it was given more steps."""
    with pytest.raises(sparring.SparringError, match="stopped at step 3 of 10"):
        sparring.train("gaussian", out=tmp_path / "run", device="cpu", display=stopping_at(3), **FALLING, steps=10)
    run = sparring.load(tmp_path / "run")
    file = run.path / "recipe.json"
    identity = json.loads(file.read_text())
    identity["settings"]["general"]["steps"], identity["earlier"] = 20, [{"step": 3, "steps": 10}]
    file.write_text(json.dumps(identity))  # given 20, and killed before a step was made
    run = sparring.train("gaussian", out=run.path, **QUIET, **FALLING, steps=30)
    assert run.identity.earlier == (Planned(3, 10),)
    assert "nearly, not to the bit" in run.report(tmp_path / "page.html").read_text()


def test_an_ending_that_a_kill_prevented_is_written_after_an_extension(tmp_path: Path) -> None:
    run = sparring.train("gaussian", out=tmp_path / "run", **QUIET, **FALLING, steps=4)
    sparring.train("gaussian", out=run.path, **QUIET, **FALLING, steps=8)
    log = run.path / "log.txt"
    whole = log.read_text().splitlines()
    extension = next(i for i, line in enumerate(whole) if line.startswith("planned for"))
    log.write_text("".join(f"{line}\n" for line in whole[: extension + 1]))
    for _ in range(2):
        sparring.train("gaussian", out=run.path, **QUIET, **FALLING, steps=8)
        assert len(log.read_text().splitlines()) == len(whole)


@pytest.mark.parametrize(
    ("step", "left"),
    [(0, ()), (7, ((7, 10),)), (10, ((10, 10),)), (12, ((10, 10), (12, 20))), (30, ((10, 10), (20, 20)))],
)
def test_a_run_that_is_taken_back_forgets_what_came_later(step: int, left: tuple) -> None:
    assert taken_back((Planned(10, 10), Planned(20, 20)), step) == left
