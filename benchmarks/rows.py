"""A benchmark's results: a file of JSON lines, one a row, to which every sitting adds what is still missing."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparring.evaluate import Figure
from sparring.files import write_atomically

HERE = Path(__file__).parent
Row = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """The rows of one file; those that agree in the values named by ``key`` are the same measurement."""

    path: Path
    key: tuple[str, ...]

    def read(self) -> list[Row]:
        """All rows, oldest first; none where there is no file yet."""
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]

    def groups(self, *names: str) -> dict[tuple[Any, ...], list[Row]]:
        """The rows by their values of some names, in the order in which these first came."""
        found: dict[tuple[Any, ...], list[Row]] = {}
        for row in self.read():
            found.setdefault(tuple(row[name] for name in names), []).append(row)
        return found

    def __contains__(self, row: Row) -> bool:
        """Whether the measurement of a row (its key's values suffice) is there already."""
        return any(all(there[name] == row[name] for name in self.key) for there in self.read())

    def add(self, row: Row) -> None:
        """Append a row; whatever kills the process, the file is whole."""
        lines = [json.dumps(r) for r in (*self.read(), row)]
        write_atomically(self.path, ("\n".join(lines) + "\n").encode())


def commit() -> str:
    """The commit that is measured, marked where files differ from it; ``unknown`` outside of a repository."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=HERE, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "../src", "*.py")
        return git("rev-parse", "--short", "HEAD") + (" and changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def with_floor(figure: Figure) -> str:
    """A figure as a table shows it: the value, and its floor in brackets."""
    return f"{figure.value:.3g}" + ("" if figure.floor is None else f" ({figure.floor:.3g})")


def mean_and_spread(values: Sequence[float], show: Callable[[float], str] = "{:.2f}".format) -> str:
    """Mean ± standard deviation, each as ``show`` writes a number; a single value alone."""
    spread = f" ± {show(statistics.stdev(values))}" if len(values) > 1 else ""
    return f"{show(statistics.fmean(values))}{spread}"


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
