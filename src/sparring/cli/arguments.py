"""The arguments that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sparring.errors import UsageError

if TYPE_CHECKING:
    from sparring.settings import Value

DataArgument = Annotated[
    str, typer.Argument(help="A name (digits, mnist, ring …) or a folder, zip, .npy, .npz, IDX file.")
]
RunArgument = Annotated[Path, typer.Argument(help="A run's directory.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting; may be repeated.")]
FileOption = Annotated[str | None, typer.Option("--recipe", help="The FILE.py that the run was trained with.")]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
LabelOption = Annotated[
    str | None, typer.Option(help="The class, by name or number, where the generator knows classes.")
]
AttributesOption = Annotated[
    str | None, typer.Option(help="Where it knows attributes: a value each, 0.3,1.2, or some by name, age=30.")
]
TruncationOption = Annotated[
    float | None, typer.Option(help="Normal latent codes within ±T: fewer odd samples, less variety.", metavar="T")
]
CheckpointOption = Annotated[str, typer.Option(help="best, last, or a step's number.")]


def say(line: str) -> None:
    """Print a line for the person at the terminal."""
    typer.echo(line)


def join_settings(assignments: list[str] | None, given: dict[str, Value | None]) -> dict[str, Value]:
    """What --set says, and the options that are ``given`` (None: not given).

    Raises:
        UsageError: an assignment is none, or says what an option says, too.
    """
    from sparring.settings import parse_assignments

    values = dict(parse_assignments(assignments or []))
    options = {name: value for name, value in given.items() if value is not None}
    for name in (name for name in options if name in values):
        raise UsageError(f"--{name.replace('_', '-')} and --set {name} are both given.")
    return values | options
