"""The command ``spar``: a thin file a verb. Everything heavy is imported inside the verb."""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from sparring import __version__
from sparring.cli.augment import augment
from sparring.cli.classify import classify
from sparring.cli.compare import compare
from sparring.cli.compare_runs import compare_runs
from sparring.cli.data import data
from sparring.cli.diagnose import diagnose
from sparring.cli.directions import directions
from sparring.cli.evaluate import evaluate
from sparring.cli.features import features
from sparring.cli.interpolate import interpolate
from sparring.cli.predict import predict
from sparring.cli.recipes import recipes
from sparring.cli.report import report
from sparring.cli.sample import sample
from sparring.cli.theory import theory
from sparring.cli.train import train
from sparring.errors import OUT_OF_MEMORY, SparringError, out_of_memory

app = typer.Typer(
    name="spar",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

VERBS = (
    train,
    sample,
    interpolate,
    directions,
    features,
    augment,
    compare,
    evaluate,
    diagnose,
    compare_runs,
    report,
    classify,
    predict,
    data,
    recipes,
    theory,
)
"""In the order of the help."""

for verb in VERBS:
    app.command()(verb)


def say_version(asked: bool) -> None:
    """Print Sparring's version, if that is all that is asked."""
    if asked:
        typer.echo(f"sparring {__version__}")
        raise typer.Exit


@app.callback()
def before_any_verb(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=say_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Train generative adversarial networks, measure them honestly, put them to use."""


def abandon_output() -> None:
    """Drop what is still buffered if it cannot be written: Python would fail on it once more as it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> NoReturn:
    """Run the command; a user's mistake is one line on standard error, and its exit code."""
    # Threads that wait without spinning: on a machine that does other work too, spinning costs ten times as much.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # what a terminal cannot show must not end the work
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
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        typer.echo(f"spar: {OUT_OF_MEMORY}", err=True)
        sys.exit(1)
    except OSError as error:  # the machine's: a full disk behind a pipe, a file that goes away while it is read
        typer.echo(f"spar: {error}", err=True)
        abandon_output()
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("spar: interrupted", err=True)
        sys.exit(130)
