"""What a classifier from few labels is compared with: which images it sees, and what comes of it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.semi_supervised import LabelSpreading
from torch import nn

import sparring
from sparring.data import DataOptions
from sparring.recipes.build import build, find
from sparring.runs.classifier import share_wrong
from sparring.tasks import baselines
from sparring.tasks.baselines import NEIGHBOURS, SPREAD, spread_labels, train_supervised
from sparring.tasks.classification import ALL, ALONE, SPREADING
from sparring.training.display import Display
from sparring.training.state import State
from sparring.types import Batch, DataSource, DataSpec

CPU, QUIET = torch.device("cpu"), Display(quiet=True)
SMALL = {"steps": 40, "batch": 20, "width": 32}


class Counting:
    """A source that keeps which of its examples were read."""

    attributes = None

    def __init__(self, source: DataSource) -> None:
        self.source, self.spec, self.labels = source, source.spec, source.labels
        self.seen: set[int] = set()

    def __len__(self) -> int:
        return len(self.source)

    def read(self, indices: np.ndarray) -> Batch:
        self.seen |= set(indices.tolist())
        return self.source.read(indices)

    def tensors(self) -> Batch | None:
        return None


def test_each_training_on_labels_sees_its_own_images_alone(tmp_path: Path, monkeypatch) -> None:
    """Not even the first weights of the network on few labels are fitted to other images."""
    trained: list[tuple[Counting, nn.Module]] = []

    def watched(recipe, source, device, display) -> nn.Module:
        counting = Counting(source)
        trained.append((counting, train_supervised(recipe, counting, device, display)))
        return trained[-1][1]

    monkeypatch.setattr("sparring.tasks.classify.train_supervised", watched)
    found = sparring.classify("digits", 3, seed=1, out=tmp_path / "run", device="cpu", display=QUIET, **SMALL)
    (few, alone), (full, on_all) = trained
    assert few.seen == set(json.loads((tmp_path / "run" / "labelled.json").read_text())["positions"])
    assert len(few.seen) == found.labelled == 30
    assert len(full.seen) >= 40 * 20  # within the first epoch, each is another
    assert (full.labels >= 0).all()
    held_out = sparring.open_data("digits").test
    expected = {ALONE: share_wrong(alone, held_out, CPU)[0], ALL: share_wrong(on_all, held_out, CPU)[0]}
    shown = DataOptions(validation="train", labels_per_class=3, labels_seed=1)
    expected[SPREADING] = spread_labels(sparring.open_data("digits", shown).train, held_out)
    assert {name: found.errors[name] for name in expected} == expected
    assert len(set(expected.values())) == 3


def test_the_average_is_what_classifies(tmp_path: Path, monkeypatch) -> None:
    """Of the game and of labels alone: its weights are those that the checkpoint, or the last state, has for it."""
    steps, make_step = [], baselines.make_step
    monkeypatch.setattr(baselines, "make_step", lambda *given: steps.append(make_step(*given)) or steps[-1])
    few = sparring.open_data("digits", DataOptions(labels_per_class=3))
    recipe = build(find("few-labels"), few.spec, {"width": 32}, {"steps": 5, "batch": 20, "ema_rampup": 0.0})
    alone = train_supervised(recipe, few.train, CPU, QUIET)
    (step,) = steps
    settings = SMALL | {"steps": 5, "ema_rampup": 0.0, "labels_per_class": 3}
    run = sparring.train("digits", "few-labels", out=tmp_path / "run", device="cpu", display=QUIET, **settings)
    state = State(run.recipe, CPU)
    state.load(run.checkpoint("last"))
    for classifier, trained in ((alone, step.state), (run.classifier(), state)):
        assert not classifier.training
        weights = nn.utils.parameters_to_vector(classifier.parameters())
        torch.testing.assert_close(weights, nn.utils.parameters_to_vector(trained.average_discriminator.parameters()))
        live = nn.utils.parameters_to_vector(trained.players.discriminator.parameters())
        assert (weights - live).abs().max() > 1e-3


class Blobs:
    """Images (n, 1, side, side) around three far places; labels (n,) as given."""

    attributes = None

    def __init__(self, side: int, kinds: np.ndarray, labels: np.ndarray) -> None:
        self.spec = DataSpec("image", (1, side, side), ("a", "b", "c"))
        self.labels = labels
        random = np.random.default_rng(len(kinds))
        noise = random.integers(0, 40, (len(kinds), 1, side, side))
        self.x = (noise + 100 * kinds[:, None, None, None]).astype(np.uint8)

    def __len__(self) -> int:
        return len(self.x)

    def read(self, indices: np.ndarray) -> Batch:
        return Batch(torch.from_numpy(self.x[indices]), torch.from_numpy(self.labels[indices]))

    def tensors(self) -> Batch | None:
        return None


@pytest.mark.parametrize("side", [6, 10])  # 36 numbers are compared as they are, of 100 the principal components
def test_labels_spread_through_far_blobs_without_error(side: int) -> None:
    """One label each: what is left is the share of held-out labels that are wrong, of those that there are."""
    kinds, others = np.arange(120) % 3, np.arange(60) % 3
    labels = np.where(np.arange(120) < 3, kinds, -1)
    told = others.copy()
    told[:6], told[-10:] = (told[:6] + 1) % 3, -1
    assert spread_labels(Blobs(side, kinds, labels), Blobs(side, others, told)) == 6 / 50
    assert spread_labels(Blobs(side, kinds, labels), Blobs(side, others, others)) == 0


def test_labels_spread_as_scikit_learn_spreads_them() -> None:
    """Images around one place, where some are wrong: as many as there."""
    random = np.random.default_rng(0)
    kinds, others = random.integers(0, 3, 200), random.integers(0, 3, 100)
    train, held_out = Blobs(6, 0 * kinds, np.where(np.arange(200) < 40, kinds, -1)), Blobs(6, 0 * others, others)
    model = LabelSpreading(kernel="knn", n_neighbors=NEIGHBOURS, alpha=SPREAD, max_iter=200)
    rows, new = (blobs.x.reshape(len(blobs), -1).astype(np.float32) / 255 for blobs in (train, held_out))
    said = model.fit(rows, train.labels).predict(new)
    assert 0.3 < spread_labels(train, held_out) == (said != others).mean() < 1


def test_what_is_trained_and_how_long_is_told_before_anything_is(spar, tmp_path: Path) -> None:
    words = ("classify", "digits", "--labels-per-class", 2, "--steps", 3, "--out", tmp_path / "run")
    words += ("--set", "width=16", "--set", "batch=10")
    game, others = "few labels and the game, 3 steps", "for comparison few labels alone, 3 steps"
    told = spar(*words, "--no-baselines").out.splitlines()
    assert told[0] == f"to train: {game}"
    told = spar(*words).out.splitlines()
    assert told[0] == f"to train: {others}; for comparison all labels, 3 steps"
    assert "to train" not in spar(*words).out
    told = spar(*words, "--networks", 2, "--seeds", "0,1", "--no-baselines").out.splitlines()
    expected = ["seed 0, 1 of 2:", "to train: few labels and the game, 2 times 3 steps"]
    assert told[:2] == expected
    assert "seed 1, 2 of 2:" in told[2:]
