"""``spar data``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparring.cli.arguments import DataArgument, SetOption, say


def data(
    data: DataArgument,
    settings: SetOption = None,
    out: Annotated[Path, typer.Option(help="Where the contact sheet goes.")] = Path("contact-sheet.png"),
) -> None:
    """Show what is read of the data, what is skipped and why, and a contact sheet."""
    from typing import get_type_hints

    from sparring.data import DataOptions, contact_sheet, open_data
    from sparring.files import save_png
    from sparring.runs.export import check_name
    from sparring.settings import parse_assignments, split

    check_name(out, ".png")
    (values,) = split(parse_assignments(settings or []), get_type_hints(DataOptions))
    dataset = open_data(data, DataOptions(**values), show_progress=True)  # type: ignore[arg-type]
    spec = dataset.spec
    say(f"{spec.name}: {spec.kind}, shape {' x '.join(map(str, spec.shape))}")
    parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    say("examples: " + ", ".join(f"{name} {len(part)}" for name, part in parts.items() if part is not None))
    say(f"classes: {len(spec.classes)} ({', '.join(spec.classes)})" if spec.classes else "classes: none")
    for a in spec.attributes:
        say(
            f"attribute: {a.name}, {a.low:g} to {a.high:g} in training (mean {a.mean:.4g}, deviation {a.deviation:.4g})"
        )
    for note in dataset.notes:
        say(f"note: {note}")
    for file, why in dataset.skipped:
        say(f"skipped: {file}: {why}")
    if dataset.skipped:
        say(f"{len(dataset.skipped)} skipped in all")
    save_png(contact_sheet(dataset), out)
    say(f"contact sheet: {out}")
