"""The whole page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path

import torch

from sparring.errors import SparringError, UsageError
from sparring.files import write_atomically
from sparring.metrics.reading import Progress, no_progress
from sparring.report import recorded
from sparring.report.classified import classification, kept_file
from sparring.report.course import curves
from sparring.report.generated import Generated
from sparring.report.html import Html, joined, tag
from sparring.report.style import SCRIPT, STYLE
from sparring.report.subject import Subject
from sparring.report.verdict import verdict

KINDS = (".html", ".htm")


def write_report(
    run: Subject, out: Path | None = None, *, device: str | torch.device = "cpu", progress: Progress = no_progress
) -> Path:
    """Write a run's report, one HTML file, and give its path; without ``out`` it is report.html in the run's directory.

    A part that cannot be made (no checkpoint yet, the data are gone, not evaluated) says so in its place.

    Raises:
        UsageError: ``out`` is no name of an HTML file.
        SparringError: the disk refuses.
    """
    path = out or run.directory.path / "report.html"
    if path.suffix.lower() not in KINDS:
        raise UsageError(f"--out {path}: a report is one FILE.html.")
    write_atomically(path, report(run, device, progress).encode("utf-8", errors="replace"))
    return path


def report(run: Subject, device: str | torch.device = "cpu", progress: Progress = no_progress) -> Html:
    """The report of a run, as HTML."""
    made = Generated(run, device)
    classified = {"Classification": lambda: classification(run)} if kept_file(run).exists() else {}
    parts: dict[str, Callable[[], Html]] = {
        "Verdict": lambda: verdict(run),
        **classified,
        "Samples over time": lambda: recorded.over_time(run),
        "Samples": made.sheet,
        "Curves": lambda: curves(run),
        "Figures": lambda: recorded.figures(run),
        "Nearest training examples": made.neighbours,
        "Between samples": made.interpolations,
        "Recipe": lambda: recorded.settings(run),
        "How to reproduce it": lambda: recorded.reproduce(run),
    }
    sections = []
    for i, (title, part) in enumerate(parts.items()):
        sections.append(section(title, part))
        progress("writing the report", i + 1, len(parts))
    title = f"{run.identity.recipe} on {run.spec.name}: a run of Sparring"
    return page(title, recorded.header(run), joined(sections))


def section(title: str, part: Callable[[], Html]) -> Html:
    """A part under its title, or why there is none."""
    try:
        content = part()
    except SparringError as error:
        content = tag("p", f"Missing here: {error}", class_="missing")
    return tag("section", tag("h2", title), content)


def page(title: str, header: Html, main: Html) -> Html:
    """A page that may fetch nothing, show only pictures that it holds, and run and apply only what Sparring wrote."""
    policy = (
        f"default-src 'none'; img-src data:; style-src {digest(STYLE)}; script-src {digest(SCRIPT)}; base-uri 'none'"
    )
    head = joined(
        [
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=f"{policy}; form-action 'none'"),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("meta", name="generator", content="Sparring"),
            tag("title", title),
            tag("style", Html(STYLE)),
        ]
    )
    body = joined([tag("header", header), tag("main", main), tag("script", Html(SCRIPT))])
    return Html("<!doctype html>\n" + tag("html", tag("head", head), tag("body", body), lang="en") + "\n")


def digest(text: str) -> str:
    """How a policy names an inline text that is allowed."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
