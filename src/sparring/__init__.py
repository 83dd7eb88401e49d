"""Sparring: two networks improve by sparring.

``sparring.train(data, recipe=…)`` trains and returns a ``Run``; ``sparring.load(directory)`` finds it again.
Nothing heavy is imported before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "train": "sparring.api",
    "load": "sparring.api",
    "classify": "sparring.tasks.classify",
    "open_data": "sparring.data",
    "DataOptions": "sparring.data",
    "compare": "sparring.rivals.compare",
    "compare_runs": "sparring.runs.compare",
    "find_direction": "sparring.runs.directions",
    "find_components": "sparring.runs.directions",
    "walk": "sparring.runs.directions",
    "Run": "sparring.runs.run",
    "SparringFeatures": "sparring.transformer",
    "Recipe": "sparring.types",
    "DataSpec": "sparring.types",
    "SparringError": "sparring.errors",
    "UsageError": "sparring.errors",
}
__all__ = [
    "DataOptions",
    "DataSpec",
    "Recipe",
    "Run",
    "SparringError",
    "SparringFeatures",
    "UsageError",
    "classify",
    "compare",
    "compare_runs",
    "find_components",
    "find_direction",
    "load",
    "open_data",
    "train",
    "walk",
]

if TYPE_CHECKING:
    from sparring.api import load, train
    from sparring.data import DataOptions, open_data
    from sparring.errors import SparringError, UsageError
    from sparring.rivals.compare import compare
    from sparring.runs.compare import compare_runs
    from sparring.runs.directions import find_components, find_direction, walk
    from sparring.runs.run import Run
    from sparring.tasks.classify import classify
    from sparring.transformer import SparringFeatures
    from sparring.types import DataSpec, Recipe


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sparring' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
