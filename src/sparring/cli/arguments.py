"""The arguments that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DataArgument = Annotated[
    str, typer.Argument(help="A name (digits, mnist, ring …) or a folder, zip, .npy, .npz, IDX file.")
]
RunArgument = Annotated[Path, typer.Argument(help="A run's directory.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting; may be repeated.")]
FileOption = Annotated[str | None, typer.Option("--recipe", help="The FILE.py that the run was trained with.")]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
LabelOption = Annotated[int | None, typer.Option(help="The class, where the generator knows classes.")]
AttributesOption = Annotated[
    str | None, typer.Option(help="Where it knows attributes: a value each, 0.3,1.2, or some by name, age=30.")
]
CheckpointOption = Annotated[str, typer.Option(help="best, last, or a step's number.")]


def say(line: str) -> None:
    """Print a line for the person at the terminal."""
    typer.echo(line)
