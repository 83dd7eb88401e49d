"""A recipe in full, for a reader."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from types import FunctionType

from sparring.data import DataOptions
from sparring.errors import UsageError
from sparring.objectives import Objective
from sparring.recipes import DEFAULT
from sparring.recipes.build import OF_TWO_PLAYERS, Named, build, find, own_defaults
from sparring.settings import Settings
from sparring.types import DataSpec, Game, Recipe

EXAMPLES = (
    DataSpec("image", (1, 28, 28), tuple("0123456789"), "images of 28 x 28"),
    DataSpec("image", (3, 32, 32), tuple("0123456789"), "colour images of 32 x 32"),
    DataSpec("points", (2,), (), "points in the plane"),
    DataSpec("points", (1,), (), "points on a line"),
)
UNSET = "unset: see above"
"""A setting whose default is no value, but what the recipe's description says."""

Examples = dict[str, Recipe]
"""A recipe on each of the examples of data that it plays on, by their names."""


def describe(name: str) -> str:
    """What the recipe is, its paper, its networks on an example of its data, and every setting with its default.

    What is another on other data is given for these, too.
    """
    named = find(name)
    examples = on_examples(named)
    first, recipe = next(iter(examples.items()))
    lines = [
        f"{name}{' (the default)' if name == DEFAULT else ''}",
        "",
        inspect.getdoc(named.function) or "",
        "",
    ]
    lines += [f"paper: {recipe.paper}", "", f"generator, on {first}:", str(recipe.generator())]
    if recipe.discriminator:
        lines += ["discriminator:", str(recipe.discriminator())]
    lines += ["", *on_each("game", examples, lambda one: describe_game(one.game))]
    lines += on_each("latent codes", examples, lambda one: spelled(one.latent))
    lines += on_each("optimiser", examples, lambda one: spelled(one.optimiser))
    lines += ["", "settings (--set NAME=VALUE):", *listed(settings_on(named, examples))]
    lines += ["", "settings of the data:", *listed({f.name: said(f.default, "default") for f in fields(DataOptions)})]
    return "\n".join(lines)


def by_text(texts: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The text of the first data; and the names of all others that have another one, by that."""
    first, *_ = texts.values()
    others: dict[str, str] = {}
    for name, text in texts.items():
        if text != first:
            others[text] = f"{others[text]}, {name}" if text in others else name
    return first, others


def on_each(what: str, examples: Examples, told: Callable[[Recipe], str]) -> list[str]:
    """A line on the first example of data, and one for each other where it would be another."""
    first, others = by_text({name: told(recipe) for name, recipe in examples.items()})
    return [f"{what}: {first}", *(f"{what}, on {names}: {text}" for text, names in others.items())]


def settings_on(named: Named, examples: Examples) -> dict[str, str]:
    """Each setting's default on the first example of data, and in brackets on the others where it is another."""
    own = own_defaults(named.function)
    told: dict[str, str] = {}
    for name in (*own, *(f.name for f in fields(Settings))):
        values = {
            data: said(own.get(name) if name in own and own[name] is not None else resolved(name, recipe))
            for data, recipe in examples.items()
            if recipe.discriminator or name not in OF_TWO_PLAYERS
        }
        if values:
            first, others = by_text(values)
            told[name] = first + (f" ({'; '.join(f'{n}: {v}' for v, n in others.items())})" if others else "")
    return told


def resolved(name: str, recipe: Recipe) -> object:
    """What a setting came to: in the recipe, its latent codes, its game or its penalties; None if it is nowhere."""
    if name == "latent_dim":
        return getattr(recipe.latent, "dim", None)
    places = (recipe, recipe.game, *getattr(recipe.game, "penalties", ()))
    return next((getattr(place, name) for place in places if hasattr(place, name)), None)


def describe_game(game: Game) -> str:
    """The game's kind, its objective, and its other fields, penalties and views among them."""
    told = [
        value.name if isinstance(value, Objective) else f"{name}={spelled(value)}" for name, value in vars(game).items()
    ]
    return f"{type(game).__name__}({', '.join(told)})"


def spelled(value: object) -> str:
    """A field's value for a reader: a function by its name."""
    return value.__name__ if isinstance(value, FunctionType) else repr(value)


def said(value: object, unset: str = UNSET) -> str:
    """A setting's value for a reader."""
    return unset if value is None else str(value)


def listed(values: Mapping[str, str]) -> list[str]:
    """One line a setting."""
    width = max(map(len, values))
    return [f"  {name:{width}} = {value}" for name, value in values.items()]


def on_examples(named: Named) -> Examples:
    """The recipe on the examples of data that it plays on.

    Raises:
        UsageError: it plays on none of them.
    """
    found: Examples = {}
    for spec in EXAMPLES:
        try:
            found[spec.name] = build(named, spec, {}, {})
        except UsageError as error:
            refused = error
    if not found:
        raise refused
    return found
