"""``spar features``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparring.cli.arguments import DeviceOption, FileOption, RunArgument, SetOption, say


def features(
    run: RunArgument,
    data: Annotated[
        str | None,
        typer.Argument(
            help="What spar data reads, of the run's shape.", show_default="the data that it was trained on"
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="FILE.npy: float32 (N, F), a row each.")] = Path("features.npy"),
    source: Annotated[
        str, typer.Option("--from", help="discriminator, encoder, code (what the encoder gives) or generator.")
    ] = "discriminator",
    part: Annotated[
        str, typer.Option(help="train, validation, test, or all of the data in the order in which they are read.")
    ] = "all",
    picture: Annotated[
        Path | None, typer.Option(help="FILE.png: examples, each above what the generator makes of its code.")
    ] = None,
    settings: SetOption = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            help="best, last, or a step's number.", show_default="best; last for a classifier's hidden layers"
        ),
    ] = None,
    recipe: FileOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Write what a run's networks make of data, as features for other models; labels are written beside."""
    from sparring import api
    from sparring.files import save_png
    from sparring.runs.export import check_name
    from sparring.runs.feature_files import data_for, part_of, reconstructions, write_features
    from sparring.runs.features import checkpoint_for
    from sparring.settings import parse_assignments
    from sparring.training.device import choose_device
    from sparring.training.display import following

    for path, kind in ((out, ".npy"), (picture, ".png")):
        check_name(path, kind)
    loaded, torch_device = api.load(run, recipe), choose_device(device)
    checkpoint = checkpoint_for(source, loaded.recipe, checkpoint)
    dataset = data_for(loaded, data, parse_assignments(settings or []))
    examples, extractor = part_of(dataset, part), loaded.extractor(source, checkpoint).to(torch_device)
    if picture:
        save_png(reconstructions(loaded, examples, checkpoint, torch_device), picture)
        say(f"{picture}: examples, each above what the generator makes of its code")
    with following() as progress:
        shape, beside = write_features(extractor, examples, out, torch_device, progress)
    say(f"{shape[0]} x {shape[1]} features from the {source} of step {loaded.step(checkpoint)}: {out}")
    if dataset.skipped:
        typer.echo(
            f"spar: note: {len(dataset.skipped)} of the files could not be read and have no row: spar data lists them",
            err=True,
        )
    if beside:
        say(f"beside them: {beside}")
