"""Where everything is kept that can be made or fetched again: packed data, downloads, trained features."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

VARIABLE = "SPARRING_CACHE"


def cache_folder() -> Path:
    """The cache: ``SPARRING_CACHE``, else the user's cache folder of this system."""
    own = os.environ.get(VARIABLE)
    return Path(own).expanduser() if own else Path(platformdirs.user_cache_dir("sparring"))
