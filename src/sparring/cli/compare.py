"""``spar compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparring.cli.arguments import DeviceOption, say


def compare(
    data: Annotated[
        str,
        typer.Argument(help="Images, as spar train takes them; sms-spam, or a .tsv or .txt file of label, tab, text."),
    ],
    seconds: Annotated[float | None, typer.Option(help="Images: of each training.", show_default="60")] = None,
    n: Annotated[int | None, typer.Option("-n", help="Images: samples, at most.", show_default="2000")] = None,
    seeds: Annotated[int | None, typer.Option(help="Texts: draws of the labels.", show_default="10")] = None,
    seed: Annotated[int, typer.Option(help="Decides everything.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
    out: Annotated[Path, typer.Option(help="A picture FILE.png: side by side.")] = Path("comparison.png"),
    runs: Annotated[
        Path | None,
        typer.Option(help="Images: where the trainings go.", show_default="runs/compare-DATA-SECONDSs-SEED"),
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """What GANs are compared with: other generators of images at equal time; on texts, generative or discriminative."""
    import json

    from sparring.files import save_png
    from sparring.rivals.compare import compare
    from sparring.runs.export import check_name
    from sparring.training.display import following

    check_name(out, ".png")
    with following() as progress:
        found = compare(
            data,
            seconds=seconds,
            n=n,
            seeds=seeds,
            seed=seed,
            runs=runs,
            device=device,
            progress=progress,
            quiet=as_json,
        )
    save_png(found.picture(), out)
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=2))
    else:
        from rich.console import Console

        Console().print(found.to_table())
        say(f"picture: {out}")
