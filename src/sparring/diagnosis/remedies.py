"""What helps: for each sickness, a command with changed settings that can be run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sparring.diagnosis.command import recipe_word, training_command
from sparring.diagnosis.verdict import Verdict
from sparring.identity import Identity

BEST = "auto"
"""The recipe that is prescribed where another one fails."""
PLAIN = (
    *("gan-mnist", "gan-1d", "gan-1d-mended", "wgan", "wgan-gp", "lsgan", "dragan", "f-gan", "unrolled", "pacgan"),
    *("r3gan", "dcgan", "dcgan-upsample", "sngan"),
)
"""Recipes that do what BEST does. Others learn something besides (codes, classes from few labels) and are kept."""
OF_CLASSES = ("cgan", "acgan", "projection")
"""Recipes that do what BEST does with conditional=True."""
ONE_PLAYER = ("ae", "vae")
"""Recipes without a discriminator."""
NEAR = 2.0
"""What more training of an undertrained run aims at: a figure of at most so many times that of real examples."""
LONGER = (2.0, 10.0)
"""An undertrained run is told to take at least and at most so many times its steps."""
LENGTH = ("steps", "epochs")
HARMLESS = (
    *("batch", "seed", "threads", "engine", "precision", "checkpoint_seconds"),
    *("grid_every", "log_every", "best_every", "signals_every", "ema", "ema_rampup", "on_sick"),
)
"""Settings that cannot make a game sick, so they are kept, and are no suspects."""
SIZES = ("width", "width_generator", "width_discriminator", "blocks", "network", "label_dim", "likelihood")
"""Settings that say what is trained, of networks that another recipe does not have. They are kept with the recipe."""
TASK = ("conditional", "augment", "balance")
"""Settings that say what is trained and how it is kept from going wrong: kept, with another recipe, too."""
LOST = ("generator gradient vanishes", "collapse to few images", "modes missing")
"""Sicknesses of games that leave out modes."""
KEEPS_MODES = (BEST, "r3gan")
"""Recipes that leave out none of a mixture."""
CALMING = {"schedule_generator": "cosine", "schedule_discriminator": "cosine", "ema": 0.999, "ema_rampup": 0.05}
"""What makes circles shrink: steps that become small, and an average over many of them (Yazici et al. 2019,
arXiv:1806.04498)."""


@dataclass(frozen=True)
class Remedy:
    """A training that is to go better: what changes and why, and its settings as the user would give them."""

    why: str
    recipe: str
    """A name, or the file of a recipe of the user's."""
    settings: dict[str, Any] = field(default_factory=dict)
    goes_on: bool = False
    """The same run goes on; else it is a new one."""

    def command(self, data: str, out: str) -> str:
        """The command, as a shell reads it; ``out`` is where the run is."""
        return training_command(data, self.recipe, self.settings, out, fresh=not self.goes_on)


def prescribe(verdict: Verdict, identity: Identity) -> Remedy | None:
    """What helps such a run; None where it is healthy, or nothing is known to help.

    What is trained stays what it is. The first suspects are the settings of the game that the user changed. Where there
    are none, or modes of points are left out, the recipe does not fit the data, and BEST takes its place if it does the
    same. Circles shrink if the learning rates fall and the generator is averaged.
    """
    if not verdict.findings:
        return None
    recipe, given = recipe_word(identity), identity.given
    known = (*HARMLESS, *SIZES, *TASK, *identity.data_options)
    kept = {name: value for name, value in given.items() if name in known}
    suspected = suspects(identity)
    lost = loses_modes(verdict, identity) and replaceable(identity)
    if verdict.name == "undertrained" and not lost:
        return longer(verdict, identity, given)
    if verdict.name == "memorisation":
        return more_data(identity, kept)
    own = f"leave {recipe}'s own settings as they are: you set {', '.join(suspected)}" if suspected else ""
    if goes_in_circles(verdict) and keeps_its_rates(identity):
        why = "let the learning rates fall to zero, and average the generator: circles become smaller"
        return Remedy(f"{why}; {own}" if own else why, recipe, kept | of_its_players(identity, CALMING))
    if suspected and not lost:
        return Remedy(own, recipe, kept)
    if replaceable(identity):
        why = f"{recipe} does not fit these data: {BEST} chooses networks and settings for them"
        same = ("seed", "threads", *TASK, *identity.data_options)
        return replaced(why, identity, {name: value for name, value in kept.items() if name in same})
    return gentler(identity, kept)


def suspects(identity: Identity, harmless: Sequence[str] = HARMLESS) -> list[str]:
    """What a user set otherwise than it would be and may have made a game sick, ``name=value`` each."""
    known = (*harmless, *SIZES, *TASK, *identity.data_options)
    usual = identity.defaults
    return [
        f"{name}={value}"
        for name, value in identity.given.items()
        if name not in known and not (name in usual and usual[name] == value)
    ]


def replaceable(identity: Identity) -> bool:
    """Whether BEST does what a run's recipe does; of a user's own recipe nobody knows what that is."""
    same = (*PLAIN, *(OF_CLASSES if identity.spec.kind == "image" else ()))
    return not identity.recipe_digest and identity.recipe in same


def replaced(why: str, identity: Identity, settings: Mapping[str, Any]) -> Remedy:
    """BEST, with classes where the recipe has them."""
    if identity.recipe not in OF_CLASSES:
        return Remedy(why, BEST, dict(settings))
    return Remedy(f"{why}, and makes samples of the classes, too", BEST, {**settings, "conditional": True})


def of_its_players(identity: Identity, settings: Mapping[str, Any]) -> dict[str, Any]:
    """General settings without those of a player that the recipe does not have."""
    alone = identity.recipe in ONE_PLAYER and not identity.recipe_digest
    return {name: value for name, value in settings.items() if not (alone and "discriminator" in name)}


def loses_modes(verdict: Verdict, identity: Identity) -> bool:
    """Whether modes of points are left out by a recipe that does so at its own settings too (benchmarks/modes.py)."""
    names = {finding.sickness for finding in verdict.findings}
    return identity.spec.kind == "points" and identity.recipe not in KEEPS_MODES and not names.isdisjoint(LOST)


def goes_in_circles(verdict: Verdict) -> bool:
    """Whether the first thing to mend is an oscillation, or one that grows."""
    names = [finding.sickness for finding in verdict.findings]
    return "oscillation" in names and names[0] in ("oscillation", "divergence")


def keeps_its_rates(identity: Identity) -> bool:
    """Whether no learning rate of a run becomes smaller."""
    general = identity.general
    return all(
        general.get(f"schedule_{side}", "constant") == "constant" and general.get(f"decay_{side}", 1) == 1
        for side in ("generator", "discriminator")
    )


def longer(verdict: Verdict, identity: Identity, given: Mapping[str, Any]) -> Remedy:
    """The same run, with as many steps as it needs, if its figure goes on to fall as a power of the steps."""
    least, most = LONGER
    exponent = math.log2(1 - verdict.symptoms["improving"])
    needed = max(verdict.symptoms["above_floor"] / NEAR, 1.0) ** (-1 / exponent)
    steps = round(min(max(needed, least), most) * verdict.step)
    why = f"let it go on, to {steps} steps" + ("" if needed <= most else ", and see whether it still becomes better")
    if math.isfinite(verdict.rate) and verdict.rate > 0:
        minutes = (steps - verdict.step) * int(identity.general["batch"]) / verdict.rate / 60
        why += f": about {minutes:.0f} more minutes at the speed so far" if minutes >= 1 else ": less than a minute"
    others = {name: value for name, value in given.items() if name not in LENGTH}
    return Remedy(why, recipe_word(identity), {**others, "steps": steps}, goes_on=True)


def more_data(identity: Identity, kept: Mapping[str, Any]) -> Remedy | None:
    """Augment images; None for other data, and where that is done already or cannot be: only more data help there."""
    own = identity.own
    if identity.spec.kind != "image" or own.get("augment", "none") != "none":
        return None
    why = "gather more examples; until then, augment those there are"
    settings = {name: value for name, value in kept.items() if name != "augment"} | {"augment": "ada"}
    if identity.recipe == BEST or not replaceable(identity):
        return Remedy(why, recipe_word(identity), settings) if "augment" in own else None
    portable = {name: value for name, value in settings.items() if name not in SIZES}
    return replaced(f"{why}, with {BEST} in place of {identity.recipe}", identity, portable)


def gentler(identity: Identity, kept: Mapping[str, Any]) -> Remedy:
    """The same game, at half the learning rates."""
    general = identity.general
    rates = {name: general[name] / 2 for name in ("lr_generator", "lr_discriminator")}
    why = "play the same game more gently"
    return Remedy(why, recipe_word(identity), {**kept, **of_its_players(identity, rates)})
