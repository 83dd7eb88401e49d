"""The loop: what it keeps, what it says, when it stops, and that a seed is a result."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import sparring
from sparring.errors import SparringError, UsageError
from sparring.game import Adversarial
from sparring.objectives import non_saturating
from sparring.runs.run import Run
from sparring.training.display import Display
from sparring.training.state import read_checkpoint
from sparring.types import Drawn, Memory, PlayerName, Players, Statistics, Turn

QUIET = {"device": "cpu", "display": Display(quiet=True)}


@dataclass(frozen=True)
class Poisoned(Adversarial):
    """The game, in which something stops being finite at one step."""

    at: int = 13
    where: str = "loss"
    count: list[int] = field(default_factory=lambda: [0])

    def generator_loss(self, players: Players, drawn: Drawn) -> tuple[torch.Tensor, Statistics]:
        self.count[0] += 1
        loss, statistics = super().generator_loss(players, drawn)
        if self.where == "loss" and self.count[0] == self.at:
            return loss * torch.nan, {"g_loss": loss.detach() * torch.nan}
        return loss, statistics

    def after_step(self, players: Players, player: PlayerName, memory: Memory, statistics: Statistics) -> None:
        if player == "generator" and self.count[0] == self.at and self.where != "loss":
            with torch.no_grad():
                next(getattr(players, self.where).parameters()).fill_(torch.inf)


@pytest.mark.parametrize(
    ("where", "at", "says"),
    [
        ("loss", 13, "g_loss stopped being finite at step 13"),
        ("loss", 12, "g_loss stopped being finite at step 12"),
        ("discriminator", 15, "a weight stopped being finite by step 15"),
        ("generator", 20, "the generator's samples stopped being finite by step 20"),
    ],
)
def test_the_first_value_that_is_not_finite_ends_it(same, tiny, training, where: str, at: int, says: str) -> None:
    recipe = tiny(game=Poisoned(non_saturating, at=at, where=where))
    with pytest.raises(SparringError, match=says) as caught:
        training(recipe)
    assert caught.value.exit_code == 1
    last = 15 if at == 20 else 10
    assert f"checkpoints/{last:06d}.safetensors" in str(caught.value)
    assert "--fresh --set clip=1" in str(caught.value)
    healthy = training(tiny(steps=last), "healthy")
    spoiled = Run(healthy.path.parent / "run", recipe, healthy.identity)
    assert same(spoiled, healthy)
    assert torch.isfinite(spoiled.sample(5, checkpoint="last")).all()
    assert not any("nan" in json.dumps(row).lower() for row in spoiled.metrics)


def test_without_a_checkpoint_it_says_so(tiny, training) -> None:
    with pytest.raises(SparringError, match=r"at step 2\. No checkpoint was made yet"):
        training(tiny(game=Poisoned(non_saturating, at=2)))


def test_what_the_user_set_is_suspected_first(spar, tmp_path: Path) -> None:
    """Not what cannot be at fault, such as steps, the batch or the data's settings."""
    given = ("--set", "weight=1e38", "--set", "points=300", "--batch", 8, "--steps", 20, "--set", "log_every=5")
    result = spar("train", "ring", "--recipe", "wgan-gp", "--out", tmp_path / "run", *given)
    assert result.code == 1
    assert "First leave out what you set, weight=1e+38, or else lower the learning rates" in result.err


def test_the_command_stops_with_1(spar, tmp_path: Path) -> None:
    result = spar("train", "gaussian", "--out", tmp_path / "run", "--set", "lr_generator=1e38", "--steps", 50)
    assert result.code == 1
    assert re.fullmatch(r"spar: .* stopped being finite (at|by) step \d+\. .*\n", result.err)


def test_seeds(rows, same, tensors, tiny, training) -> None:
    one, again, other = (training(tiny(seed=s), name) for s, name in ((0, "a"), (0, "b"), (1, "c")))
    assert same(one, again)
    assert rows(one) == rows(again)
    names = [name for name, tensor in tensors(one).items() if tensor.dim() == 2]
    assert names
    assert not any(torch.equal(tensors(one)[name], tensors(other)[name]) for name in names)


def test_metrics(tiny, training) -> None:
    seen: list[tuple[int, dict[str, float]]] = []
    run = training(tiny(k=2, pretrain=5), scalars=lambda step, values: seen.append((step, values)))
    steps = [row["step"] for row in run.metrics if "d_loss" in row]
    assert steps == [0, 5, 10, 15, 20]
    assert [row["step"] for row in run.metrics if "figure" in row] == [-5, 10, 20]
    assert [{"step": step} | values for step, values in seen] == run.metrics
    row = next(row for row in run.metrics if row["step"] == 5 and "d_loss" in row)
    assert row.keys() == {"step", "d_loss", "d_real", "d_fake", "g_loss", "images_per_second"}
    assert 0 <= row["d_real"] <= 1


def test_the_best_is_that_with_the_lowest_figure(tiny, training) -> None:
    run = training(tiny(steps=60, best_every=4, lr_generator=0.1, lr_discriminator=0.1))
    figures = {row["step"]: row["figure"] for row in run.metrics if "figure" in row and row["step"] > 0}
    lowest = min(figures, key=lambda step: figures[step])
    assert lowest != 60  # else this shows nothing
    assert run.step("best") == lowest
    facts, _ = read_checkpoint(run.checkpoint("last"))
    assert facts["best"] == (lowest, figures[lowest])
    assert [int(file.stem) for file in run.directory.numbered()] == [56, 60]
    assert not torch.equal(run.sample(3), run.sample(3, checkpoint="last"))


def test_pictures(tiny, training) -> None:
    run = training(tiny(grid_every=8))
    assert sorted(file.name for file in run.directory.samples.iterdir()) == [
        "000000.png",
        "000008.png",
        "000016.png",
        "000020.png",
    ]


def test_nothing_was_learned(heard, tiny, training) -> None:
    display, text = heard()
    still = training(tiny(lr_generator=0.0, best_every=4), "still", display=display)
    assert "WARNING: nothing learned" in text.getvalue()
    assert "WARNING: nothing learned" in (still.path / "log.txt").read_text()
    display, text = heard()
    moving = training(tiny(steps=200, batch=64), "moving", display=display)
    assert "nothing learned" not in text.getvalue()
    assert "best at step" in (moving.path / "log.txt").read_text()


def test_the_users_random_numbers_are_left_alone(tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    sparring.train("gaussian", "gan-1d", out=tmp_path / "run", **QUIET, epochs=3, K=1)
    assert torch.equal(torch.rand(4), expected)


def test_a_labelled_game_needs_labels(conditional_file: Path, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    np.save(tmp_path / "plain.npy", images)
    labels = np.arange(60) % 3
    labels[5] = -1
    np.savez(tmp_path / "some.npz", images=images, labels=labels)
    for name in ("plain.npy", "some.npz"):
        with pytest.raises(UsageError, match="needs a label or attributes for every example"):
            sparring.train(tmp_path / name, str(conditional_file), out=tmp_path / "run", **QUIET)
    assert not (tmp_path / "run").exists()


def test_one_player_alone_has_no_discriminator(tensors, tiny, training) -> None:
    """An autoencoder-like game with one turn is legal: no discriminator, no optimiser for it."""

    class Alone:
        def turns(self, batch: int):
            return [Turn("generator", batch, batch, self.loss)]

        def loss(self, players: Players, drawn: Drawn):
            loss = (players.generator(*drawn.latent).mean() - drawn.real[0].mean()).square()
            return loss, {"g_loss": loss.detach()}

        def after_step(self, players: Players, player: PlayerName, memory: Memory, statistics: Statistics) -> None:
            pass

        def memory(self) -> Memory:
            return {}

    run = training(tiny(game=Alone(), discriminator=None))
    assert run.step("last") == 20
    assert not any("discriminator" in name for name in tensors(run))
    assert isinstance(run.generator(), nn.Module)


def test_pictures_leave_the_players_alone(tiny, training) -> None:
    """A picture asks the discriminator what it thinks; batch norm within it must not learn from that."""

    def discriminator() -> nn.Module:
        return nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.LeakyReLU(0.2), nn.Linear(8, 1))

    runs = [training(tiny(discriminator=discriminator, grid_every=every), f"every-{every}") for every in (2, 1000)]
    states = [read_checkpoint(run.checkpoint("last"))[1] for run in runs]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_pretraining_is_saved_too(tiny, training) -> None:
    run = training(tiny(pretrain=20, steps=1))
    assert run.metrics[0]["step"] == -20
    assert any(row["step"] == -10 for row in run.metrics)
