"""A path of generated points made visible."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from torch import Tensor

from sparring.data.plots import FAKE, JUDGE


def plot_path(path: Tensor, around: Tensor, title: str = "") -> Image.Image:
    """A picture of points (n, d) on their way, d 1 or 2, among other generated points (m, d); the way begins at a dot.

    In 1-D the way goes upwards, over the density of the points around it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.2, 6.2), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    way, others = path.detach().float().cpu().numpy(), around.detach().float().cpu().numpy()
    if way.shape[1] == 1:
        steps = np.linspace(0, 1, len(way))
        density, edges = np.histogram(others[:, 0], bins=60)
        axes.stairs(density / density.max(), edges, fill=True, color=FAKE, alpha=0.25, label="generated density")
        way = np.stack([way[:, 0], steps], 1)
        axes.set(xlabel="x", ylabel="share of the way")
    else:
        axes.scatter(others[:, 0], others[:, 1], s=5, color=FAKE, alpha=0.25, linewidths=0, label="generated")
        axes.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    axes.plot(*way.T, color=JUDGE, marker=".", label="the way")
    axes.plot(*way[:1].T, color=JUDGE, marker="o", markersize=9)
    axes.legend(loc="upper right", fontsize=9)
    if title:
        axes.set_title(title, fontsize=11)
    buffer = io.BytesIO()
    canvas.print_png(buffer)  # type: ignore[no-untyped-call]
    return Image.open(buffer).convert("RGB")
