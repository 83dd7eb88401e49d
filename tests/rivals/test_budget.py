"""Trainings that are given seconds."""

import json
from pathlib import Path

from sparring.rivals.budget import Clock, affordable, train_for


def test_a_training_by_seconds_keeps_its_steps_and_adds_its_seconds_up(tmp_path: Path) -> None:
    settings = {"out": tmp_path / "run", "device": "cpu", "batch": 8, "seed": 3}
    run, seconds = train_for(1e-9, "ring", "lsgan", **settings)
    assert run.recipe.steps == 50
    assert run.recipe.seed == 3
    assert seconds > 0
    again, no_more = train_for(1000, "ring", "lsgan", **settings)
    assert (again.recipe.steps, no_more) == (50, seconds)
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"steps": 70, "seconds": seconds}))
    more, longer = train_for(1000, "ring", "lsgan", **settings)
    assert more.step("last") == 70
    assert longer > seconds


def test_more_seconds_buy_more_steps() -> None:
    class Even(Clock):
        def __call__(self) -> float:
            self.ticks.append(0.0)
            return len(self.ticks) - 1.0  # the start and each step: a second apart

    for seconds, expected in ((60, 50), (1050, 1000), (2500, 2500)):
        clock = Even("cpu")
        object.__setattr__(clock, "ticks", [])
        assert affordable("ring", "lsgan", seconds, clock, {"batch": 8}) == expected
