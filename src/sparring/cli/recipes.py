"""``spar recipes``."""

from __future__ import annotations

from typing import Annotated

import typer


def recipes(name: Annotated[str | None, typer.Argument(help="One recipe, in full.")] = None) -> None:
    """The table of recipes, or one recipe in full."""
    from sparring.recipes import DEFAULT, RECIPES, summary

    if name is not None:
        from sparring.recipes.show import describe

        typer.echo(describe(name))
        return
    width = max(map(len, RECIPES))
    for key, function in RECIPES.items():
        typer.echo(f"{key:{width}}  {summary(function)}{' (the default)' if key == DEFAULT else ''}")
