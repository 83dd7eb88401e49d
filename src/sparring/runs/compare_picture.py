"""One picture of compared runs: samples of each, below those of the real data, with names and main figures."""

from __future__ import annotations

import math
import statistics
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import torch
from PIL import Image

from sparring.data import plot_points, render
from sparring.data.plots import to_image
from sparring.metrics.reading import draw
from sparring.runs.compare import Compared, RunComparison, said
from sparring.runs.run import Run

ROWS, COLUMNS = 3, 16
"""Images of a run."""
POINTS = 2000
SIDE_BY_SIDE = 3
"""Plots of points in a row, at the most."""
LONGEST_NAME = {1: 90, 2: 50, 3: 30}
"""Letters of a directory's name that are shown, the last ones, where so many blocks stand side by side."""
MAIN = ("precision", "recall", "modes found", "high quality")
"""Figures that are shown beside the first one, which is the distance."""
WIDTH = 10.0
"""Inches of the picture."""
LINE = 0.25
"""Inches of a line of text."""
DPI = 110


class Block(NamedTuple):
    """Samples of one source: what is written above them, and the samples."""

    title: str
    samples: Image.Image


def comparison_picture(
    runs: Sequence[Run], found: RunComparison, checkpoint: str = "best", device: str | torch.device = "cpu"
) -> Image.Image:
    """Samples of each run with its own figures, RGB: images below held-out ones, points over held-out ones.

    Each run's are of the comparison's seed, so runs of one recipe show the same latent codes.
    """
    dataset = runs[0].dataset()
    images = dataset.spec.kind == "image"
    count, across = (ROWS * COLUMNS, 1) if images else (POINTS, min(SIDE_BY_SIDE, len(runs)))
    real = draw(dataset.train if dataset.held_out is None else dataset.held_out, count, found.seed)
    main = [figure for i, figure in enumerate(found.figures) if i == 0 or figure.name in MAIN]
    by_path = {str(run.path): run for run in runs}
    blocks = []
    if images:
        blocks.append(Block(f"{dataset.spec.name}: real", render(dataset.spec, dataset.spec.encode(real), COLUMNS)))
    for i, side in enumerate(found.sides):
        for j, path in enumerate(side.runs):
            made = by_path[path].sample(count, found.seed, checkpoint=checkpoint, device=device)
            name = path if len(path) <= LONGEST_NAME[across] else "…" + path[-LONGEST_NAME[across] :]
            figures = ("   " if images else "\n").join(of_run(figure, i, j) for figure in main)
            shown = render(dataset.spec, made, COLUMNS) if images else plot_points(made, real, dataset.density)
            blocks.append(Block(f"{side.name}: {name}, step {side.steps[j]}\n{figures}", shown))
    return arranged(blocks, across)


def of_run(figure: Compared, side: int, run: int) -> str:
    """A run's own mean and spread over its draws, and the floor."""
    values = figure.values[side][run]
    floor = "" if figure.floor is None else f" (real {figure.floor:.3g})"
    return f"{figure.name} {said(statistics.fmean(values), statistics.stdev(values))}{floor}"


def arranged(blocks: Sequence[Block], across: int) -> Image.Image:
    """Blocks as one picture, so many side by side."""
    from matplotlib.figure import Figure

    down = math.ceil(len(blocks) / across)
    width, height = blocks[-1].samples.size
    text = LINE * (1 + max(block.title.count("\n") for block in blocks))
    canvas = Figure(figsize=(WIDTH, down * (WIDTH / across * height / width + text)), dpi=DPI, layout="constrained")
    for place, block in enumerate(blocks, 1):
        axes = canvas.add_subplot(down, across, place)
        axes.imshow(block.samples, cmap="gray", vmin=0, vmax=255, interpolation="none")
        axes.set_axis_off()
        # Names come from the user: a $ in them is no formula.
        axes.set_title(block.title, fontsize=10 if across == 1 else 8, loc="left", parse_math=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a directory's name may have letters that the font has not
        return to_image(canvas)
