"""Cheap signals of how a game goes, measured between steps without moving any bit of the training."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from sparring.data.source import known_part
from sparring.game import Adversarial
from sparring.metrics.classifier import kept_classifier
from sparring.metrics.ranking import Ranking
from sparring.metrics.reading import choose_indices
from sparring.metrics.signals import (
    area_under_curve,
    cosine,
    distance_in_pairs,
    effective_rank,
    histogram,
    largest,
    norm,
    norms,
    oscillation,
    spread,
)
from sparring.networks.mode import evaluating
from sparring.training.draw import GAME, mix
from sparring.training.step import Step, moved_by_batches, standing_still
from sparring.training.stream import conditioned, put
from sparring.types import Dataset, DataSource, Drawn, Inputs, Memory, PlayerName, Recipe, Turn

IMAGES, STEPS = 16_000, 100
"""Examples between signals where no number is given, counted in batches, and at least so many steps: signals take the
gradients of a step, and EXAMPLES a few times through the networks. benchmarks/signals.py says what share that is."""
EXAMPLES = 128
"""Of each kind that are looked at."""
FEWEST = 16
"""Examples held out below which nothing is said of them, and losses below which there is no oscillation."""
EXPECTED = 5
"""Examples of each class below which a histogram is noise, the usual rule for counts."""
STREAM = -(1 << 41)
"""Where the steps begin whose random numbers are the signals' own."""

PLAYERS: tuple[PlayerName, ...] = ("generator", "discriminator")

Signalled = dict[str, float]


def signals_every(recipe: Recipe) -> int:
    """Steps between signals: the setting, or by its rule."""
    apart = max(IMAGES / recipe.batch, STEPS)
    return recipe.signals_every or math.ceil(apart / recipe.log_every) * recipe.log_every


class Signals:
    """Measures on the state of a step. The names of what it finds, all of them beginning with ``signal_``:

    ``d_train``, ``d_held_out``, ``d_fake`` are the discriminator's mean raw outputs on training, held-out and generated
    examples; ``auc_train`` and ``auc_held_out`` how well it tells these from generated ones, ``auc_memory`` training
    from held-out ones (.5: it remembers none). ``gradient_at_fake`` is the mean length, over examples, of the gradient
    of the generator's loss at G(z), ``gradient_generator`` and ``gradient_discriminator`` that of a player's own
    gradient, ``cosine_generator`` and ``cosine_discriminator`` its cosine with the optimiser's mean of earlier ones:
    negative where a player goes back and forth. ``spread`` and ``rank`` are total variance and effective rank of the
    generated examples' features over those of as many training examples, ``average_distance`` how far samples of the
    live generator are from those of the averaged one, 1 for two independent real examples. ``class_0`` … are the shares
    of classes by a classifier that was trained before. ``oscillation`` is that of the generator's loss, a function of
    the discriminator's outputs, since the last signals. ``largest_output``, ``largest_gradient`` and ``largest_weight``
    grow before values stop being finite.

    What has no meaning for a recipe or data set, and what is not finite, is left out.
    """

    def __init__(self, step: Step, dataset: Dataset, rank: Ranking) -> None:
        """Trains nothing, and leaves torch's random state as it was."""
        self.step, self.state, self.dataset, self.rank = step, step.state, dataset, rank
        self.recipe, self.device, self.spec = step.recipe, step.draw.device, dataset.spec
        self.held_out = dataset.validation
        if self.recipe.conditional and self.held_out is not None:
            self.held_out = known_part(self.held_out)  # the players cannot be shown an example without its condition
        self.classifier = None
        if self.spec.kind == "image" and 1 < len(self.spec.classes) <= EXAMPLES // EXPECTED:
            self.classifier = kept_classifier(dataset, self.device)

    def __call__(self, losses: list[float]) -> Signalled:
        """The signals at this step; ``losses`` are the generator's since the last signals, one per step."""
        with self.untouched():
            found = self.of_outputs() | self.of_gradients() | self.of_samples()
            found["largest_weight"] = largest([p for side in self.state.parameters.values() for p in side])
        if len(losses) >= FEWEST:
            found["oscillation"] = oscillation(torch.tensor(losses))
        return {f"signal_{name}": value for name, value in found.items() if math.isfinite(value)}

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """Within, random numbers are the signals' own, and no layer is moved by the batches it sees."""
        players, own = self.state.players, [self.device] if self.device.type == "cuda" else []
        layers = [*moved_by_batches(players.generator), *moved_by_batches(players.discriminator)]
        with torch.random.fork_rng(own), standing_still(layers):
            self.step.draw.seed(STREAM + self.state.step)
            yield

    def memory(self) -> Memory:
        """A copy of the game's memory: views write into it."""
        return {name: tensor.clone() for name, tensor in self.state.memory.items()}

    def read(self, source: DataSource, n: int, *, labelled: bool = False) -> Inputs:
        """N examples of a part as the players see them, others at each step; repeated where the part has fewer."""
        chosen = choose_indices(source, n, mix(self.recipe.seed, STREAM + self.state.step))
        x, y = put(conditioned(self.spec, source.read(np.resize(chosen, n))), self.device)
        if not (self.recipe.conditional or labelled):
            return (self.spec.encode(x),)
        assert y is not None
        return (self.spec.encode(x), y)

    @torch.no_grad()
    def of_outputs(self) -> Signalled:
        """The discriminator's outputs on training, held-out and generated examples, shown to it as in its own turn.

        For adversarial games only: of others it is not known how their discriminator is called.
        """
        game, players = self.recipe.game, self.step.players
        if not isinstance(game, Adversarial) or players.discriminator is None:
            return {}
        n = max(EXAMPLES // game.pack, 2) * game.pack
        latent = self.step.draw.latent(n)
        fake = game.fake(players, Drawn((), latent))
        on_train, on_fake = game.outputs(players, self.read(self.dataset.train, n), fake, self.memory())
        found = {"d_train": float(on_train.mean()), "d_fake": float(on_fake.mean())}
        found["auc_train"] = area_under_curve(on_train, on_fake)
        found["largest_output"] = largest([on_train, on_fake])
        if self.held_out is None or len(self.held_out) < max(FEWEST, 2 * game.pack):
            return found
        m = min(n, len(self.held_out)) // game.pack * game.pack
        fewer = tuple(part[:m] for part in fake)
        on_held_out, on_fake = game.outputs(players, self.read(self.held_out, m), fewer, self.memory())
        found["d_held_out"] = float(on_held_out.mean())
        found["auc_held_out"] = area_under_curve(on_held_out, on_fake)
        found["auc_memory"] = area_under_curve(on_train, on_held_out)
        return found

    def of_gradients(self) -> Signalled:
        """Lengths of the gradients that the next step would take, and whether they go where the last ones went."""
        found: Signalled = {}
        sizes: list[float] = []
        for player in PLAYERS:
            turns = list(dict.fromkeys(m.turn for m in self.step.draw.moves[GAME] if m.turn.player == player))
            if not turns:
                continue
            parts, at_fake = self.gradient(player, turns)
            sizes.append(largest(parts))
            found[f"gradient_{player}"] = norm(parts)
            if before := self.earlier(player):
                found[f"cosine_{player}"] = cosine(parts, before)
            if player == "generator" and len(at_fake):
                found["gradient_at_fake"] = float(norms(at_fake).mean())
        return found | ({"largest_gradient": max(sizes)} if sizes else {})

    def gradient(self, player: PlayerName, turns: list[Turn]) -> tuple[list[Tensor], Tensor]:
        """A player's gradient by its turns on other examples than the last step's, and each example's at G(z).

        The latter is that of the example's own loss, so times the batch's number; empty for the discriminator.
        """
        parameters = self.state.parameters[player]
        total = [torch.zeros_like(parameter) for parameter in parameters]
        at_fake = torch.empty(0)
        for turn in turns:
            real = self.read(self.dataset.train, turn.real) if turn.real else ()
            stream = self.step.draw.labelled_stream
            labelled = self.read(stream.source, turn.labelled, labelled=True) if stream and turn.labelled else ()
            drawn = Drawn(real, self.step.draw.latent(turn.fake), self.memory(), labelled)
            made: list[Tensor] = []
            hook = self.state.players.generator.register_forward_hook(lambda *called, made=made: made.append(called[2]))
            try:
                loss, _ = turn.loss(self.step.players, drawn)
            finally:
                hook.remove()
            asked = [*parameters, *(made if player == "generator" else ())]
            parts = torch.autograd.grad(loss, asked, allow_unused=True)
            for place, part in zip(total, parts[: len(parameters)], strict=True):
                if part is not None:
                    place.add_(part)
            if player == "generator" and len(made) == 1 and parts[-1] is not None:
                at_fake = parts[-1] * len(parts[-1])
        return total, at_fake

    def earlier(self, player: PlayerName) -> list[Tensor]:
        """The optimiser's running mean of the gradients so far; empty if it keeps none."""
        entries = [self.state.optimisers[player].state.get(p, {}) for p in self.state.parameters[player]]
        for name in ("exp_avg", "momentum_buffer"):
            if kept := [entry[name] for entry in entries if entry.get(name) is not None]:
                return kept if len(kept) == len(entries) else []
        return []

    @torch.no_grad()
    def of_samples(self) -> Signalled:
        """The variety of generated examples beside the data's, their classes, and how far the averaged generator is."""
        latent = self.step.draw.latent(EXAMPLES)
        made = self.state.players.generator(*latent)
        fake = self.rank.features(made)
        real = self.rank.features(self.read(self.dataset.train, EXAMPLES)[0])
        variance, filled = spread(real), effective_rank(real)
        found: Signalled = {}
        if variance > 0:
            found |= {"spread": spread(fake) / variance, "rank": effective_rank(fake) / filled}
        if self.state.average is not None and variance > 0:
            with evaluating(self.state.average):
                averaged = self.rank.features(self.state.average(*latent))
            found["average_distance"] = distance_in_pairs(fake, averaged, variance)
        if self.classifier is not None:
            labels = self.classifier.classify(self.spec.decode(made))[1]
            shares = histogram(labels, len(self.spec.classes))
            found |= {f"class_{number}": share for number, share in enumerate(shares)}
        return found
