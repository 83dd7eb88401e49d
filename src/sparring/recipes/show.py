"""A recipe in full, for a reader."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import fields
from types import FunctionType

from sparring import objectives
from sparring.data import DataOptions
from sparring.errors import UsageError
from sparring.recipes import DEFAULT
from sparring.recipes.build import Named, build, find, own_defaults
from sparring.settings import Settings
from sparring.types import DataSpec, Game, Recipe

EXAMPLES = (
    DataSpec("image", (1, 28, 28), tuple("0123456789"), "images of 28 x 28"),
    DataSpec("points", (2,), (), "points in the plane"),
    DataSpec("points", (1,), (), "points on a line"),
)


def describe(name: str) -> str:
    """What the recipe is, its paper, its networks on an example of its data, and every setting with its default."""
    named = find(name)
    spec, recipe = on_example(named)
    lines = [
        f"{name}{' (the default)' if name == DEFAULT else ''}",
        "",
        inspect.getdoc(named.function) or "",
        "",
    ]
    lines += [f"paper: {recipe.paper}", "", f"generator, on {spec.name}:", str(recipe.generator())]
    if recipe.discriminator:
        lines += ["discriminator:", str(recipe.discriminator())]
    lines += ["", f"game: {describe_game(recipe.game)}", f"latent codes: {spelled(recipe.latent)}"]
    lines += [f"optimiser: {spelled(recipe.optimiser)}"]
    values = own_defaults(named.function) | {f.name: getattr(recipe, f.name) for f in fields(Settings)}
    lines += ["", "settings (--set NAME=VALUE):", *listed(values)]
    lines += ["", "settings of the data:", *listed({f.name: f.default for f in fields(DataOptions)})]
    return "\n".join(lines)


def describe_game(game: Game) -> str:
    """The game's kind, its objective by name, and its other fields, penalties and views among them."""
    known = {id(value): name for name, value in vars(objectives).items()}
    fields = [
        known.get(id(value), "an objective of its own") if name == "objective" else f"{name}={spelled(value)}"
        for name, value in vars(game).items()
    ]
    return f"{type(game).__name__}({', '.join(fields)})"


def spelled(value: object) -> str:
    """A field's value for a reader: a function by its name."""
    return value.__name__ if isinstance(value, FunctionType) else repr(value)


def listed(values: Mapping[str, object]) -> list[str]:
    """One line a setting."""
    width = max(map(len, values))
    return [f"  {name:{width}} = {'default' if value is None else value}" for name, value in values.items()]


def on_example(named: Named) -> tuple[DataSpec, Recipe]:
    """The recipe on the first example of data that it plays on.

    Raises:
        UsageError: it plays on none of them.
    """
    for spec in EXAMPLES[:-1]:
        try:
            return spec, build(named, spec, {}, {})
        except UsageError:
            continue
    return EXAMPLES[-1], build(named, EXAMPLES[-1], {}, {})
