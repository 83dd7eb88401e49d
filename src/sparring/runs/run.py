"""A run: a training on disk, and everything that can be asked of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sparring.data import DataOptions, open_data
from sparring.diagnosis.diagnosis import Diagnosis, diagnose_run
from sparring.errors import SparringError, UsageError
from sparring.evaluate import Evaluation, evaluate
from sparring.files import write_atomically
from sparring.identity import Identity
from sparring.metrics.features import named_features
from sparring.metrics.reading import Progress, no_progress
from sparring.report.write import write_report
from sparring.runs.augment import Augmented, augment, check_classes
from sparring.runs.classifier import probabilities
from sparring.runs.features import checkpoint_for, extract, extractor, network_values
from sparring.runs.generation import RESTATED, Array, make_mixtures, maker, restate, sample_inputs, warn_beyond
from sparring.runs.interpolation import path_latents
from sparring.runs.networks import load_classifier, load_discriminator, load_generator
from sparring.runs.path_length import path_figure
from sparring.training.attributes import Given
from sparring.training.device import choose_device
from sparring.training.directory import Directory
from sparring.training.sampling import Label, draw_latents, latent_codes, seeded
from sparring.training.state import read_facts
from sparring.types import Dataset, Inputs, Recipe


class Run:
    """One training on disk, finished or not: its directory, its recipe and its data's specification.

    ``sparring.train`` and ``sparring.load`` make it.
    """

    def __init__(self, path: Path, recipe: Recipe, identity: Identity) -> None:
        self.directory = Directory(path)
        self.recipe = recipe
        self.identity = identity
        self.spec = identity.spec

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}: {self.identity.recipe} on {self.identity.data})"

    @property
    def path(self) -> Path:
        """The run's directory."""
        return self.directory.path

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """What metrics.jsonl holds: one dictionary a line, each with its ``step``."""
        return self.directory.read_metrics()

    def checkpoint(self, which: str | int = "best") -> Path:
        """The file of a checkpoint: ``best`` (the newest where none was measured yet), ``last`` or a step's number.

        Raises:
            UsageError: there is no such checkpoint.
        """
        return self.directory.find_checkpoint(str(which))

    def generator(self, checkpoint: str = "best") -> nn.Module:
        """The trained generator (its moving average where there is one), in inference mode, on the CPU.

        Raises:
            UsageError: there is no such checkpoint, or it is damaged or of other networks.
        """
        return load_generator(self.recipe, self.checkpoint(checkpoint))

    def discriminator(self, checkpoint: str = "best") -> nn.Module:
        """The trained discriminator, in inference mode, on the CPU.

        Raises:
            UsageError: as ``generator``, or the game has none.
        """
        return load_discriminator(self.recipe, self.checkpoint(checkpoint))

    def sample(
        self,
        n: int,
        seed: int = 0,
        *,
        label: Label | None = None,
        attributes: Given | None = None,
        latents: Array | None = None,
        truncation: float | None = None,
        direction: Array | None = None,
        strength: float = 1.0,
        checkpoint: str = "best",
        device: str | torch.device = "cpu",
    ) -> Tensor:
        """N generated examples (n, *shape), float32: images in [-1, 1]. The same seed gives the same examples.

        Args:
            n: how many; with ``latents`` it must be as many as these.
            seed: decides the latent codes, which are all drawn at once.
            label: the class, for a generator that knows classes: its number or its name, or n numbers; without it each
                class is as frequent as in the data.
            attributes: for a generator that knows them, in the data's units: a value for each, or some by name, or an
                array (n, attributes); what is not given is drawn as in the training data. Values outside of its range
                give a warning on standard error.
            latents: latent codes of your own, (n, latent_dim), taken as they are.
            truncation: normal latent codes are truncated to ±truncation: fewer odd samples, but less variety.
            direction: what the latent codes are moved along, (latent_dim,), as ``find_direction`` finds it.
            strength: how far, in multiples of the direction; negative is backwards.
            checkpoint: ``best``, ``last`` or a step's number.
            device: where the network runs.

        Raises:
            UsageError: any of these does not fit.
        """
        inputs = sample_inputs(
            self.recipe,
            self.spec,
            n,
            seed,
            label=label,
            attributes=attributes,
            latents=latents,
            truncation=truncation,
            direction=direction,
            strength=strength,
        )
        return self.maker(checkpoint, device, truncation)(inputs)

    def maker(
        self, checkpoint: str = "best", device: str | torch.device = "cpu", truncation: float | None = None
    ) -> Callable[[Inputs], Tensor]:
        """The generator as a function from latent codes and conditions to examples (n, *shape), in network values.

        For truncated codes its batch norms take their averages anew, from codes of that truncation.

        Raises:
            UsageError: no such checkpoint or device.
        """
        device, generator = choose_device(device), self.generator(checkpoint)
        if truncation is not None:
            restate(generator, draw_latents(self.recipe, self.spec, RESTATED, 0, truncation=truncation))
        return maker(generator, self.checkpoint(checkpoint), device)

    def interpolate(
        self,
        seeds: Sequence[int] = (0, 1),
        frames: int = 24,
        *,
        label: int | str | None = None,
        to_label: int | str | None = None,
        attributes: Given | None = None,
        to_attributes: Given | None = None,
        truncation: float | None = None,
        checkpoint: str = "best",
        device: str | torch.device = "cpu",
    ) -> Tensor:
        """Frames (frames, *shape) from seed to seed: latent codes go along arcs if they are normal, else straight.

        Args:
            seeds: each is the latent code of ``sample(1, seed)``. If the last is the first again, the path is a loop.
                With a single seed only the class or the attributes change.
            frames: how many in all, evenly spaced.
            label: the class at the beginning; without it each seed draws its own.
            to_label: the class at the end, if another: in between the generator is given mixtures of both.
            attributes: those at the beginning, as in ``sample``; without them each seed draws its own.
            to_attributes: those at the end, if others; what is not named stays as it begins.
            truncation: the normal latent codes of all frames are truncated to ±truncation, as in ``sample``.
            checkpoint: ``best``, ``last`` or a step's number.
            device: where the network runs.

        Raises:
            UsageError: any of these does not fit.
        """
        given = label, to_label, attributes, to_attributes, truncation
        inputs = path_latents(self.recipe, self.spec, seeds, frames, *given)
        if attributes is not None:
            warn_beyond(self.spec, inputs[1])
        return make_mixtures(self.maker(checkpoint, device, truncation), inputs, self.recipe)

    def extractor(self, source: str = "discriminator", checkpoint: str | None = None) -> nn.Module:
        """The module that ``features`` runs: examples (n, *shape) in network values to features (n, F), on the CPU.

        Raises:
            UsageError: this run has no such features, or no such checkpoint.
        """
        chosen = checkpoint_for(source, self.recipe, checkpoint)
        judge = self.classifier if self.recipe.classifies else self.discriminator
        judged = None if self.recipe.discriminator is None else lambda: judge(chosen)
        return extractor(source, self.recipe, self.spec, lambda: self.generator(chosen), judged)

    def features(
        self,
        x: Array,
        source: str = "discriminator",
        *,
        checkpoint: str | None = None,
        device: str | torch.device = "cpu",
    ) -> Tensor:
        """Features (n, F) float32 of examples (n, *shape): images as uint8, or as floats in [-1, 1].

        Args:
            x: the examples.
            source: ``discriminator``: its hidden layers, maps max-pooled to 4 x 4 (Radford et al. 2016, section 5.1);
                ``encoder``: the same of an encoder; ``code``: its codes; ``generator``: its hidden layers at the code
                that makes the nearest example, which is searched for.
            checkpoint: ``best``, ``last`` or a step's number; unless given ``best``, but ``last`` for a classifier's
                hidden layers, which are those that ``predict`` uses.
            device: where the networks run.

        Raises:
            UsageError: examples of another shape, or no such features in this run.
        """
        device = choose_device(device)
        return extract(self.extractor(source, checkpoint).to(device), network_values(self.spec, x), device)

    def encode(self, x: Array, *, checkpoint: str = "best", device: str | torch.device = "cpu") -> Tensor:
        """The latent codes (n, latent_dim) of examples by the run's encoder; the examples are as in ``features``.

        Raises:
            UsageError: examples of another shape, or no encoder.
        """
        return self.features(x, "code", checkpoint=checkpoint, device=device)

    def augment(
        self,
        per_class: int | None = None,
        *,
        balance: bool = False,
        seed: int = 0,
        truncation: float | None = None,
        keep_copies: bool = False,
        checkpoint: str = "best",
        device: str | torch.device = "cpu",
        progress: Progress = no_progress,
    ) -> Augmented:
        """Labelled images of each class, for a generator that knows classes; ``save`` writes them as data.

        The data's test part comes along as it is, so that what is measured later is measured on real images.

        Args:
            per_class: how many of each class.
            balance: complete the training images: every class to ``per_class``, or to the size of the largest class;
                the validation part comes along, too.
            seed: decides the latent codes. The same seed gives the same images.
            truncation: normal latent codes are truncated to ±truncation: fewer odd images, and less variety.
            keep_copies: keep images that are copies of training images; else others are drawn in their place.
            checkpoint: ``best``, ``last`` or a step's number.
            device: where the network runs.
            progress: called now and then as ``progress(what, done, total)``.

        Raises:
            UsageError: a generator without classes, or anything that does not fit.
            SparringError: the generator makes hardly anything but copies.
        """
        check_classes(self.recipe, self.spec)
        generator, make = seeded(seed), self.maker(checkpoint, device, truncation)

        def draw(labels: Tensor) -> Tensor:
            return self.spec.decode(make((latent_codes(self.recipe, generator, len(labels), truncation), labels)))

        return augment(
            draw, self.spec, self.dataset, per_class, balance=balance, keep_copies=keep_copies, progress=progress
        )

    def classifier(self, checkpoint: str = "last") -> nn.Module:
        """The trained classifier (its moving average where there is one), in inference mode, on the CPU.

        It maps images (n, *shape) in [-1, 1] to logits (n, classes).

        Raises:
            UsageError: the recipe trains none, or there is no such checkpoint, or it is of other networks.
        """
        return load_classifier(self.recipe, self.checkpoint(checkpoint))

    def predict(self, images: Array, *, checkpoint: str = "last", device: str | torch.device = "cpu") -> Tensor:
        """The probability of each class, (n, classes), for images (n, *shape): uint8, or floats in [-1, 1].

        Raises:
            UsageError: this run trained no classifier, or the images do not fit.
        """
        device = choose_device(device)
        classifier = self.classifier(checkpoint).to(device)
        return probabilities(classifier, network_values(self.spec, images), device)

    def dataset(self) -> Dataset:
        """The data that the run was trained on, opened again.

        Raises:
            UsageError: it is not there any more, or it has changed.
        """
        try:
            options = DataOptions(**self.identity.data_options)  # type: ignore[arg-type]
        except (KeyError, TypeError) as error:
            raise UsageError(f"{self.path / 'recipe.json'} is damaged ({error}): this run cannot be used.") from error
        dataset = open_data(self.identity.data, options)
        if dataset.fingerprint != self.identity.fingerprint:
            raise UsageError(f"the data {self.identity.data} has changed since {self.path} was trained on it.")
        return dataset

    def evaluate(
        self,
        n: int = 10_000,
        *,
        seed: int = 0,
        checkpoint: str = "best",
        device: str | torch.device = "cpu",
        progress: Progress = no_progress,
        features: str = "auto",
        download: bool = False,
        more: bool = False,
    ) -> Evaluation:
        """Figures of samples, each beside its floor, the same figure for held-out real data; kept in evaluation.json.

        Args:
            n: how many samples, at most as many as the held-out part has.
            seed: decides the samples and the real examples.
            checkpoint: ``best``, ``last`` or a step's number.
            device: where the networks run.
            progress: called now and then as ``progress(what, done, total)``.
            features: what images are compared by, one of ``metrics.features.NAMES``.
            download: whether the network that these come from may be downloaded.
            more: of images also MMD, patches, size of the support, label score and path length, which take longer.

        Raises:
            UsageError: too few samples or data, the data are gone or have changed, or no such checkpoint or features.
            SparringError: the generator's samples are not finite.
        """
        dataset, device = self.dataset(), choose_device(device)
        named = features != "auto" or (more and dataset.spec.kind == "image")
        chosen = named_features(features, dataset, device, progress, download=download) if named else None
        result = evaluate(
            lambda count: self.sample(count, seed, checkpoint=checkpoint, device=device),
            dataset,
            n=n,
            device=device,
            progress=progress,
            seed=seed,
            features=chosen,
            more=more,
        )
        result = replace(result, notes=(*self.unmeasured(), *result.notes))
        if more and chosen is not None and dataset.spec.kind == "image" and not self.recipe.conditional:
            made = self.maker(checkpoint, device)
            path = path_figure(made, self.recipe, self.spec, chosen, result.n, seed)
            result = replace(result, figures=(*result.figures, path))
        values = {"checkpoint": checkpoint, "step": self.step(checkpoint), **result.to_json()}
        try:
            write_atomically(self.path / "evaluation.json", (json.dumps(values, indent=2) + "\n").encode())
        except SparringError as error:  # the figures are worth more than the file
            return replace(result, notes=(*result.notes, f"WARNING: these figures were not kept: {error}"))
        return result

    def unmeasured(self) -> tuple[str, ...]:
        """What no figure says about this run's samples, a line each."""
        if not (self.recipe.conditional and self.spec.attributes):
            return ()
        return ("no figure tells whether samples have the attributes that they were asked for",)

    def diagnose(self) -> Diagnosis:
        """How the training went, from what it recorded: healthy or what is wrong, the evidence, and what helps.

        Raises:
            UsageError: nothing is recorded yet.
        """
        if not self.metrics:
            raise UsageError(f"{self.path} holds no measurement yet: train it first.")
        return diagnose_run(self.metrics, self.spec, self.identity, str(self.path))

    def report(
        self, out: str | Path | None = None, *, device: str | torch.device = "cpu", progress: Progress = no_progress
    ) -> Path:
        """Write the run as one page, an HTML file that needs no network, and give its path: report.html in the run.

        Raises:
            UsageError: ``out`` is no name of an HTML file.
            SparringError: the disk refuses.
        """
        choose_device(device)
        return write_report(self, None if out is None else Path(out), device=device, progress=progress)

    def step(self, checkpoint: str = "best") -> int:
        """The number of training steps that a checkpoint was saved after.

        Raises:
            UsageError: there is none.
        """
        return int(read_facts(self.checkpoint(checkpoint))["step"])
