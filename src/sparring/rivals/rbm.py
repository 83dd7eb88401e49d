"""The restricted Boltzmann machine, scikit-learn's, as a generator: trained for some seconds, sampled by chains."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save
from scipy.special import expit
from sklearn.neural_network import BernoulliRBM

from sparring.data import draw_indices
from sparring.files import write_atomically
from sparring.rivals.budget import TIMED, WARM_UP, Clock
from sparring.types import DataSource

HIDDEN, BATCH, RATE = 256, 64, 0.2
"""Hidden units, examples a step, and the first learning rate, which falls to 0 along a line."""
GIBBS = 500
"""Steps of each chain from independent pixels to a sample."""
WEIGHTS = ("components_", "intercept_hidden_", "intercept_visible_")

Values = NDArray[np.float64]
"""Examples (n, values), in [0, 1]: the chances of binary units to be on."""


class Rbm:
    """Binary hidden units below binary values (Smolensky 1986; trained by persistent chains, Tieleman 2008)."""

    def __init__(self, machine: BernoulliRBM, steps: int, seconds: float) -> None:
        self.machine, self.steps, self.seconds = machine, steps, seconds

    def hidden(self, values: Values) -> Values:
        """Chances of the hidden units (n, HIDDEN) to be on."""
        chances: Values = self.machine.transform(values)
        return chances

    def visible(self, hidden: Values) -> Values:
        """Chances of the values (n, values), given hidden units or their chances."""
        chances: Values = expit(hidden @ self.machine.components_ + self.machine.intercept_visible_)
        return chances

    def reconstruct(self, values: Values) -> Values:
        """Up to the hidden units and down again, chances in both directions."""
        return self.visible(self.hidden(values))

    def sample(self, n: int, start: Values, seed: int) -> Values:
        """The chances of the values (n, values) after GIBBS steps from independent values of these means (values,)."""
        random = np.random.RandomState(seed)
        self.machine.random_state_ = random
        state: Any = random.uniform(size=(n, len(start))) < start
        for _ in range(GIBBS):
            state = self.machine.gibbs(state)
        hidden = self.hidden(state)
        return self.visible((random.uniform(size=hidden.shape) < hidden).astype(np.float64))


def train_rbm(source: DataSource, seconds: float, seed: int, path: Path, clock: Clock) -> Rbm:
    """Train for about so many seconds, or read what was trained before from a file of weights.

    How many steps that are is timed on a machine that is thrown away, as for the others (``budget``).
    """
    notes = path.with_suffix(".json")
    if path.exists() and notes.exists():
        return _read(path, **json.loads(notes.read_text()))
    _, timed = _play(source, WARM_UP, seed, clock)
    _, longer = _play(source, WARM_UP + TIMED, seed, clock)
    steps = max(50, int(seconds / max((longer - timed) / TIMED, 1e-6)))
    machine, spent = _play(source, steps, seed, clock)
    write_atomically(notes, json.dumps({"steps": steps, "seconds": spent}).encode())
    write_atomically(path, save({name: np.ascontiguousarray(getattr(machine, name)) for name in WEIGHTS}))
    return _read(path, steps, spent)


def _play(source: DataSource, steps: int, seed: int, clock: Clock) -> tuple[BernoulliRBM, float]:
    """A machine after some steps, and the seconds that they took."""
    began = clock()
    # As many chains as examples: scikit-learn takes the difference of their sums.
    machine = BernoulliRBM(HIDDEN, batch_size=BATCH, random_state=seed)
    for step in range(steps):
        machine.learning_rate = RATE * (1 - step / steps)
        machine.partial_fit(values(source.read(draw_indices(len(source), seed, 0, step * BATCH, BATCH)).x.numpy()))
    return machine, clock() - began


def _read(path: Path, steps: int, seconds: float) -> Rbm:
    machine = BernoulliRBM(HIDDEN)
    for name, weights in load_file(path).items():
        setattr(machine, name, weights)
    return Rbm(machine, steps, seconds)


def values(images: NDArray[Any]) -> Values:
    """Images (n, C, H, W) uint8 as rows (n, values) in [0, 1]."""
    rows: Values = images.reshape(len(images), -1) / 255
    return rows
