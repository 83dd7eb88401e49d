"""What each move is given is a function of seed and step alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sparring.data import open_data
from sparring.game import FewLabels, Supervised, TwoUpdates
from sparring.objectives import non_saturating
from sparring.training.draw import GAME, PRETRAINING, Draw, list_moves, mix
from sparring.types import Batch, DataSpec, Drawn

CPU = torch.device("cpu")


class Counting:
    """Examples that are their own indices, labelled by their last digit."""

    spec = DataSpec("points", (1,), tuple("0123456789"))
    labels = np.arange(100) % 10
    attributes = None

    def __len__(self) -> int:
        return 100

    def read(self, indices: np.ndarray) -> Batch:
        at = torch.from_numpy(indices)
        return Batch(at.float().unsqueeze(1), at % 10)

    def tensors(self) -> Batch | None:
        return None


def drawn(draw: Draw, step: int) -> list[Drawn]:
    draw.prepare(step)
    return [draw(move, {}) for move in draw.moves[GAME if step >= 0 else PRETRAINING]]


def equal(one: list[Drawn], other: list[Drawn]) -> bool:
    return all(
        torch.equal(x, y)
        for a, b in zip(one, other, strict=True)
        for part in (0, 1)
        for x, y in zip(a[part], b[part], strict=True)
    )


def test_a_step_needs_no_steps_before_it(tiny) -> None:
    recipe = tiny(k=2, pretrain=5)
    forwards = Draw(recipe, Counting(), CPU)
    told = {step: drawn(forwards, step) for step in range(-5, 30)}
    for step in (29, 3, -1, 12, -5):
        torch.rand(7)  # whatever else drew random numbers
        assert equal(drawn(Draw(recipe, Counting(), CPU), step), told[step])


def test_seed_and_step_both_matter(tiny) -> None:
    one, other = (Draw(tiny(seed=seed), Counting(), CPU) for seed in (0, 1))
    assert equal(drawn(one, 4), drawn(one, 4))
    assert not equal(drawn(one, 4), drawn(one, 5))
    assert not equal(drawn(one, 4), drawn(other, 4))


def test_k_turns_draw_anew_each_time(tiny) -> None:
    draw = Draw(tiny(k=3), Counting(), CPU)
    first, second, third, generator = drawn(draw, 0)
    assert generator.real == ()
    assert not torch.equal(first.latent[0], second.latent[0])
    shown = torch.cat([first.real[0], second.real[0], third.real[0]]).flatten()
    assert len(shown.unique()) == 24  # of one shuffled epoch of 100, none comes twice


def test_an_epoch_shows_every_example_once(tiny) -> None:
    draw = Draw(tiny(batch=10, k=2), Counting(), CPU)
    shown = torch.cat([d.real[0] for step in range(5) for d in drawn(draw, step) if d.real]).flatten()
    assert sorted(shown.tolist()) == list(range(100))


def test_pretraining_has_examples_of_its_own(tiny) -> None:
    recipe = tiny(pretrain=3, k=4)
    draw = Draw(recipe, Counting(), CPU)
    assert [len(drawn(draw, step)) for step in (-3, -1)] == [1, 1]
    assert [len(drawn(draw, step)) for step in (0, 1)] == [5, 5]
    shown = torch.cat([drawn(draw, step)[0].real[0] for step in (-3, -2, -1)]).flatten()
    assert len(shown.unique()) == 24
    assert equal(drawn(draw, 0), drawn(Draw(replace(recipe, pretrain=0), Counting(), CPU), 0))


def test_moves(tiny) -> None:
    def players(recipe, pretraining: bool = False) -> list[str]:
        return [move.turn.player[0] for move in list_moves(recipe, pretraining=pretraining)]

    assert players(tiny(k=3)) == ["d", "d", "d", "g"]
    assert players(tiny(k=3), pretraining=True) == ["d"]
    assert players(tiny(k=3, hold="generator")) == ["d", "d", "d"]
    assert players(tiny(hold="discriminator")) == ["g"]
    assert players(tiny(hold="discriminator"), pretraining=True) == []
    assert players(tiny(game=TwoUpdates(non_saturating), k=2)) == ["d", "d", "d", "d", "g"]


def test_labels_go_with_their_examples(tiny) -> None:
    draw = Draw(tiny(conditional=True), Counting(), CPU)
    discriminator, generator = drawn(draw, 0)
    x, y = discriminator.real
    assert torch.equal(x.flatten().long() % 10, y)
    z, labels = generator.latent
    assert labels.shape == (8,)
    assert z.shape == (8, 2)
    many = torch.cat([drawn(draw, step)[1].latent[1] for step in range(200)])
    shares = torch.bincount(many, minlength=10) / len(many)
    assert shares.sub(0.1).abs().max() < 0.03  # uniform: five standard deviations of 1600 draws are .0375


def test_generated_labels_are_as_frequent_as_the_real_ones() -> None:
    spec = DataSpec("image", (1, 2, 2), ("a", "b", "c"), "skewed", (0.9, 0.1, 0.0))
    labels = spec.draw_labels(4000, torch.Generator().manual_seed(0))
    shares = torch.bincount(labels, minlength=3) / 4000
    assert shares.sub(torch.tensor(spec.shares)).abs().max() < 0.024  # five standard deviations
    assert shares[2] == 0
    assert DataSpec.from_json(spec.to_json()) == spec


def test_images_are_scaled(tiny) -> None:
    digits = open_data("digits").train
    draw = Draw(tiny(), digits, CPU)
    (x,) = drawn(draw, 0)[0].real
    assert x.shape == (8, 1, 8, 8)
    assert x.dtype == torch.float32
    assert (x.min().item(), x.max().item()) == (-1.0, 1.0)


def test_off_the_cpu_the_whole_source_is_put_there_once(tiny, monkeypatch) -> None:
    """On a device that holds no values (so nothing but shapes can be seen) it is handed out whole and never read."""
    monkeypatch.setattr(Draw, "seed", lambda draw, step: None)  # that device has no random numbers

    class Whole(Counting):
        reads = 0

        def read(self, indices: np.ndarray) -> Batch:
            self.reads += 1
            return super().read(indices)

        def tensors(self) -> Batch | None:
            return super().read(np.arange(len(self)))

    source = Whole()
    draw = Draw(tiny(conditional=True), source, torch.device("meta"), static=True)
    discriminator, generator = drawn(draw, 0)
    assert {tensor.device.type for tensor in (*discriminator.real, *discriminator.latent, *generator.latent)} == {
        "meta"
    }
    assert [tensor.shape for tensor in discriminator.real] == [(8, 1), (8,)]
    place = draw.real_stream.stored.x
    drawn(draw, 1)
    assert draw.real_stream.stored.x is place  # where a captured step looks for them
    assert source.reads == 0
    assert Draw(tiny(), source, CPU).real_stream.whole is None
    source.tensors = lambda: None  # too large
    draw = Draw(tiny(), source, torch.device("meta"))
    assert drawn(draw, 0)[0].real[0].device.type == "meta"
    assert source.reads == 1


def test_the_whole_and_the_read_batches_are_the_same(tiny) -> None:
    source = open_data("digits").train
    read, gathered = Draw(tiny(), source, CPU), Draw(tiny(), source, CPU)
    gathered.real_stream.whole = source.tensors()
    for step in (0, 7):
        assert equal(drawn(read, step), drawn(gathered, step))
    assert source.tensors().x.dtype == torch.uint8


class FewKnown(Counting):
    """The same, of which each tenth shows its label."""

    labels = np.where(np.arange(100) % 10 == 3, np.arange(100) // 10, -1)

    def read(self, indices: np.ndarray) -> Batch:
        return Batch(super().read(indices).x, torch.from_numpy(self.labels[indices]))


def test_all_images_play_the_game_of_few_labels_and_the_labelled_ones_are_learned(tiny) -> None:
    draw = Draw(tiny(game=FewLabels(non_saturating, labelled=0.5), batch=10), FewKnown(), CPU)
    real, labelled = [], []
    for step in range(10):
        discriminator, generator = drawn(draw, step)
        real += [*discriminator.real[0].flatten().tolist(), *generator.real[0].flatten().tolist()]
        labelled += zip(discriminator.labelled[0].flatten().tolist(), discriminator.labelled[1].tolist(), strict=True)
    assert sorted(real) == sorted([*range(100), *range(100)])  # two epochs
    assert sorted(labelled) == sorted(5 * [(10 * tens + 3, tens) for tens in range(10)])


def test_labels_alone_are_learned_without_the_other_images(tiny) -> None:
    draw = Draw(tiny(game=Supervised(), batch=10), FewKnown(), CPU)
    (only,) = drawn(draw, 0)
    assert only.real == ()
    assert set(only.labelled[0].flatten().tolist()) == set(range(3, 100, 10))


def test_mixed_seeds_are_all_different() -> None:
    seeds = {mix(seed, step) for seed in range(50) for step in range(-50, 200)}
    assert len(seeds) == 50 * 250
    assert all(0 <= seed < 2**63 for seed in seeds)
    ones = sum(bin(mix(0, step)).count("1") for step in range(1000)) / 63_000
    assert ones == pytest.approx(0.5, abs=0.01)
