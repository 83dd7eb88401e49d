"""A run's identity, which is what its recipe.json says, and how two of them differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from sparring.settings import Settings

FREE = ("settings.general.steps", "settings.general.engine", "settings.general.on_sick", "settings.own.epochs")
"""What may change between two calls that go on with one run."""


def differences(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """How the run on disk differs from the one that is wanted, a phrase each. FREE and more steps are no difference."""
    given = [name for name in ("recipe", "data") if there.get(name) != wanted[name]]
    if given:  # all else follows from them
        return [f"{name} is {there.get(name)}, not {wanted[name]}" for name in given]
    if there.get("recipe_digest") != wanted["recipe_digest"]:
        return [f"the text of {wanted['recipe']}.py has changed"]
    if there.get("data_options") == wanted["data_options"] and there.get("fingerprint") != wanted["fingerprint"]:
        return ["the data has changed"]
    parts = ("data_options", "settings")
    old, new = (flatten({part: identity.get(part, {}) for part in parts}) for identity in (there, wanted))
    old = flatten({"settings": {"general": defaults()}}) | old
    found = [
        f"{name.rpartition('.')[2]} is {said(old.get(name))}, not {said(new.get(name))}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name) and name not in FREE
    ]
    steps = "settings.general.steps"
    if new[steps] < old.get(steps, 0):
        found.append(f"steps is {old[steps]} already, not {new[steps]}")
    return found


def defaults() -> dict[str, Any]:
    """What a run did before there was a setting for it: the settings' defaults leave everything as it was."""
    return {field.name: field.default for field in fields(Settings) if field.default is not MISSING}


def said(value: object) -> object:
    """A setting's value in words."""
    return "unset" if value is None else value


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, names joined by dots."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= flatten(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return json.loads(json.dumps(flat)) if not prefix else flat  # tuples to lists, as they come back from the file
