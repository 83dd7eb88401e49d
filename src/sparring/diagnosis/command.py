"""The command of a training, as a shell reads it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from sparring.identity import Identity


def recipe_word(identity: Identity) -> str:
    """What ``--recipe`` is given for such a run: a name, or the file of a recipe of the user's."""
    return (identity.recipe_file or f"{identity.recipe}.py") if identity.recipe_digest else identity.recipe


def training_command(data: str, recipe: str, settings: Mapping[str, Any], out: str | None = None) -> str:
    """``spar train`` with these settings, in a new directory unless ``out`` names one."""
    words = ["spar", "train", data, "--recipe", recipe, *(["--out", out] if out else ["--fresh"])]
    for name, value in settings.items():
        words += ["--set", f"{name}={value}"]
    return shlex.join(words)
