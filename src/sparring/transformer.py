"""A trained run's features as a transformer of scikit-learn's."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import nn

from sparring.api import build_again, load, train
from sparring.cache_folder import cache_folder
from sparring.data.arrays import DARK
from sparring.data.cache import digest
from sparring.errors import UsageError
from sparring.files import make_folder
from sparring.identity import Identity
from sparring.runs.export import save_npy
from sparring.runs.features import extract, extractor, network_values, weigh_alike, widths_of
from sparring.runs.run import Run
from sparring.settings import Value
from sparring.training.device import choose_device
from sparring.training.display import Display
from sparring.types import DataSpec

FAR = 8
"""Images this many times as dark at most as those of ``fit`` are taken to be scaled otherwise."""
WEIGHED_ON = 500
"""Images, at most, whose features tell how layers are scaled."""


@dataclass(frozen=True)
class Extracting:
    """What makes features of one source, as plain values: a pickle of them needs no run's directory any more."""

    source: str
    identity: dict[str, Any]
    """What recipe.json says."""
    weights: dict[str, NDArray[Any]]

    @classmethod
    def of(cls, run: Run, source: str, checkpoint: str | None) -> Self:
        """That of a run, which has such features."""
        weights = run.extractor(source, checkpoint).state_dict()
        return cls(source, run.identity.to_json(), {name: tensor.numpy() for name, tensor in weights.items()})

    def network(self, path: Path, recipe_file: str | None) -> tuple[nn.Module, DataSpec]:
        """The module from examples in network values to features, in inference mode, and what examples are.

        Raises:
            UsageError: the recipe file is not that of the run, whose directory was ``path``.
        """
        recipe, identity = build_again(Identity.from_json(self.identity), path, recipe_file)
        with torch.random.fork_rng(devices=[]):
            made = extractor(self.source, recipe, identity.spec, recipe.generator, recipe.discriminator)
        made.load_state_dict({name: torch.from_numpy(array) for name, array in self.weights.items()})
        return made.eval(), identity.spec


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
        weigh_layers: centre the features, and scale them so that all hidden layers have the same mean square over
            images of ``fit`` and a row has 1 in all, as linear models want it. False: as ``Run.features`` gives them.
        out: the directory of the run that is trained; None: one in the cache.
        checkpoint: as in ``Run.features``.
        device: where networks run.

    X is (n, H, W), (n, C, H, W), (n, H, W, C), or rows (n, features) of images of ``image_shape``. Labels are never
    looked at. A tenth of X chooses the best checkpoint and is not trained on. After ``fit``, ``run_`` is the directory
    of the run, ``n_features_in_`` how many numbers an image has, ``lightest_`` its lightest value seen, 0 to 255.

    Fitted, it holds the networks' weights itself: ``transform``, and a pickle of it, need no run's directory. Trainings
    stay in the folder ``fitted`` of the cache, so that equal fits train once (one at a time waits for the other); that
    folder grows with every other fit, and may be deleted whenever nothing is being fitted.
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
        weigh_layers: bool = True,
        out: str | Path | None = None,
        checkpoint: str | None = None,
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
        self.weigh_layers = weigh_layers
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
        self.n_features_in_ = int(images[0].size)
        self.lightest_ = int(images.max())
        if self.lightest_ < DARK * 255:
            seen, white = np.max(X), self.value_range[1]
            warnings.warn(
                f"X reaches {seen:g}, and {white:g} is white: all images are dark. If {seen:g} is white, say "
                f"value_range=({self.value_range[0]:g}, {seen:g}).",
                stacklevel=2,
            )
        self.run_ = str(Path(self._train(images) if self.run is None else self.run).expanduser().resolve())
        self.extracting_ = Extracting.of(load(self.run_, self._recipe_file()), self.source, self.checkpoint)
        network, spec = self._network()
        network_values(spec, images[:1])  # refuses another shape
        widths = widths_of(network, spec)
        self._n_features_out = sum(widths)
        self.center_, self.scale_ = np.zeros(sum(widths), np.float32), np.ones(sum(widths), np.float32)
        if self.weigh_layers:
            some = np.linspace(0, len(images) - 1, min(len(images), WEIGHED_ON)).astype(np.int64)
            self.center_, self.scale_ = weigh_alike(self._extract(network, spec, images[some]), widths)
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
        features = self._extract(*self._network(), images)
        features -= self.center_
        features /= self.scale_
        return features

    def _network(self) -> tuple[nn.Module, DataSpec]:
        return self.extracting_.network(Path(self.run_), self._recipe_file())

    def _extract(self, network: nn.Module, spec: DataSpec, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        device = choose_device(self.device)
        made: NDArray[np.float32] = extract(network.to(device), network_values(spec, images), device).numpy()
        return made

    def _recipe_file(self) -> str | None:
        return self.recipe if self.recipe is not None and self.recipe.endswith(".py") else None

    def _train(self, images: NDArray[np.uint8]) -> Path:
        wanted: dict[str, Any] = {"seed": self.seed, "holdout": 0.0} | dict(self.settings or {})
        wanted |= {} if self.steps is None else {"steps": self.steps}
        folder = cache_folder() / "fitted"
        content = hashlib.blake2b(images.tobytes(), digest_size=8).hexdigest()
        data = folder / f"{content}-{digest(images.shape)}.npy"
        if not data.exists():
            save_npy(images, data)
        out = Path(self.out or folder / f"{data.stem}-{digest([self.recipe, wanted])}").expanduser().resolve()
        make_folder(folder)
        with FileLock(folder / f".{digest(str(out))}.lock"):  # an equal fit waits here, and then finds the run
            return train(data, self.recipe, out=out, device=self.device, display=Display(quiet=True), **wanted).path

    def _images(self, X: ArrayLike) -> NDArray[np.uint8]:
        """X as uint8 (n, C, H, W)."""
        x = np.asarray(X)
        if x.dtype.kind not in "fiu":
            raise UsageError(f"X must hold numbers, not {x.dtype}.")
        low, high = self.value_range
        if not low < high:
            raise UsageError(f"value_range=({low}, {high}) makes no sense: black must lie below white.")
        if x.size == 0:
            raise UsageError(f"X of shape {x.shape} holds no images: at least one is needed.")
        if not np.isfinite(x).all() or x.min() < low or x.max() > high:
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
