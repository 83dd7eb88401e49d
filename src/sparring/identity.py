"""What a run is: what its recipe.json says, and how two of them differ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from sparring.settings import Choice, Settings, Value
from sparring.types import DataSpec

NUMBERS = ("steps", "seed", "threads")
"""General settings that every recipe.json holds as whole numbers."""
KINDS = {"recipe": str, "data": str, "fingerprint": str, "recipe_digest": str, "data_options": dict, "settings": dict}
"""What every recipe.json holds besides."""
FREE = ("settings.general.steps", "settings.general.engine", "settings.general.on_sick", "settings.own.epochs")
"""What may change between two calls that go on with one run."""


class Remedied(NamedTuple):
    """A remedy that a run was given on its way."""

    step: int
    """The step that it was taken back to; 0: its first weights."""
    sickness: str
    settings: Mapping[str, Value]
    """The general settings that changed."""
    was: Mapping[str, Value] = MappingProxyType({})
    """What they were before."""


class Planned(NamedTuple):
    """A length that a run was planned for, before it was given more steps."""

    step: int
    """The step that it had come to then."""
    steps: int
    """The steps that it was planned for until then."""


@dataclass(frozen=True)
class Identity:
    """All that decides a run."""

    recipe: str
    """The name of the recipe, or of the user's file without its suffix."""
    recipe_digest: str
    """Of the text of that file; empty for a recipe of Sparring's."""
    data: str
    """A known name, or an absolute path."""
    data_options: dict[str, Value]
    """The data's settings, as given."""
    own: dict[str, Any]
    """The recipe's own settings, all of them."""
    general: dict[str, Any]
    """The settings that every training has, all of them."""
    spec: DataSpec
    fingerprint: str
    """Of the data."""
    given: dict[str, Value] = field(default_factory=dict)
    """The settings that the user gave, but those that remedies changed later."""
    defaults: dict[str, Value] = field(default_factory=dict)
    """What these would be, had the user not given them."""
    chosen: Choice | None = None
    """What the recipe chose for the data and the machine."""
    remedies: tuple[Remedied, ...] = ()
    earlier: tuple[Planned, ...] = ()
    """The lengths that it was planned for before this one, where steps were made by them."""
    version: str = ""
    """Sparring's."""
    recipe_file: str = ""
    """Where that file was, an absolute path."""

    def left_alone(self) -> dict[str, Any]:
        """The recipe's own settings that the user did not give: by the defaults and the choice of when it began."""
        return {name: value for name, value in self.own.items() if name not in self.given}

    def to_json(self) -> dict[str, Any]:
        """The identity as JSON values."""
        return {
            "sparring": self.version,
            "recipe": self.recipe,
            "recipe_digest": self.recipe_digest,
            "recipe_file": self.recipe_file,
            "data": self.data,
            "data_options": self.data_options,
            "given": self.given,
            "defaults": self.defaults,
            "remedies": [remedy._asdict() | {"was": dict(remedy.was)} for remedy in self.remedies],
            "earlier": [plan._asdict() for plan in self.earlier],
            "chosen": self.chosen._asdict() if self.chosen else {},
            "settings": {"own": self.own, "general": self.general},
            "spec": self.spec.to_json(),
            "fingerprint": self.fingerprint,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Identity:
        """The identity that ``to_json`` wrote, in this version or an earlier one.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: it is anything else.
        """
        own, general = values["settings"]["own"], values["settings"]["general"]
        wrong = [name for name, kind in KINDS.items() if not isinstance(values[name], kind)]
        wrong += [name for name in NUMBERS if not isinstance(general[name], int)]
        if wrong:
            raise ValueError(f"its {wrong[0]} is of another kind")
        return cls(
            recipe=values["recipe"],
            recipe_digest=values["recipe_digest"],
            data=values["data"],
            data_options=values["data_options"],
            own=dict(own),
            general=dict(general),
            spec=DataSpec.from_json(values["spec"]),
            fingerprint=values["fingerprint"],
            given=dict(values.get("given", {})),
            defaults=dict(values.get("defaults", {})),
            chosen=Choice(**values["chosen"]) if values.get("chosen") else None,
            remedies=tuple(Remedied(**remedy) for remedy in values.get("remedies", ())),
            earlier=tuple(Planned(**plan) for plan in values.get("earlier", ())),
            version=str(values.get("sparring", "")),
            recipe_file=str(values.get("recipe_file", "")),
        )


def differences(there: Identity, wanted: Identity) -> list[str]:
    """How the run on disk differs from the one that is wanted, a phrase each. FREE and more steps are no difference.

    What an older version did not have, it did without: as by the default of now.
    """
    given = [name for name in ("recipe", "data") if getattr(there, name) != getattr(wanted, name)]
    if given:  # all else follows from them
        return [f"{name} is {getattr(there, name)}, not {getattr(wanted, name)}" for name in given]
    if there.recipe_digest != wanted.recipe_digest:
        return [f"the text of {wanted.recipe}.py has changed"]
    if there.data_options == wanted.data_options and there.fingerprint != wanted.fingerprint:
        return ["the data has changed"]
    without = {name: value for name, value in wanted.own.items() if name not in wanted.given}
    old, new = flatten(replace(there, own=without | there.own)), flatten(wanted)
    found = [
        f"{name.rpartition('.')[2]} is {said(old.get(name))}, not {said(new.get(name))}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name) and name not in FREE
    ]
    if there.general["steps"] > wanted.general["steps"]:
        found.append(f"steps is {there.general['steps']} already, not {wanted.general['steps']}")
    return found


def extended(there: Identity, wanted: Identity, done: int) -> Identity:
    """What is wanted, with the plans that the run on disk had; the last one ends where more steps are wanted.

    ``done``: the steps that were made. A plan that none was made by is forgotten.
    """
    plans = there.earlier
    if wanted.general["steps"] > there.general["steps"] and done > (plans[-1].step if plans else 0):
        plans = (*plans, Planned(done, there.general["steps"]))
    return replace(wanted, earlier=plans)


def taken_back(plans: Sequence[Planned], step: int) -> tuple[Planned, ...]:
    """The earlier plans of a run that is taken back to a step."""
    kept: list[Planned] = []
    for plan in plans:
        if step > (kept[-1].step if kept else 0):
            kept.append(plan._replace(step=min(plan.step, step)))
    return tuple(kept)


def flatten(identity: Identity) -> dict[str, Any]:
    """Every setting by its full name; general ones that an older version did not have are at their defaults."""
    general = {name.name: name.default for name in fields(Settings) if name.default is not MISSING} | identity.general
    parts = {"settings.own": identity.own, "settings.general": general, "data_options": identity.data_options}
    flat = {f"{part}.{name}": value for part, values in parts.items() for name, value in values.items()}
    there: dict[str, Any] = json.loads(json.dumps(flat))  # tuples to lists, as they come back from the file
    return there


def said(value: object) -> object:
    """A setting's value in words."""
    return "unset" if value is None else value
