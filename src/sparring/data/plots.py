"""Points made visible: densities and the discriminator in one dimension, scatters in two."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sparring.types import Density

Discriminator = Callable[[Tensor], Tensor]
REAL, FAKE, JUDGE, BEST = "#1f6fb4", "#e0641c", "#2b8a3e", "#6b6b6b"
SHOWN = 4_000
"""Points in a scatter at most."""


def plot_points(
    fake: Tensor | None = None,
    real: Tensor | None = None,
    density: Density | None = None,
    discriminator: Discriminator | None = None,
    title: str = "",
) -> Image.Image:
    """A picture of the game on points: generated (n, d), real (m, d), either may be missing; d is 1 or 2.

    In 1-D: both densities (the real one exactly where it is known), D(x) in [0, 1] as ``discriminator`` gives it for
    points (k, 1), and the best discriminator p / (p + q). In 2-D: both sets of points, D as the background.
    """
    given = [x for x in (fake, real) if x is not None]
    if not given or given[0].shape[1] not in (1, 2):
        raise ValueError("there is nothing to plot: points (n, 1) or (n, 2) are needed")
    one = given[0].shape[1] == 1
    draw = _one_dimension if one else _two_dimensions
    shown = _array(fake), _array(real)

    def paint(axes: Any) -> None:
        if any(points is not None for points in shown):
            draw(axes, *shown, density, discriminator)
        else:
            axes.text(0.5, 0.5, "no point is finite", ha="center", transform=axes.transAxes)

    return _picture((7.2, 4.4) if one else (6.2 if discriminator is None else 7.4, 6.2), title, paint)


def plot_path(path: Tensor, around: Tensor, title: str = "") -> Image.Image:
    """A picture of points (n, d) on their way, d 1 or 2, among other generated points (m, d); the way begins at a dot.

    In 1-D the way goes upwards, over the density of the points around it.
    """
    way, others = path.detach().float().cpu().numpy(), around.detach().float().cpu().numpy()

    def paint(axes: Any) -> None:
        shown = way
        if way.shape[1] == 1:
            density, edges = np.histogram(others[:, 0], bins=60)
            axes.stairs(density / density.max(), edges, fill=True, color=FAKE, alpha=0.25, label="generated density")
            shown = np.stack([way[:, 0], np.linspace(0, 1, len(way))], 1)
            axes.set(xlabel="x", ylabel="share of the way")
        else:
            axes.scatter(others[:, 0], others[:, 1], s=5, color=FAKE, alpha=0.25, linewidths=0, label="generated")
            axes.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
        axes.plot(*shown.T, color=JUDGE, marker=".", label="the way")
        axes.plot(*shown[:1].T, color=JUDGE, marker="o", markersize=9)
        axes.legend(loc="upper right", fontsize=9)

    return _picture((6.2, 6.2), title, paint)


def _picture(size: tuple[float, float], title: str, paint: Callable[[Any], None]) -> Image.Image:
    """One pair of axes, painted, as a picture of a size in units of 100 pixels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=100, layout="constrained")
    axes = figure.add_subplot()
    paint(axes)
    if title:
        axes.set_title(title, fontsize=11)
    return to_image(figure)


def to_image(figure: Any) -> Image.Image:
    """A matplotlib figure as a picture, RGB; pyplot and its global state stay out of it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)  # type: ignore[no-untyped-call]
    return Image.open(buffer).convert("RGB")


def _array(x: Tensor | None) -> Any:
    """Points as an array, without those that are not finite; None if none are left."""
    if x is None:
        return None
    values = x.detach().float().cpu().numpy()
    values = values[np.isfinite(values).all(1)]
    return values if len(values) else None


def _one_dimension(
    axes: Any, fake: Any, real: Any, density: Density | None, discriminator: Discriminator | None
) -> None:
    x = np.linspace(*_range_1d(fake, real, density), 501)
    p = _exact(density, x[:, None]) if density is not None else _smooth(real, x)
    q = _smooth(fake, x)
    if p is not None:
        axes.fill_between(x, p, color=REAL, alpha=0.15, linewidth=0)
        axes.plot(x, p, color=REAL, label="real density p" + (" (exact)" if density is not None else ""))
    if q is not None:
        axes.fill_between(x, q, color=FAKE, alpha=0.15, linewidth=0)
        axes.plot(x, q, color=FAKE, label="generated density q")
    axes.set(xlabel="x", ylabel="density", xlim=(x[0], x[-1]))
    top = max((float(v.max()) for v in (p, q) if v is not None), default=1.0)
    axes.set_ylim(0, 1.35 * top)
    lines = list(axes.lines)
    if discriminator is not None or (p is not None and q is not None):
        right = axes.twinx()
        right.set(ylabel="probability of being real", ylim=(0, 1.35))
        right.set_yticks([0, 0.25, 0.5, 0.75, 1])
        if p is not None and q is not None:
            right.plot(x, best_discriminator(p, q, 1e-2 * top), color=BEST, linestyle="--", label="best D: p / (p + q)")
        if discriminator is not None:
            right.plot(x, _judge(discriminator, x[:, None]), color=JUDGE, label="D(x)")
        lines += right.lines
    axes.legend(lines, [line.get_label() for line in lines], loc="upper left", ncols=2, fontsize=9, frameon=False)


def best_discriminator(p: Any, q: Any, least: float) -> Any:
    """p / (p + q) (k,) of two densities (k,); NaN where p + q is at most ``least`` and there is nothing to tell apart.

    Goodfellow et al. 2014, proposition 1.
    """
    both = p + q
    seen = both > least
    return np.where(seen, p / np.where(seen, both, 1), np.nan)


def _two_dimensions(
    axes: Any, fake: Any, real: Any, density: Density | None, discriminator: Discriminator | None
) -> None:
    low, high = _range_2d(fake, real)
    if discriminator is not None:
        sides = [np.linspace(low[i], high[i], 121) for i in range(2)]
        mesh = np.stack(np.meshgrid(*sides), -1).reshape(-1, 2)
        shade = _judge(discriminator, mesh).reshape(121, 121)
        extent = (low[0], high[0], low[1], high[1])
        image = axes.imshow(
            shade, cmap="Greens", vmin=0, vmax=1, alpha=0.6, extent=extent, origin="lower", interpolation="bilinear"
        )
        axes.figure.colorbar(image, ax=axes, label="D(x): probability of being real", shrink=0.8)
    for points, colour, label in ((real, REAL, "real"), (fake, FAKE, "generated")):
        if points is not None:
            some = points[:SHOWN]
            axes.scatter(*some.T, s=5, color=colour, alpha=0.45, linewidths=0, label=label)
    axes.set(xlabel="$x_1$", ylabel="$x_2$", xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    legend = axes.legend(loc="upper right", fontsize=9, markerscale=3)
    for handle in legend.legend_handles:
        handle.set_alpha(1)


def _range_1d(fake: Any, real: Any, density: Density | None) -> tuple[float, float]:
    ends = [np.quantile(x, [0.002, 0.998]) for x in (fake, real) if x is not None]
    if density is not None:
        ends.append(density.quantile(torch.tensor([0.001, 0.999])).numpy())
    low, high = min(float(e[0]) for e in ends), max(float(e[1]) for e in ends)
    margin = 0.08 * (high - low) + 1e-6
    return low - margin, high + margin


def _range_2d(fake: Any, real: Any) -> tuple[Any, Any]:
    points = real if real is not None else fake
    low, high = points.min(0), points.max(0)
    margin = 0.15 * float(max(high - low)) + 1e-6
    return low - margin, high + margin


def _exact(density: Density, x: Any) -> Any:
    return density.log_prob(torch.from_numpy(x)).exp().numpy()


def _judge(discriminator: Discriminator, x: Any) -> Any:
    with torch.no_grad():
        return discriminator(torch.from_numpy(x.astype(np.float32))).detach().float().cpu().reshape(-1).numpy()


def _smooth(points: Any, x: Any) -> Any:
    """A kernel density estimate on an even grid x, from a fine histogram: cheap for any number of points."""
    if points is None:
        return None
    values = points[:, 0]
    step = x[1] - x[0]
    width = max(
        0.9 * min(values.std(), np.subtract(*np.quantile(values, [0.75, 0.25])) / 1.34) * len(values) ** -0.2, step
    )
    reach = int(np.ceil(4 * width / step))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * step / width) ** 2)
    edges = x[0] + step * (np.arange(-reach, len(x) + reach + 1) - 0.5)
    counts = np.histogram(values, edges)[0]
    return np.convolve(counts, kernel / kernel.sum(), "valid") / (len(values) * step)
