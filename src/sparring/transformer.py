"""A trained run's features as a transformer of scikit-learn's."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sparring.api import load, train
from sparring.cache_folder import cache_folder
from sparring.data.cache import digest
from sparring.errors import UsageError
from sparring.runs.export import save_npy
from sparring.runs.features import network_values
from sparring.runs.run import Run
from sparring.settings import Value
from sparring.training.display import Display

FAR = 8
"""Images this many times as dark at most as those of ``fit`` are taken to be scaled otherwise."""


class SparringFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Images to the features of a run (``Run.features``), trained on these images when it is fitted, or before.

    Args:
        run: the directory of a run whose features are taken; ``fit`` then trains nothing. None: ``fit`` trains.
        recipe: what is trained: a recipe's name, or the FILE.py that ``run`` was trained with. None: ``auto``.
        steps: generator updates of the training; None: as the recipe has them.
        seed: decides the training.
        settings: further settings, as ``sparring.train`` takes them.
        source: ``discriminator``, ``encoder``, ``code`` or ``generator``.
        image_shape: what a row of X is where X has rows: (H, W) or (C, H, W).
        value_range: the values in X that mean black and white.
        out: the directory of the run that is trained; None: one in the cache, so that the same fit finds it again.
        checkpoint: ``best``, ``last`` or a step's number.
        device: where networks run.

    X is (n, H, W), (n, C, H, W), (n, H, W, C), or rows (n, features) of images of ``image_shape``. Labels are never
    looked at. A tenth of X chooses the best checkpoint and is not trained on. After ``fit``, ``run_`` is the directory
    of the run, ``n_features_in_`` how many numbers an image has, ``lightest_`` its lightest value seen, 0 to 255.
    """

    def __init__(
        self,
        run: str | Path | None = None,
        *,
        recipe: str | None = None,
        steps: int | None = None,
        seed: int = 0,
        settings: Mapping[str, Value] | None = None,
        source: str = "discriminator",
        image_shape: Sequence[int] | None = None,
        value_range: tuple[float, float] = (0, 255),
        out: str | Path | None = None,
        checkpoint: str = "best",
        device: str = "auto",
    ) -> None:
        self.run = run
        self.recipe = recipe
        self.steps = steps
        self.seed = seed
        self.settings = settings
        self.source = source
        self.image_shape = image_shape
        self.value_range = value_range
        self.out = out
        self.checkpoint = checkpoint
        self.device = device

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Train on images, or find the run that is given.

        Raises:
            UsageError: X is no images, the run is of another shape, or the training refuses.
            SparringError: the training fails.
        """
        images = self._images(X)
        self.run_ = str(Path(self._train(images) if self.run is None else self.run).expanduser().resolve())
        self.n_features_in_ = int(images[0].size)
        self.lightest_ = int(images.max())
        run = self._load()
        one = network_values(run.spec, images[:1])
        with torch.no_grad():
            self._n_features_out = run.extractor(self.source, self.checkpoint)(one).shape[1]
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Features (n, F) float32 of images.

        Raises:
            UsageError: X is no images of the run's shape, or there are no such features.
        """
        check_is_fitted(self)
        images = self._images(X)
        if images.max() < self.lightest_ / FAR:
            warnings.warn(
                f"X reaches {images.max()} of 255 grey levels, and {self.lightest_} at fit: are both scaled alike?",
                stacklevel=2,
            )
        features = self._load().features(images, self.source, checkpoint=self.checkpoint, device=self.device)
        made: NDArray[np.float32] = features.numpy()
        return made

    def _load(self) -> Run:
        own_file = self.recipe if self.recipe is not None and self.recipe.endswith(".py") else None
        return load(self.run_, own_file)

    def _train(self, images: NDArray[np.uint8]) -> Path:
        wanted: dict[str, Any] = {"seed": self.seed, "holdout": 0.0} | dict(self.settings or {})
        wanted |= {} if self.steps is None else {"steps": self.steps}
        folder = cache_folder() / "fitted"
        content = hashlib.blake2b(images.tobytes(), digest_size=8).hexdigest()
        data = folder / f"{content}-{digest(images.shape)}.npy"
        if not data.exists():
            save_npy(images, data)
        out = self.out or folder / f"{data.stem}-{digest([self.recipe, wanted])}"
        run = train(data, self.recipe, out=out, device=self.device, display=Display(quiet=True), **wanted)
        return run.path

    def _images(self, X: ArrayLike) -> NDArray[np.uint8]:
        """X as uint8 (n, C, H, W)."""
        x = np.asarray(X)
        if x.dtype.kind not in "fiu":
            raise UsageError(f"X must hold numbers, not {x.dtype}.")
        low, high = self.value_range
        if not low < high:
            raise UsageError(f"value_range=({low}, {high}) makes no sense: black must lie below white.")
        if not np.isfinite(x).all() or x.size == 0 or x.min() < low or x.max() > high:
            raise UsageError(f"X must hold values from {low} to {high} (value_range), and be finite.")
        if x.dtype.kind == "f" and low >= 0 and high > 1 >= x.max() > 0:
            raise UsageError(f"X holds floats up to {x.max():g}, where {high} is white: say value_range=(0, 1).")
        x = channels_first(x, self.image_shape)
        return np.rint((x - low) * (255 / (high - low))).astype(np.uint8)


def channels_first(x: NDArray[Any], image_shape: Sequence[int] | None) -> NDArray[Any]:
    """Images (n, C, H, W) of an array that holds them in one of the ways that ``SparringFeatures`` takes.

    Raises:
        UsageError: it does not.
    """
    if x.ndim == 2 and image_shape is not None and x.shape[1] == np.prod(image_shape):
        x = x.reshape(len(x), *image_shape)
    if x.ndim == 3:
        return x[:, None]
    if x.ndim == 4 and x.shape[3] in (1, 3):
        return x.transpose(0, 3, 1, 2)
    if x.ndim == 4 and x.shape[1] in (1, 3):
        return x
    raise UsageError(
        f"X of shape {x.shape} holds no images: give (n, H, W), (n, C, H, W), (n, H, W, C), or rows and image_shape."
    )
