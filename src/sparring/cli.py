"""The command ``spar``: one thin function per verb. Everything heavy is imported inside the verb."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from sparring.errors import SparringError, UsageError

app = typer.Typer(
    name="spar",
    help="Train generative adversarial networks, measure them honestly, put them to use.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

DataArgument = Annotated[
    str, typer.Argument(help="A name (digits, mnist, ring …) or a folder, zip, .npy, .npz, IDX file.")
]
RunArgument = Annotated[Path, typer.Argument(help="A run's directory.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting; may be repeated.")]
FileOption = Annotated[str | None, typer.Option("--recipe", help="The FILE.py that the run was trained with.")]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
LabelOption = Annotated[int | None, typer.Option(help="The class, where the generator knows classes.")]
CheckpointOption = Annotated[str, typer.Option(help="best, last, or a step's number.")]


@app.command()
def train(
    data: DataArgument,
    recipe: Annotated[str | None, typer.Option(help="A recipe's name (see spar recipes) or a FILE.py.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run's directory.", show_default="runs/DATA-RECIPE")] = None,
    steps: Annotated[int | None, typer.Option(help="How many steps.")] = None,
    batch: Annotated[int | None, typer.Option(help="Examples a step.")] = None,
    seed: Annotated[int | None, typer.Option(help="Decides everything random.")] = None,
    device: DeviceOption = "auto",
    settings: SetOption = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over, in a new directory.")] = False,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Also write TensorBoard's files.")] = False,
) -> None:
    """Train on data. The same command again goes on where it was stopped."""
    from sparring import api
    from sparring.settings import Value, parse_assignments

    values: dict[str, Value] = dict(parse_assignments(settings or []))
    given = {"steps": steps, "batch": batch, "seed": seed}
    for name in (name for name, value in given.items() if value is not None and name in values):
        raise UsageError(f"--{name} and --set {name} are both given.")
    values |= {name: value for name, value in given.items() if value is not None}
    run = api.train(data, recipe, out=out, device=device, fresh=fresh, tensorboard=tensorboard, display=None, **values)
    pictures = sorted(run.directory.samples.glob("*.png"))
    _say(f"run: {run.path}")
    _say(f"samples: {pictures[-1] if pictures else run.directory.samples}")
    _say(f"next: spar evaluate {run.path}   or   spar sample {run.path} -n 25 --out samples.png")


@app.command()
def sample(
    run: RunArgument,
    n: Annotated[int | None, typer.Option("-n", help="How many.", show_default="25, or as many as --latents")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same samples.")] = 0,
    label: LabelOption = None,
    attributes: Annotated[
        str | None, typer.Option(help="Where it knows attributes: a value each, 0.3,1.2, or some by name, age=30.")
    ] = None,
    latents: Annotated[Path | None, typer.Option(help="Latent codes of your own, a .npy file (N, latent_dim).")] = None,
    truncation: Annotated[
        float | None, typer.Option(help="Normal latent codes within ±T: fewer odd samples, less variety.", metavar="T")
    ] = None,
    direction: Annotated[Path | None, typer.Option(help="What to move along, from spar directions --save.")] = None,
    strength: Annotated[
        float | None, typer.Option(help="How far to move along it; negative is back.", show_default="1")
    ] = None,
    out: Annotated[Path, typer.Option(help="FILE.png (one sheet), FILE.npy, or a DIRECTORY (one file each).")] = Path(
        "samples.png"
    ),
    checkpoint: CheckpointOption = "best",
    recipe: FileOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Make samples with a trained generator."""
    from sparring import api
    from sparring.runs.export import write_samples
    from sparring.training.attributes import parse_attributes
    from sparring.training.sampling import read_latents

    if strength is not None and direction is None:
        raise UsageError("--strength says how far to move along a direction: name that too (--direction).")
    loaded = api.load(run, recipe)
    z = read_latents(latents) if latents else None
    count = n if n is not None else (len(z) if z is not None else 25)
    made = loaded.sample(
        count,
        seed,
        label=label,
        attributes=parse_attributes(attributes) if attributes is not None else None,
        latents=z,
        truncation=truncation,
        direction=read_latents(direction, "directions") if direction else None,
        strength=1.0 if strength is None else strength,
        checkpoint=checkpoint,
        device=device,
    )
    write_samples(loaded.spec, made, out)
    _say(f"{count} samples of step {loaded.step(checkpoint)}: {out}")


@app.command()
def interpolate(
    run: RunArgument,
    seeds: Annotated[str, typer.Option(help="What to pass through; 1,2,3,1 is a loop.", metavar="A,B,…")] = "0,1",
    frames: Annotated[int, typer.Option(help="How many frames in all.")] = 24,
    label: LabelOption = None,
    to_label: Annotated[int | None, typer.Option(help="The class to end with.")] = None,
    out: Annotated[Path, typer.Option(help="FILE.png (strip), .gif, .webp, .apng, .npy, or a DIRECTORY.")] = Path(
        "interpolation.png"
    ),
    checkpoint: CheckpointOption = "best",
    recipe: FileOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Go from sample to sample, and from class to class, on the way between their latent codes."""
    from sparring import api
    from sparring.runs.export import check_film, write_film

    loaded = api.load(run, recipe)
    check_film(loaded.spec, out)
    numbers = [_whole(text, "--seeds") for text in seeds.split(",")]
    made = loaded.interpolate(numbers, frames, label=label, to_label=to_label, checkpoint=checkpoint, device=device)
    around = made if loaded.spec.kind == "image" else loaded.sample(2000, checkpoint=checkpoint, device=device)
    write_film(loaded.spec, made, out, around)
    _say(f"{frames} frames of step {loaded.step(checkpoint)}: {out}")


@app.command()
def directions(
    run: RunArgument,
    change: Annotated[
        str | None,
        typer.Option(help="A property (brightness, slant …), a class, or A:B, from class to class.", metavar="WHAT"),
    ] = None,
    keep: Annotated[str | None, typer.Option(help="What shall stay, separated by commas.", metavar="WHAT,…")] = None,
    method: Annotated[str, typer.Option(help="Without --change: sefa or ganspace.")] = "sefa",
    rows: Annotated[int, typer.Option(help="Rows of the picture: samples, or directions without --change.")] = 6,
    n: Annotated[int, typer.Option("-n", help="How many samples are looked at.")] = 4000,
    seed: Annotated[int, typer.Option(help="The seed of the samples.")] = 0,
    label: LabelOption = None,
    out: Annotated[Path, typer.Option(help="A picture FILE.png: from -3 steps to +3.")] = Path("directions.png"),
    save: Annotated[Path | None, typer.Option(help="The direction as FILE.npy, for spar sample --direction.")] = None,
    checkpoint: CheckpointOption = "best",
    recipe: FileOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Find the latent directions that change what you name, or the strongest ones, and show what they do."""
    from rich.console import Console

    from sparring import api
    from sparring.runs.directions import show
    from sparring.runs.export import check_name

    for path, kind in ((out, ".png"), (save, ".npy")):
        check_name(path, kind)
    loaded = api.load(run, recipe)
    table = show(
        loaded,
        change,
        [name.strip() for name in keep.split(",")] if keep else [],
        method=method,
        rows=rows,
        out=out,
        save=save,
        n=n,
        seed=seed,
        label=label,
        checkpoint=checkpoint,
        device=device,
    )
    Console().print(table)
    _say(f"picture: {out}")
    if save:
        _say(f"saved: {save}   (spar sample {run} --direction {save} --strength 2)")


@app.command()
def evaluate(
    run: RunArgument,
    n: Annotated[int, typer.Option("-n", help="How many samples, at most as many as the held-out data.")] = 10_000,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
    seed: Annotated[int, typer.Option(help="The seed of the samples.")] = 0,
    checkpoint: CheckpointOption = "best",
    features: Annotated[
        str, typer.Option(help="auto, random-conv, inception, dinov2-l …: what is measured on.")
    ] = "auto",
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the features' network if it is not here.")
    ] = False,
    recipe: FileOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Measure the samples; every figure stands beside the same figure for held-out real data."""
    import json

    from sparring import api
    from sparring.training.display import following

    loaded = api.load(run, recipe)
    with following() as progress:
        result = loaded.evaluate(
            n,
            seed=seed,
            checkpoint=checkpoint,
            device=device,
            progress=progress,
            features=features,
            download=download,
        )
    if as_json:
        typer.echo(json.dumps({"run": str(run), "checkpoint": checkpoint} | result.to_json(), indent=2))
    else:
        from rich.console import Console

        Console().print(result.to_table())


@app.command()
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
    _say(f"report: {written}")


@app.command()
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
    save_png(comparison_picture(loaded, found, checkpoint), out)
    if as_json:
        typer.echo(json.dumps({"checkpoint": checkpoint} | found.to_json(), indent=2))
    else:
        from rich.console import Console

        Console().print(found.to_table())
        _say(f"picture: {out}")


@app.command()
def data(
    data: DataArgument,
    settings: SetOption = None,
    out: Annotated[Path, typer.Option(help="Where the contact sheet goes.")] = Path("contact-sheet.png"),
) -> None:
    """Show what is read of the data, what is skipped and why, and a contact sheet."""
    from typing import get_type_hints

    from sparring.data import DataOptions, contact_sheet, open_data
    from sparring.files import save_png
    from sparring.settings import parse_assignments, split

    (values,) = split(parse_assignments(settings or []), get_type_hints(DataOptions))
    dataset = open_data(data, DataOptions(**values), show_progress=True)  # type: ignore[arg-type]
    spec = dataset.spec
    _say(f"{spec.name}: {spec.kind}, shape {' x '.join(map(str, spec.shape))}")
    parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    _say("examples: " + ", ".join(f"{name} {len(part)}" for name, part in parts.items() if part is not None))
    _say(f"classes: {len(spec.classes)} ({', '.join(spec.classes)})" if spec.classes else "classes: none")
    for a in spec.attributes:
        _say(
            f"attribute: {a.name}, {a.low:g} to {a.high:g} in training (mean {a.mean:.4g}, deviation {a.deviation:.4g})"
        )
    for note in dataset.notes:
        _say(f"note: {note}")
    for file, why in dataset.skipped:
        _say(f"skipped: {file}: {why}")
    if dataset.skipped:
        _say(f"{len(dataset.skipped)} skipped in all")
    save_png(contact_sheet(dataset), out)
    _say(f"contact sheet: {out}")


@app.command()
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


@app.command()
def theory(
    name: Annotated[str | None, typer.Argument(help="One lesson.", show_default="all of them")] = None,
    out: Annotated[Path, typer.Option(help="Where pictures and tables go.")] = Path("theory"),
) -> None:
    """Check the theory of the game by running it: a picture and a table a lesson."""
    from sparring.theory.show import teach

    teach(name, out, _say)


def main() -> NoReturn:
    """Run the command; a user's mistake is one line on standard error, and its exit code."""
    # Threads that wait without spinning: on a machine that does other work too, spinning costs ten times as much.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except TyperException as error:  # wrong usage of the command line itself
        words = (error.format_message() if hasattr(error, "format_message") else str(error)).split()
        if words:  # none where the help was shown instead
            typer.echo(f"spar: {' '.join(words)} (spar --help shows what there is)", err=True)
        sys.exit(2)
    except SparringError as error:
        typer.echo(f"spar: {' '.join(str(error).splitlines())}", err=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("spar: interrupted", err=True)
        sys.exit(130)


def _whole(text: str, option: str) -> int:
    """A whole number from the command line."""
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{option}: {text!r} is not a whole number.") from None


def _say(line: str) -> None:
    typer.echo(line)


if __name__ == "__main__":
    main()
