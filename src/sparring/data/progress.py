"""The progress bar of everything that takes a while, on the error stream; or nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


@contextmanager
def progress(what: str, total: int | None, show: bool) -> Iterator[Callable[[int], None]]:
    """Gives a function that is told how many more are done; ``total`` None where nobody knows how many there are."""
    if not show:
        yield lambda _: None
        return
    times = [TimeElapsedColumn()] if total is None else [MofNCompleteColumn(), TimeRemainingColumn()]
    columns = TextColumn("{task.description}", markup=False), BarColumn(), *times
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)
