"""The parts of a report that the run's files hold already: what it is, its pictures, figures and settings."""

from __future__ import annotations

import json
import platform
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from sparring.diagnosis.command import recipe_word, training_command
from sparring.diagnosis.remedies import LENGTH
from sparring.errors import SparringError, UsageError
from sparring.evaluate import Evaluation, Figure
from sparring.identity import Identity, Planned, Remedied
from sparring.report.html import Html, facts, joined, table, tag
from sparring.report.images import embed, read_picture
from sparring.report.subject import Subject
from sparring.types import DataSpec

FRAMES = 40
"""Pictures of the slider, at most."""


def header(run: Subject) -> Html:
    """What was trained on what, how far, and from which paper."""
    name = f"{run.identity.recipe} on {run.spec.name or run.identity.data}"
    planned = run.recipe.steps
    done = steps_done(run)
    values: dict[str, object] = {
        "data": described(run.spec),
        "recipe": run.identity.recipe,
        "steps": f"{done} of {planned}" + ("" if done >= planned else " (unfinished)"),
        "seed": run.recipe.seed,
    }
    if run.directory.numbered():
        values["checkpoint shown"] = checkpoint_shown(run)
    kind = "generative adversarial network" if run.recipe.discriminator else "generative model"
    what = f"A {kind}, trained by Sparring. Everything on this page is in this one file."
    return joined([tag("h1", name), tag("p", what, class_="soft"), tag("p", run.recipe.paper), facts(values)])


def steps_done(run: Subject) -> int:
    """The last step that the run has anything of."""
    if run.directory.numbered():
        return run.step("last")
    return max((row["step"] for row in run.metrics if isinstance(row["step"], int)), default=0)


def described(spec: DataSpec) -> str:
    """The data's name and what one example is."""
    shape = " x ".join(map(str, spec.shape))
    conditions = f", {len(spec.classes)} classes" if spec.classes else ""
    conditions += f", attributes {', '.join(a.name for a in spec.attributes)}" if spec.attributes else ""
    return f"{spec.name}: {spec.kind} {shape}{conditions}"


def over_time(run: Subject) -> Html:
    """The run's pictures behind a slider; without scripts the last one.

    Raises:
        UsageError: there are none.
    """
    shown = list(frames(run.directory.samples))
    if not shown:
        raise UsageError("there is no picture yet: the training saves one every grid_every steps.")
    figures = [
        tag(
            "figure",
            embed(image, f"what the generator made at step {step}"),
            data_what=f"step {step}",
            hidden=i < len(shown) - 1,
        )
        for i, (step, image) in enumerate(shown)
    ]
    label = tag("label", "training step", tag("output", f"step {shown[-1][0]}", for_="over-time"), for_="over-time")
    slider = tag("input", type="range", id="over-time", min=0, max=len(shown) - 1, value=len(shown) - 1)
    said = f"{len(shown)} pictures, from step {shown[0][0]} to step {shown[-1][0]}; the latent codes stay the same."
    return tag(
        "div", tag("p", said), *figures, tag("div", label, slider, class_="slider", hidden=True), class_="over-time"
    )


def frames(folder: Path) -> Iterator[tuple[int, Any]]:
    """At most FRAMES of the pictures in a folder, evenly chosen, first and last among them: step and picture."""
    files = sorted((f for f in folder.glob("*.png") if f.stem.isdecimal()), key=lambda f: int(f.stem))
    if len(files) > FRAMES:
        files = [files[round(i * (len(files) - 1) / (FRAMES - 1))] for i in range(FRAMES)]
    for file in files:
        if (image := read_picture(file)) is not None:
            yield int(file.stem), image


def figures(run: Subject) -> Html:
    """The figures of evaluation.json beside their floors.

    Raises:
        UsageError: the run was not evaluated, or the file is damaged.
    """
    file = run.directory.path / "evaluation.json"
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        evaluation, step = Evaluation.from_json(values), int(values["step"])
        rows = [_figure_row(figure) for figure in evaluation.figures]
    except FileNotFoundError:
        command = shlex.join(["spar", "evaluate", str(run.directory.path)])
        raise UsageError(f"this run was not evaluated yet. {command} does it; then write the report again.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{file} is damaged ({error!r}): evaluate the run again.") from error
    said = (
        f"{evaluation.n} samples of step {step}, seed {evaluation.seed}. Beside each figure stands its floor: the same "
    )
    said += "figure for held-out real data in place of the samples."
    other = run.directory.numbered() and step != run.step()
    late = tag("p", f"The samples on this page are of step {run.step()}.", class_="missing") if other else ""
    head = ("figure", "samples", "real, held out", "better", "what it says")
    notes = tag("ul", *(tag("li", note) for note in evaluation.notes), class_="soft")
    return joined([tag("p", said), late, table(head, rows, (1, 2)), notes])


def _figure_row(figure: Figure) -> list[object]:
    note = tag("div", figure.note, class_="wide soft")
    return [figure.name, figure.said(), figure.said_floor(), figure.better, note]


def settings(run: Subject) -> Html:
    """Every setting of the recipe, of training and of the data."""
    identity = run.identity
    groups = {"recipe": identity.own, "training": identity.general, "data": identity.data_options}
    rows = [
        (name, "default" if value is None else value, group)
        for group, values in groups.items()
        for name, value in values.items()
    ]
    why = "The recipe chose for these data and this machine: "
    chosen = tag("p", why + identity.chosen.why) if identity.chosen else ""
    count = tag("summary", f"{len(rows)} settings")
    return joined([chosen, tag("details", count, table(("setting", "value", "of"), rows), open=True)])


def checkpoint_shown(run: Subject) -> str:
    """Which checkpoint's samples the page shows, or why there are none."""
    try:
        return f"step {run.step()}" + (" (best)" if run.directory.best.exists() else " (last)")
    except SparringError as error:
        return f"none: {error}"


def reproduce(run: Subject) -> Html:
    """The command that trains this run again, or one for each length it was planned for; what it was trained with."""
    identity = run.identity
    who, give = ("The same commands", "give") if identity.earlier else ("The same command", "gives")
    bits = f"{who} on the CPU, with the same versions of Sparring and torch, {give} the same bits."
    said = " ".join(filter(None, (bits, went_on(identity.earlier), went_back(identity.remedies))))
    values = {
        "trained with": f"Sparring {run.identity.version}",
        "page written with": f"torch {torch.__version__}, Python {platform.python_version()}",
        "data's fingerprint": run.identity.fingerprint,
    }
    if run.identity.recipe_digest:
        values["digest of the recipe's file"] = run.identity.recipe_digest
    told = "\n".join(commands(identity, f"{run.directory.path}-again"))
    return joined([tag("pre", tag("code", told)), tag("p", said), facts(values)])


def went_on(plans: Sequence[Planned]) -> str:
    """What lengths the run was planned for on its way, in words."""
    if not plans:
        return ""
    words = [f"Up to step {plan.step} it was planned for {plan.steps} steps." for plan in plans]
    words += ["What falls over a run, such as learning rates, stood again where a longer run has it from there on."]
    if any(plan.step < plan.steps for plan in plans):
        words += ["It was stopped before such a length was over, so these commands repeat it nearly, not to the bit."]
    return " ".join(words)


def went_back(remedies: Sequence[Remedied]) -> str:
    """What was changed on the way, in words."""
    changes = [
        f"It went back to step {one.step} ({one.sickness}) and on with "
        + ", ".join(f"{name}={value}" for name, value in one.settings.items())
        for one in remedies
    ]
    return " ".join(f"{change}." for change in changes)


def commands(identity: Identity, again: str) -> list[str]:
    """The command of a run: what was chosen by data and machine, and what the user set, before any remedy.

    One for each length that it was planned for, if there were several; these name the directory ``again``.
    """
    settings = dict(identity.chosen.settings) if identity.chosen else {}
    settings |= {name: identity.general[name] for name in ("seed", "threads")}
    settings |= identity.given
    for remedy in reversed(identity.remedies):
        settings |= remedy.was
    if not identity.earlier:
        return [training_command(identity.data, recipe_word(identity), settings)]
    length = next((name for name in LENGTH if name in settings), LENGTH[0])
    return [
        training_command(identity.data, recipe_word(identity), settings | {length: steps}, again)
        for steps in (*(plan.steps for plan in identity.earlier), identity.general["steps"])
    ]
