"""The command of a training, as a shell reads it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from sparring.identity import Identity

OPTIONS = ("steps", "batch", "seed", "on_sick")
"""Settings that have an option of their own."""


def recipe_word(identity: Identity) -> str:
    """What ``--recipe`` is given for such a run: a name, or the file of a recipe of the user's."""
    return (identity.recipe_file or f"{identity.recipe}.py") if identity.recipe_digest else identity.recipe


def training_command(
    data: str, recipe: str, settings: Mapping[str, Any], out: str | None = None, *, fresh: bool = False
) -> str:
    """``spar train`` with these settings, in this directory or, if ``fresh`` or without one, in a new one beside it."""
    words = ["spar", "train", data, "--recipe", recipe, *(["--out", out] if out else [])]
    words += ["--fresh"] if fresh or not out else []
    for name, value in settings.items():
        words += [f"--{name.replace('_', '-')}", str(value)] if name in OPTIONS else ["--set", f"{name}={value}"]
    return shlex.join(words)
