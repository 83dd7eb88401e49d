"""What a classifier from few labels is compared with: the same network on labels alone, and labels that spread."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from sparring.data.source import labelled_part
from sparring.game import Supervised
from sparring.metrics.reading import labels_at
from sparring.training.display import Display
from sparring.training.draw import mix
from sparring.training.engine import make_step
from sparring.training.loop import FIRST_WEIGHTS, computing_with
from sparring.types import DataSource, Recipe

FEWEST_STEPS, EPOCHS = 5_000, 70
"""Of a training on labels: as many steps as there are of the recipe, or as these, or until every labelled image was
seen so often, if that takes longer. Few labels are learned long before."""
NEIGHBOURS, SPREAD = 7, 0.8
"""Of label spreading: neighbours in the graph, and how much of its label an image takes from them."""
COMPONENTS = 50
"""Principal components that neighbours are sought in, where images have more numbers: faster, and no worse."""


def train_supervised(recipe: Recipe, source: DataSource, device: torch.device, display: Display) -> nn.Module:
    """The recipe's classifier, trained on the labelled images of a source alone: its average, in inference mode.

    Its first weights, too, are fitted to no others. All else is the recipe's: network, noise, optimiser, rates that
    fall, average.
    """
    recipe = replace(recipe, game=Supervised(), steps=supervised_steps(recipe, source))
    own = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(own), computing_with(recipe.threads):
        torch.default_generator.manual_seed(mix(recipe.seed, FIRST_WEIGHTS))
        step = make_step(recipe, labelled_part(source), device)
        display.start(0, recipe.steps, recipe.batch)
        try:
            for number in range(recipe.steps):
                step()
                display.step(number + 1)
        finally:
            display.stop()
    trained = step.state.average_discriminator or step.state.players.discriminator
    assert trained is not None
    return trained.cpu().eval()


def supervised_steps(recipe: Recipe, source: DataSource) -> int:
    """How many steps the training on the labels of a source alone has: no more than the recipe's."""
    labels = source.labels
    known = 0 if labels is None else int((labels >= 0).sum())
    return min(recipe.steps, max(FEWEST_STEPS, EPOCHS * known // recipe.batch))


def spread_labels(train: DataSource, held_out: DataSource) -> float:
    """The error of label spreading on the graph of nearest neighbours (Zhou et al. 2004), as scikit-learn has it.

    Images that no label reaches count as the first class, as there.
    """
    from sklearn.decomposition import PCA
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.semi_supervised import LabelSpreading

    x, y = flat(train)
    x_held_out, y_held_out = flat(held_out)
    if x.shape[1] > COMPONENTS < len(x):
        components = PCA(COMPONENTS, svd_solver="covariance_eigh").fit(x)
        x, x_held_out = components.transform(x), components.transform(x_held_out)
    model = LabelSpreading(kernel="knn", n_neighbors=NEIGHBOURS, alpha=SPREAD, max_iter=200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)  # images that no label reaches
        model.fit(x, y)
        said = model.predict(x_held_out)
    known = y_held_out >= 0
    return float((said != y_held_out)[known].mean())


def flat(source: DataSource) -> tuple[np.ndarray, np.ndarray]:
    """All examples as rows (n, d) float32 from 0 to 1, and their labels (n,)."""
    every = np.arange(len(source))
    x = source.read(every).x.flatten(1).numpy().astype(np.float32) / 255
    return x, labels_at(source, every).numpy()
