"""The picture of generative against discriminative: errors over the number of labels."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from PIL.Image import Image

from sparring.data.plots import to_image
from sparring.rivals.texts import NAMES, TextComparison

COLOURS = ("#e0641c", "#1f6fb4")
WIDE = 58
"""Letters in a line of words."""


def error_curves(found: TextComparison) -> Image:
    """Means with their standard deviations on the left; on the right what naive Bayes composes."""
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(12.0, 5.2), dpi=100, layout="constrained")
    curves, words = canvas.subplots(1, 2, width_ratios=(1.1, 1))
    _draw_curves(curves, found)
    blocks = []
    for name, made in found.composed.items():
        telling, message = (textwrap.fill(text, WIDE) for text in (", ".join(made.telling), made.messages[0]))
        blocks.append(
            f"given “{name}”, most telling words\n{telling}\n\ncomposed\n{textwrap.shorten(message, 6 * WIDE)}"
        )
    words.set_axis_off()
    text = "\n\n".join("\n".join(textwrap.fill(line, WIDE) for line in block.split("\n")) for block in blocks)
    words.text(0, 1, text, va="top", fontsize=9, parse_math=False, transform=words.transAxes)
    return to_image(canvas)


def _draw_curves(axes: Any, found: TextComparison) -> None:
    labels = [row.labels for row in found.learned]
    columns = [[row.generative for row in found.learned], [row.discriminative for row in found.learned]]
    for name, column, colour in zip(NAMES, columns, COLOURS, strict=True):
        means = np.array([np.mean(errors) for errors in column])
        deviations = np.array([np.std(errors, ddof=1) if len(errors) > 1 else 0 for errors in column])
        axes.plot(labels, means, "o-", color=colour, label=name)
        axes.fill_between(labels, means - deviations, means + deviations, color=colour, alpha=0.2, linewidth=0)
    axes.axhline(found.majority, color="#6b6b6b", linestyle=":", label="always the most frequent class")
    axes.set(xscale="log", ylim=(0, None), xlabel="labels", ylabel="error on held-out texts")
    axes.set_title(found.data, parse_math=False)
    axes.yaxis.set_major_formatter(lambda value, position: f"{value:.0%}")
    axes.legend()
