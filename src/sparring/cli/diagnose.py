"""``spar diagnose``."""

from __future__ import annotations

from typing import Annotated

import typer

from sparring.cli.arguments import FileOption, RunArgument, say

SICK = 3
"""The exit code."""


def diagnose(
    run: RunArgument,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
    recipe: FileOption = None,
) -> None:
    """Say in plain words how the training went: healthy, or what is wrong, the evidence and what helps."""
    import json

    from sparring import api

    found = api.load(run, recipe).diagnose()
    if as_json:
        typer.echo(json.dumps({"run": str(run)} | found.to_json(), indent=2))
    else:
        for line in found.lines():
            say(line)
    if found.verdict.findings:
        raise typer.Exit(SICK)
