"""Lessons written down: a picture and a table each."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

from sparring.errors import SparringError, UsageError
from sparring.files import make_folder, save_png, write_atomically
from sparring.settings import nearest
from sparring.theory import LESSONS
from sparring.theory.lesson import Lesson


def teach(name: str | None, out: Path, say: Callable[[str], None]) -> None:
    """Run one lesson, or all; say what was found, and write NAME.png and NAME.txt to a folder.

    Raises:
        UsageError: no lesson of this name.
        SparringError: a figure is not what theory says, or the disk refuses.
    """
    if name is not None and name not in LESSONS:
        raise UsageError(f"there is no lesson {name!r}.{nearest(name, LESSONS)}")
    make_folder(out)
    failed = []
    titles = [name] if name else list(LESSONS)
    for number, title in enumerate(titles, 1):
        say(f"lesson {number} of {len(titles)}, {title} …")
        lesson = LESSONS[title]()
        text = page(lesson)
        say(f"{title}: {text}")
        write_atomically(out / f"{title}.txt", text.encode())
        save_png(lesson.picture(), out / f"{title}.png")
        say(f"picture: {out / f'{title}.png'}\n")
        if not lesson.holds:
            failed.append(title)
    if failed:
        raise SparringError(f"not every figure is what theory says: {', '.join(failed)}.")


def page(lesson: Lesson) -> str:
    """Title, text and table."""
    return f"{lesson.title}\n\n{textwrap.fill(lesson.text, 100)}\n\n{lesson.table()}\n"
