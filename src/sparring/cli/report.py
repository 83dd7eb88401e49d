"""``spar report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparring.cli.arguments import DeviceOption, FileOption, RunArgument, say


def report(
    run: RunArgument,
    out: Annotated[Path | None, typer.Option(help="FILE.html.", show_default="report.html in the run")] = None,
    recipe: FileOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Write the run as one page that opens anywhere: pictures, curves, figures, neighbours, how to reproduce it."""
    from sparring import api
    from sparring.training.display import following

    loaded = api.load(run, recipe)
    with following() as progress:
        written = loaded.report(out, device=device, progress=progress)
    say(f"report: {written}")
