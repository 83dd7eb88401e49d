"""From a recipe's name and settings to the recipe itself."""

from __future__ import annotations

import hashlib
import inspect
import math
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from sparring.errors import UsageError
from sparring.recipes import IMAGES_ONLY, PUBLISHED_NAMES, RECIPES, RecipeFunction
from sparring.settings import Settings, Value, nearest, split
from sparring.types import DataSpec, Recipe

GENERAL_HINTS: dict[str, Any] = get_type_hints(Settings)


class Named(NamedTuple):
    """A recipe function under its name; a file's also has the digest of its text."""

    name: str
    function: RecipeFunction
    digest: str = ""


def find(name: str) -> Named:
    """The recipe of this name, or the one that a FILE.py defines in its function ``recipe``.

    Raises:
        UsageError: there is none; the nearest names are given.
    """
    return from_file(Path(name)) if name.endswith(".py") else built_in(name)


def built_in(name: str) -> Named:
    """The recipe of Sparring's own that has this name.

    Raises:
        UsageError: there is none; the nearest names are given.
    """
    if name not in RECIPES:
        raise UsageError(f"there is no recipe {name!r}.{nearest(name, RECIPES)}")
    return Named(name, RECIPES[name])


def from_file(path: Path) -> Named:
    """Run a user's file and take its function ``recipe(spec, …) -> Recipe``.

    Raises:
        UsageError: no such file, it fails, or it has no such function.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"the recipe file {path} cannot be read: {error.strerror}.") from error
    module = ModuleType(f"sparring_recipe_{path.stem}")
    module.__file__ = str(path.absolute())
    sys.modules[module.__name__] = module
    with blaming(path):
        exec(compile(text, module.__file__, "exec"), module.__dict__)  # the very text whose digest is kept
        function = getattr(module, "recipe", None)
        if not inspect.isfunction(function):
            raise UsageError(f"{path} defines no function recipe(spec) that returns a sparring.Recipe.")
        check_own(path, function)
    return Named(path.stem, function, hashlib.sha256(text).hexdigest())


def check_own(path: Path, function: RecipeFunction) -> None:
    """Refuse settings of a recipe's own that ``--set`` could not set.

    Raises:
        UsageError: one has no default, or a type that no text is read as.
    """
    defaults: dict[str, Any] = dict(own_defaults(function))
    for name, hint in own_hints(function).items():
        kinds = [kind for kind in get_args(hint) if kind is not type(None)] if isinstance(hint, UnionType) else [hint]
        plain = len(kinds) == 1 and (kinds[0] in (bool, int, float, str) or get_origin(kinds[0]) is Literal)
        if not plain or defaults[name] is inspect.Parameter.empty:
            raise UsageError(
                f"{path}: recipe()'s setting {name!r} needs a default and a plain type "
                "(bool, int, float, str or Literal)."
            )


@contextmanager
def blaming(path: Path) -> Iterator[None]:
    """Within, whatever a user's recipe file raises becomes a UsageError that names the file and the line."""
    try:
        yield
    except (UsageError, KeyboardInterrupt):
        raise
    except BaseException as error:  # SystemExit too: the file may do anything
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if Path(frame.filename) == path.absolute()]
        line = error.lineno if isinstance(error, SyntaxError) else (lines[-1] if lines else None)
        where = f"{path}, line {line}" if line else str(path)
        raise UsageError(f"the recipe file fails: {where}: {type(error).__name__}: {error}") from error


def own_hints(function: RecipeFunction) -> dict[str, Any]:
    """A recipe's own settings and their types."""
    hints = get_type_hints(function, localns={"DataSpec": DataSpec, "Recipe": Recipe})
    return {name: hints.get(name, type(default)) for name, default in own_defaults(function).items()}


def own_defaults(function: RecipeFunction) -> dict[str, Value]:
    """A recipe's own settings and their defaults."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("width", "width_generator", "width_discriminator", "latent_dim", "label_dim"), (1, 65_536)),
    **dict.fromkeys(("blocks", "pack"), (1, 1024)),
    **dict.fromkeys(("minibatch", "ahead"), (0, 1024)),
    **dict.fromkeys(("gamma", "weight", "clip_weights", "rate", "entropy", "pull_away"), (0, math.inf)),
    "dropout": (0, 0.99),
}
"""What the settings may be that several of Sparring's recipes have, from the least to the largest."""


def check_ranges(own: Mapping[str, Value]) -> None:
    """Refuse values that no network or game can be made of.

    Raises:
        UsageError: one is out of its range.
    """
    for name, value in own.items():
        least, largest = RANGES.get(name, (-math.inf, math.inf))
        if isinstance(value, int | float) and not (least <= value <= largest and abs(value) < math.inf):
            most = f" and at most {largest:g}" if math.isfinite(largest) else ""
            raise UsageError(f"{name}={value} makes no sense: it must be at least {least:g}{most or ', and finite'}.")


OF_TWO_PLAYERS = ("k", "pretrain", "hold", "balance", *(name for name in GENERAL_HINTS if "discriminator" in name))
"""General settings that mean nothing where there is no discriminator."""


def check_heeded(named: Named, recipe: Recipe, spec: DataSpec, given: Mapping[str, Value]) -> None:
    """Refuse settings that a user gives and a recipe would not heed.

    Raises:
        UsageError: one is for images only, or for two players, or is given under two names.
    """
    for name in OF_TWO_PLAYERS if recipe.discriminator is None else ():
        if name in given:
            raise UsageError(f"{name} has no meaning for {named.name}: it has no discriminator.")
    for name in IMAGES_ONLY.get(named.name, ()):
        if name in given and spec.kind != "image":
            raise UsageError(f"{name} has no meaning for {named.name} on {spec.name}: it is for images.")
    for name, general in PUBLISHED_NAMES.get(named.name, {}).items():
        if name in given and general in given:
            raise UsageError(f"{name} is what {named.name} calls {general}: give one of them.")


def build(named: Named, spec: DataSpec, own: Mapping[str, Value], general: Mapping[str, Value]) -> Recipe:
    """The recipe for this data, its own settings and then the general ones applied.

    Raises:
        UsageError: it does not fit the data, or a value makes no sense.
    """
    if not named.digest:
        check_ranges(own)
        return replace(named.function(spec, **own), **general)  # type: ignore[arg-type]
    with blaming(Path(inspect.getsourcefile(named.function) or named.name)):
        recipe = named.function(spec, **own)
        if not isinstance(recipe, Recipe):
            raise UsageError(f"recipe() in {named.name}.py returned {type(recipe).__name__}, not a sparring.Recipe.")
        return replace(recipe, **general)  # type: ignore[arg-type]


def settings_of(named: Named, recipe: Recipe, own: Mapping[str, Value]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Every setting of a built recipe, resolved: its own and the general ones."""
    general = {f.name: getattr(recipe, f.name) for f in fields(Settings)}
    return own_defaults(named.function) | dict(own), general


def defaults(named: Named, spec: DataSpec, own: Mapping[str, Value], chosen: Mapping[str, Value]) -> dict[str, Any]:
    """What every setting is if the user does not give it: by the recipe, with these of its own, or by its choice."""
    return {**settings_of(named, build(named, spec, own, {}), {})[1], **own_defaults(named.function), **chosen}


def share_out(named: Named, values: Mapping[str, Value], data_hints: Mapping[str, Any]) -> tuple[dict[str, Value], ...]:
    """Settings shared out to the recipe's own, the general ones and the data's.

    Raises:
        UsageError: a name nobody knows, or a value that does not fit.
    """
    own, general, data = split(values, own_hints(named.function), GENERAL_HINTS, data_hints)
    return own, general, data
