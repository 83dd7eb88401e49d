"""``spar theory``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparring.cli.arguments import say


def theory(
    name: Annotated[str | None, typer.Argument(help="One lesson.", show_default="all of them")] = None,
    out: Annotated[Path, typer.Option(help="Where pictures and tables go.")] = Path("theory"),
) -> None:
    """Check the theory of the game by running it: a picture and a table a lesson."""
    from sparring.theory.show import teach

    teach(name, out, say)
