"""Data: named sets, the user's own images, toys; packed once, drawn by index, made visible."""

from sparring.data.draw import draw_indices
from sparring.data.open import open_data
from sparring.data.options import DataOptions
from sparring.data.plots import plot_path, plot_points
from sparring.data.render import contact_sheet, render
from sparring.data.source import PackedSource, PointSource, everything

__all__ = [
    "DataOptions",
    "PackedSource",
    "PointSource",
    "contact_sheet",
    "draw_indices",
    "everything",
    "open_data",
    "plot_path",
    "plot_points",
    "render",
]
