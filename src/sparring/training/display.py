"""What a training shows while it runs: a progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

REFRESH = 0.2
"""Seconds between updates of the bar."""
LINE_EVERY = 10.0
"""Seconds between plain lines."""
FIGURES = {
    "d_loss": ("D loss {:.3f}", "D {:.2f}"),
    "d_real": ("D real {:.0%}", "real {:.0%}"),
    "d_fake": ("D fake {:.0%}", "fake {:.0%}"),
    "g_loss": ("G loss {:.3f}", "G {:.2f}"),
    "augment_p": ("augmented {:.0%}", "aug {:.0%}"),
}
"""The statistics that are shown: as plain lines and as the bar have them."""


class Display:
    """Follows a training: ``step`` at every step (cheap), ``figures`` when statistics were read, ``verdict``
    when it was diagnosed, ``say`` for words."""

    def __init__(self, *, quiet: bool = False, console: Console | None = None) -> None:
        self.console = console or Console(quiet=quiet, highlight=False, soft_wrap=True)
        self.bar: Progress | None = None
        self.text = self.short = self.how = ""

    def start(self, step: int, steps: int, batch: int) -> None:
        """Begin at a step of a run of ``steps``."""
        self.began, self.first, self.now, self.steps, self.batch = time.perf_counter(), step, step, steps, batch
        self.due = self.began + (REFRESH if self.console.is_terminal else LINE_EVERY)
        if self.console.is_terminal:
            fixed = Column(no_wrap=True)
            columns = (
                BarColumn(bar_width=8),
                MofNCompleteColumn(table_column=fixed),
                TextColumn("{task.fields[text]}", table_column=Column(no_wrap=True, overflow="ellipsis")),
                TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
            )
            self.bar = Progress(*columns, console=self.console, auto_refresh=False)
            self.task = self.bar.add_task("", total=steps, completed=max(step, 0), text="")
            self.bar.start()

    @property
    def rate(self) -> float:
        """Images a second since the beginning."""
        return (self.now - self.first) * self.batch / max(time.perf_counter() - self.began, 1e-9)

    def step(self, step: int) -> None:
        """Count a step; show it if it is time to."""
        self.now = step
        if time.perf_counter() >= self.due:
            self.show()

    def show(self) -> None:
        """Show how far the training is."""
        if self.bar is not None:
            text = " ".join(filter(None, (f"{self.rate:,.0f}/s", self.how, self.short)))
            self.bar.update(self.task, completed=max(self.now, 0), text=text, refresh=True)
        else:
            text = f"{self.rate:,.0f} images/s{self.text}" + (f"  {self.how}" if self.how else "")
            left = (self.steps - self.now) * self.batch / max(self.rate, 1e-9)
            self.console.print(f"step {self.now} of {self.steps}  {text}  {left:,.0f} s left")
        self.due = time.perf_counter() + (REFRESH if self.bar is not None else LINE_EVERY)

    def figures(self, values: Mapping[str, float]) -> None:
        """The newest means: losses, the discriminator's accuracy on real and on fake, how likely augmentations are."""
        shown = [(values[name], forms) for name, forms in FIGURES.items() if name in values]
        self.text = "".join("  " + form.format(value) for value, (form, _) in shown)
        self.short = " ".join(form.format(value) for value, (_, form) in shown)

    def verdict(self, name: str) -> None:
        """How the game goes, in a few words."""
        self.how = name

    def say(self, line: str) -> None:
        """A line of words, above the bar."""
        self.console.print(line, markup=False)

    def stop(self) -> None:
        """The training is over or interrupted."""
        if self.bar is not None:
            self.show()
            self.bar.stop()
            self.bar = None


@contextmanager
def following() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error for work that calls ``progress(what, done, total)``; none without a terminal."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what)
            bar.update(tasks[what], completed=done, total=total)

        yield progress
