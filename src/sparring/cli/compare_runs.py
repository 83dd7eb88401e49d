"""``spar compare-runs``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparring.cli.arguments import CheckpointOption, DeviceOption, say


def compare_runs(
    runs: Annotated[
        list[Path], typer.Argument(help="Directories of runs of the same data; the others against the first.")
    ],
    n: Annotated[int, typer.Option("-n", help="Samples a draw, at most as many as the held-out data.")] = 2000,
    draws: Annotated[int, typer.Option(help="Independent draws of samples of each run.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
    out: Annotated[Path, typer.Option(help="A picture FILE.png: samples side by side.")] = Path("comparison.png"),
    seed: Annotated[int, typer.Option(help="The seed of the samples and of the real examples.")] = 0,
    checkpoint: CheckpointOption = "best",
    features: Annotated[str, typer.Option(help="As spar evaluate has them.")] = "auto",
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the features' network if it is not here.")
    ] = False,
    recipes: Annotated[
        list[str] | None, typer.Option("--recipe", help="A FILE.py that runs were trained with; may be repeated.")
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """The same figures of several runs: which differ by more than noise from the first; and a picture."""
    import json

    from sparring import api
    from sparring.files import save_png
    from sparring.runs.compare import compare_runs
    from sparring.runs.compare_picture import comparison_picture
    from sparring.runs.export import check_name
    from sparring.training.display import following

    check_name(out, ".png")
    loaded = api.load_all(runs, recipes or [])
    with following() as progress:
        found = compare_runs(
            loaded,
            n,
            draws=draws,
            seed=seed,
            features=features,
            download=download,
            checkpoint=checkpoint,
            device=device,
            progress=progress,
        )
    save_png(comparison_picture(loaded, found, checkpoint, device), out)
    if as_json:
        typer.echo(json.dumps({"checkpoint": checkpoint} | found.to_json(), indent=2))
    else:
        from rich.console import Console

        Console().print(found.to_table())
        say(f"picture: {out}")
