"""What helps: for each sickness, a command with changed settings that can be run."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sparring.diagnosis.verdict import Verdict

BEST = "auto"
"""The recipe that is prescribed where another one fails."""
NEAR = 2.0
"""What more training of an undertrained run aims at: a figure of at most so many times that of real examples."""
LONGER = (2.0, 10.0)
"""An undertrained run is told to take at least and at most so many times its steps."""
HARMLESS = (
    *("steps", "epochs", "batch", "seed", "threads", "engine", "precision", "checkpoint_seconds", "tensorboard"),
    *("grid_every", "log_every", "best_every", "signals_every", "ema", "ema_rampup", "on_sick"),
)
"""Settings that cannot make a game sick, so they are kept, and are no suspects."""


@dataclass(frozen=True)
class Remedy:
    """A training that is to go better: what changes and why, and its settings as the user would give them."""

    why: str
    recipe: str
    settings: dict[str, Any] = field(default_factory=dict)
    goes_on: bool = False
    """The same run goes on; else it is a new one."""

    def command(self, data: str, out: str) -> str:
        """The command, as a shell reads it."""
        words = ["spar", "train", data, "--recipe", self.recipe]
        words += ["--out", out] if self.goes_on else ["--fresh"]
        for name, value in self.settings.items():
            words += ["--set", f"{name}={value}"]
        return shlex.join(words)


def prescribe(verdict: Verdict, identity: Mapping[str, Any]) -> Remedy | None:
    """What helps a run with this recipe.json; None where it is healthy, or nothing is known to help.

    The first suspects are the settings that the user changed. Where there are none, the recipe does not fit the data,
    and BEST takes its place.
    """
    if not verdict.findings:
        return None
    recipe, given = str(identity["recipe"]), dict(identity.get("given", {}))
    kept = {name: value for name, value in given.items() if name in HARMLESS or name in identity["data_options"]}
    suspects = [name for name in given if name not in kept]
    if verdict.name == "undertrained":
        return longer(verdict, identity, given)
    if verdict.name == "memorisation":
        return more_data(identity, kept)
    if suspects:
        said = ", ".join(f"{name}={given[name]}" for name in suspects)
        return Remedy(f"leave {recipe}'s own settings as they are: you set {said}", recipe, kept)
    if recipe != BEST:
        why = f"{recipe} does not fit these data: {BEST} chooses networks and settings for them"
        return Remedy(why, BEST, {name: value for name, value in kept.items() if name in ("seed", "threads")})
    return gentler(identity, kept)


def longer(verdict: Verdict, identity: Mapping[str, Any], given: Mapping[str, Any]) -> Remedy:
    """The same run, with as many steps as it needs, if its figure goes on to fall as a power of the steps."""
    general = identity["settings"]["general"]
    least, most = LONGER
    exponent = math.log2(1 - verdict.symptoms["improving"])
    needed = max(verdict.symptoms["above_floor"] / NEAR, 1.0) ** (-1 / exponent)
    steps = round(min(max(needed, least), most) * int(general["steps"]))
    why = f"let it go on, to {steps} steps" + ("" if needed <= most else ", and see whether it still becomes better")
    if math.isfinite(verdict.rate) and verdict.rate > 0:
        minutes = (steps - verdict.step) * int(general["batch"]) / verdict.rate / 60
        why += f": about {minutes:.0f} more minutes at the speed so far" if minutes >= 1 else ": less than a minute"
    others = {name: value for name, value in given.items() if name not in ("steps", "epochs")}
    return Remedy(why, str(identity["recipe"]), {**others, "steps": steps}, goes_on=True)


def more_data(identity: Mapping[str, Any], kept: Mapping[str, Any]) -> Remedy | None:
    """Augment images; None for other data, and for images that are augmented already: only more data help there."""
    own = identity["settings"]["own"]
    if identity["spec"]["kind"] != "image" or own.get("augment", "none") != "none":
        return None
    why = "gather more examples; until then, augment those there are"
    return Remedy(why, BEST, {**kept, "augment": "ada"})


def gentler(identity: Mapping[str, Any], kept: Mapping[str, Any]) -> Remedy:
    """The same game, at half the learning rates."""
    general = identity["settings"]["general"]
    rates = {name: general[name] / 2 for name in ("lr_generator", "lr_discriminator")}
    return Remedy("play the same game more gently", str(identity["recipe"]), {**kept, **rates})
