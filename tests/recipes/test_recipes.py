"""One contract for every recipe: it plays, it goes on bit for bit, it is written down, it can be read."""

import dataclasses
import json
import math
from pathlib import Path
from typing import get_args

import pytest
import torch

import sparring
from sparring.errors import UsageError
from sparring.game import AuxiliaryClassifier, FeatureMatching
from sparring.objectives import DIVERGENCES, Objective
from sparring.penalties import DRAGAN, R1R2, WGANGP
from sparring.recipes import CHOOSERS, DEFAULT, RECIPES, summary
from sparring.recipes.build import OF_TWO_PLAYERS, build, find, own_defaults, own_hints
from sparring.settings import Settings
from sparring.training.display import Display
from sparring.training.loop import Interrupted
from sparring.training.state import read_checkpoint
from sparring.types import Attribute, DataSpec, Drawn, Players

BOTH = ("digits", "ring")
PLAYS = {
    "auto": ("digits", "ring", "gaussian"),
    "gan-mnist": ("digits",),
    "gan-1d": ("gaussian",),
    "gan-1d-mended": ("gaussian",),
    "wgan": BOTH,
    "wgan-gp": BOTH,
    "lsgan": BOTH,
    "dragan": BOTH,
    "f-gan": BOTH,
    "unrolled": BOTH,
    "pacgan": BOTH,
    "r3gan": BOTH,
    "bigan": ("digits",),
    "dcgan": ("digits",),
    "dcgan-upsample": ("digits",),
    "sngan": ("digits",),
    "cgan": ("digits", "circle"),
    "acgan": ("digits",),
    "projection": ("digits",),
    "ae": BOTH,
    "vae": BOTH,
    "few-labels": ("digits",),
    "complement": ("digits",),
}
DATA = {name: data[0] for name, data in PLAYS.items()}
CASES = [(name, data) for name, every in PLAYS.items() for data in every]
ONE_PLAYER = ("ae", "vae")
QUIET = {"device": "cpu", "display": Display(quiet=True)}
each = pytest.mark.parametrize("name", RECIPES)


def test_every_recipe_is_tried_here() -> None:
    assert set(RECIPES) == set(DATA)
    assert {DEFAULT, *CHOOSERS} <= set(RECIPES)


@pytest.mark.parametrize(("name", "data"), CASES)
def test_goes_on_to_the_same_bits(narrow, stopping_at, name: str, data: str, tmp_path: Path) -> None:
    """Four steps, and four that were stopped after two, give the same checkpoint: weights, optimisers, averages."""
    settings = {"batch": 8, "grid_every": 4, "best_every": 4, "steps": 4} | narrow(name, data)
    settings |= {} if name in ONE_PLAYER else {"k": 2}
    once = sparring.train(data, name, out=tmp_path / "once", **QUIET, **settings)
    with pytest.raises(Interrupted):
        sparring.train(data, name, out=tmp_path / "twice", device="cpu", display=stopping_at(2), **settings)
    twice = sparring.train(data, name, out=tmp_path / "twice", **QUIET, **settings)
    assert twice.step("last") == 4
    tensors = [read_checkpoint(run.checkpoint("last"))[1] for run in (once, twice)]
    assert tensors[0].keys() == tensors[1].keys()
    assert [key for key in tensors[0] if not torch.equal(tensors[0][key], tensors[1][key])] == []
    assert any(key.startswith("optimiser.generator") for key in tensors[0])
    for row in once.metrics:
        assert all(math.isfinite(value) for value in row.values())


@each
def test_what_is_written_down_gives_the_recipe_again(narrow, name: str, tmp_path: Path) -> None:
    settings = {"batch": 8, "lr_generator": 1e-3, "seed": 7} | narrow(name, DATA[name])
    run = sparring.train(DATA[name], name, out=tmp_path / "run", **QUIET, steps=2, **settings)
    again = sparring.load(run.path)
    for field in dataclasses.fields(Settings):
        assert getattr(again.recipe, field.name) == getattr(run.recipe, field.name)
    assert (again.recipe.seed, again.recipe.lr_generator) == (7, 1e-3)
    assert again.spec == run.spec
    assert str(again.recipe.generator()) == str(run.recipe.generator())
    assert torch.equal(again.sample(3), run.sample(3))
    identity = json.loads((run.path / "recipe.json").read_text())
    assert identity["settings"]["own"].keys() == own_defaults(RECIPES[name]).keys()
    assert (identity["recipe"], identity["data"]) == (name, DATA[name])


@each
def test_the_defaults_that_are_written_down_are_in_range(name: str) -> None:
    """A run's recipe.json holds every setting, and is built from them again."""
    spec = sparring.open_data(DATA[name]).spec
    assert build(find(name), spec, own_defaults(RECIPES[name]), {}).paper


@each
def test_can_be_read(name: str, spar) -> None:
    full = spar("recipes", name)
    assert full.code == 0
    assert full.err == ""
    recipe = build(find(name), sparring.open_data(DATA[name]).spec, {}, {})
    general = {field.name for field in dataclasses.fields(Settings)}
    for key in (*own_defaults(RECIPES[name]), *general - set(() if recipe.discriminator else OF_TWO_PLAYERS)):
        assert f"\n  {key}" in full.out
    assert "arXiv:" in full.out or "doi:" in full.out
    for penalty in getattr(recipe.game, "penalties", ()):
        assert f"{type(penalty).__name__}(weight=" in full.out
    assert "optimiser: " in full.out
    assert "objective of its own" not in full.out or name in ("f-gan", "lsgan")
    table = spar("recipes")
    assert f"{name} " in table.out
    assert summary(RECIPES[name]) in table.out


@each
def test_refuses_or_plays_every_kind_of_data(narrow, name: str) -> None:
    played = 0
    attributes = Attribute("age", 30.0, 9.0, 1.0, 80.0), Attribute("weight", 5.0, 2.0, 1.0, 9.0)
    conditions = {}, {"classes": ("ant", "bee")}, {"attributes": attributes, "rows": ((30.0, 4.0), (2.0, 1.0))}
    shapes = [("image", (3, 5, 9)), ("image", (1, 64, 48)), ("points", (1,)), ("points", (2,))]
    for spec in (DataSpec(kind, shape, **known) for kind, shape in shapes for known in conditions):
        try:
            recipe = build(find(name), spec, narrow(name), {})
        except UsageError:
            continue
        played += 1
        labels = (spec.encode_condition(spec.draw_conditions(4)),) if recipe.conditional else ()
        players = Players(recipe.generator(), recipe.discriminator() if recipe.discriminator else None)
        latent = recipe.latent(None, 4), *labels
        fake = players.generator(*latent)
        assert fake.shape == (4, *spec.shape)
        if players.discriminator is None:
            assert players.generator.encode(fake).shape == latent[0].shape
            continue
        if isinstance(recipe.game, AuxiliaryClassifier):
            raw, scores = players.discriminator(fake)
            assert scores.shape == (4, 2)
            assert raw.shape == (4, 1)
        elif recipe.classifies:
            assert recipe.discriminator()(fake).shape == (4, 2)
        else:
            judged = recipe.game.fake(players, Drawn((), latent))
            raw = players.discriminator(*recipe.game.shown(judged, recipe.game.memory()))
            assert raw.shape == (4 // recipe.game.pack, 1)
    assert played


def test_gan_1d_is_the_published_game() -> None:
    """1-10-10-1 with ReLU and 1-10-10-1 with tanh; SGD with Nesterov's .6; rates .01 and .1 times .999 every 10."""
    recipe = build(find("gan-1d"), DataSpec("points", (1,)), {}, {})
    generator, discriminator = recipe.generator().net, recipe.discriminator().net
    assert [type(layer).__name__ for layer in generator] == ["Linear", "ReLU", "Linear", "ReLU", "Linear", "Identity"]
    assert [type(layer).__name__ for layer in discriminator] == [
        "Flatten",
        "Linear",
        "Tanh",
        "Linear",
        "Tanh",
        "Linear",
    ]
    for network in (generator, discriminator):
        assert [tuple(layer.weight.shape) for layer in network if hasattr(layer, "weight")] == [
            (10, 1),
            (10, 10),
            (1, 10),
        ]
    assert (recipe.batch, recipe.k, recipe.steps) == (200, 20, 400)
    assert (recipe.lr_generator, recipe.lr_discriminator) == (0.01, 0.1)
    assert (recipe.decay_generator, recipe.decay_discriminator, recipe.decay_every) == (0.999, 0.999, 10)
    (group,) = recipe.optimiser(list(generator.parameters()), 0.01).param_groups
    assert (group["momentum"], group["nesterov"]) == (0.6, True)
    z = recipe.latent(torch.Generator().manual_seed(0), 200).squeeze(1)
    jitter = z - torch.linspace(-5, 5, 200)
    assert jitter.min() >= -1e-6
    assert jitter.max() < 0.01 + 1e-6
    assert jitter.std() > 0.001


def test_gan_1d_maximises_what_was_published() -> None:
    """The discriminator mean[log D(x) + log(1 - D(G(z)))] and the generator mean log D(G(z)), with D = sigmoid."""
    recipe = build(find("gan-1d"), DataSpec("points", (1,)), {}, {})
    objective: Objective = recipe.game.objective
    real, fake = torch.randn(2, 50, dtype=torch.float64)
    d_real, d_fake = real.sigmoid(), fake.sigmoid()
    torch.testing.assert_close(-objective.discriminator(real, fake), d_real.log() + (1 - d_fake).log())
    torch.testing.assert_close(-objective.generator(real, fake), d_fake.log())


def test_every_divergence_is_a_setting_of_f_gan() -> None:
    assert set(get_args(own_hints(find("f-gan").function)["divergence"])) == set(DIVERGENCES)
    for name, divergence in DIVERGENCES.items():
        recipe = build(find("f-gan"), DataSpec("points", (2,)), {"divergence": name}, {})
        raw = torch.randn(5)
        torch.testing.assert_close(recipe.game.objective.generator(raw[:0], raw), -divergence.activation(raw))


def test_own_settings_reach_the_game(tmp_path: Path) -> None:
    points, image = DataSpec("points", (2,)), DataSpec("image", (1, 8, 8))

    def game(name: str, spec: DataSpec, **own: float) -> object:
        return build(find(name), spec, own, {}).game

    assert (game("wgan", image).clip_weights, game("wgan", image, clip_weights=0.03).clip_weights) == (0.01, 0.03)
    assert game("wgan", image, clip_weights=0.0).clip_weights == 0  # any, and not what is meant by leaving it out
    assert game("wgan-gp", image).penalties == (WGANGP(10.0),)
    assert game("wgan-gp", points, weight=2.0).penalties == (WGANGP(2.0),)
    assert game("dragan", image).penalties == (DRAGAN(10.0),)
    assert game("dragan", points).penalties == (DRAGAN(0.1),)
    assert game("r3gan", points, gamma=0.5).penalties == (R1R2(0.5),)
    assert game("pacgan", points, pack=4).pack == 4
    assert (game("dcgan", image).pack, game("dcgan", image, pack=2).pack) == (1, 2)
    assert isinstance(game("dcgan", image, matching=True), FeatureMatching)
    assert not isinstance(game("dcgan", image), FeatureMatching)
    assert (game("unrolled", points).rate, game("unrolled", points, ahead=3, rate=0.5).rate) == (None, 0.5)
    assert game("unrolled", points, ahead=3).ahead == 3
    assert [turn.real for turn in game("pacgan", points, pack=4).turns(10)] == [40, 0]


def test_packs_of_images_are_judged_by_convolutions() -> None:
    recipe = build(find("dcgan"), DataSpec("image", (3, 16, 16)), {"pack": 2, "width": 8}, {})
    assert recipe.discriminator is not None
    fake = recipe.generator()(recipe.latent(None, 6))
    assert recipe.discriminator()(*recipe.game.shown((fake,), {})).shape == (3, 1)


def test_r3gan_plays_with_latents_of_the_points_own_dimension() -> None:
    for size in (1, 2, 3):
        assert build(find("r3gan"), DataSpec("points", (size,)), {}, {}).latent(None, 4).shape == (4, size)
    assert build(find("r3gan"), DataSpec("points", (2,)), {"latent_dim": 5}, {}).latent(None, 4).shape == (4, 5)


def test_clipped_weights_stay_clipped(tmp_path: Path) -> None:
    run = sparring.train("ring", "wgan", out=tmp_path / "run", **QUIET, steps=2, batch=8, clip_weights=0.02)
    _, tensors = read_checkpoint(run.checkpoint("last"))
    weights = [value for key, value in tensors.items() if key.startswith("players.discriminator")]
    assert max(w.abs().max().item() for w in weights) == pytest.approx(0.02)


@pytest.mark.parametrize("name", ["cgan", "acgan", "projection"])
def test_a_class_can_be_asked_for(narrow, name: str, tmp_path: Path) -> None:
    run = sparring.train("digits", name, out=tmp_path / "run", **QUIET, steps=2, batch=8, **narrow(name))
    fours, fives = run.sample(10, label=4), run.sample(10, label=5)  # of the same latent codes
    assert torch.equal(fours[:1], run.sample(1, label=4))
    assert all(not torch.equal(four, five) for four, five in zip(fours, fives, strict=True))


def test_the_widths_of_the_networks_are_the_papers() -> None:
    """DCGAN's figure 1 with width 128: 1024, 512, 256, 128 channels; SNGAN's 256 and 128 at 32 x 32."""
    colour = build(find("dcgan"), DataSpec("image", (3, 64, 64)), {"width": 128}, {})
    assert [part[0].in_channels for part in colour.generator().layers] == [1024, 512, 256, 128]
    assert (colour.batch, colour.lr_generator) == (128, 2e-4)
    small = build(find("sngan"), DataSpec("image", (3, 32, 32)), {}, {})
    assert [block.first.out_channels for block in small.generator().blocks] == [256] * 3
    assert [block.first.out_channels for block in small.discriminator().features.net] == [128] * 4
    assert (small.k, small.batch) == (5, 64)


SIZES = {
    ("sngan", 32): (4_276_739, 1_053_825),
    ("sngan", 48): (11_296_003, 9_578_689),
    ("sngan", 64): (12_220_675, 9_578_689),
    ("sngan", 128): (32_150_787, 38_419_137),
    ("projection", 32): (4_279_811, 1_054_081),
    ("projection", 48): (11_301_763, 9_579_713),
    ("projection", 64): (12_226_435, 9_579_713),
    ("projection", 128): (32_160_643, 38_421_185),
}
"""Weights of generator and discriminator for colour images of so many pixels a side, and two classes."""


@pytest.mark.parametrize(("name", "side"), SIZES)
def test_sngan_is_as_large_as_the_papers_at_every_side(monkeypatch: pytest.MonkeyPatch, name: str, side: int) -> None:
    """256 and 128 channels at 32 x 32; above that 64, doubling: 64 to 1 024 at 128 x 128 (its tables 4 to 6)."""
    monkeypatch.setattr("sparring.networks.spectral", lambda network: network)  # it adds no weights, but computes
    recipe = build(find(name), DataSpec("image", (3, side, side), ("ant", "bee")), {}, {})
    with torch.device("meta"):
        networks = recipe.generator(), recipe.discriminator()
    assert tuple(sum(weight.numel() for weight in network.parameters()) for network in networks) == SIZES[name, side]


def test_widths_that_are_given_are_taken() -> None:
    for name in ("sngan", "projection"):
        spec, given = DataSpec("image", (3, 64, 64), ("a", "b")), {"width_generator": 3, "width_discriminator": 5}
        recipe = build(find(name), spec, given, {})
        assert recipe.generator().end.in_channels == 3
        assert recipe.discriminator().features.net[0].first.out_channels == 5


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("dcgan", {"width": 0}),
        ("dcgan", {"minibatch": -1}),
        ("dcgan-upsample", {"dropout": 2.0}),
        ("sngan", {"width_generator": -4}),
        ("r3gan", {"blocks": 0}),
        ("r3gan", {"gamma": -1.0}),
        ("wgan", {"clip_weights": math.nan}),
        ("unrolled", {"ahead": -1}),
        ("auto", {"width": 0}),
        ("pacgan", {"pack": 0}),
        ("complement", {"entropy": -1.0}),
        ("complement", {"pull_away": -5.0}),
    ],
)
def test_settings_out_of_range_are_refused(name: str, own: dict) -> None:
    (setting,) = own
    with pytest.raises(UsageError, match=f"{setting}=.* makes no sense: it must be at least [01]"):
        build(find(name), DataSpec("image", (1, 8, 8)), own, {})
