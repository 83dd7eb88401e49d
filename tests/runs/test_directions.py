"""Of a trained run: truncated samples, the way from sample to sample and class to class, directions and walks."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sparring
from sparring.errors import UsageError
from sparring.latents.paths import along
from sparring.runs.directions import STEPS, find_components, find_direction, walk
from sparring.runs.export import SIDE, write_film
from sparring.runs.generation import restate
from sparring.runs.interpolation import path_latents
from sparring.runs.measures import class_pair, measures_for
from sparring.training.display import Display
from sparring.training.sampling import draw_latents
from sparring.types import DataSpec

SMALL = {"device": "cpu", "display": Display(quiet=True), "steps": 20, "log_every": 20, "batch": 16}


@pytest.fixture(scope="module")
def cgan_run(one_cache: None, tmp_path_factory: pytest.TempPathFactory) -> sparring.Run:
    """Some steps of cgan on the digits."""
    return sparring.train("digits", "cgan", out=tmp_path_factory.mktemp("runs") / "cgan", **SMALL)


def test_truncated_samples(tmp_path: Path) -> None:
    """Of a generator without batch norms: from what it makes of all codes to what it makes of the central one."""
    run = sparring.train("ring", "r3gan", out=tmp_path / "run", **SMALL | {"steps": 2, "points": 100})
    few, many = (run.sample(n, 3, truncation=0.5) for n in (9, 600))
    assert torch.equal(few, many[:9])
    assert not torch.equal(few, run.sample(9, 3))
    torch.testing.assert_close(run.sample(9, 3, truncation=30.0), run.sample(9, 3))
    centre = run.sample(1, latents=torch.zeros_like(run.recipe.latent(None, 1)))
    torch.testing.assert_close(run.sample(2, 3, truncation=1e-6), centre.expand(2, -1))
    with pytest.raises(UsageError, match="taken as they are"):
        run.sample(9, latents=run.recipe.latent(None, 9), truncation=1.0)


def test_truncation_leaves_a_batch_norm_no_wrong_averages(digits_run: sparring.Run) -> None:
    """Each layer is told the mean and the variance of what it sees of truncated codes, and samples do not fade out."""
    (z,) = draw_latents(digits_run.recipe, digits_run.spec, 1000, 0, truncation=0.2)
    generator = digits_run.generator()
    restate(generator, (z,))
    norm = next(layer for layer in generator.modules() if isinstance(layer, torch.nn.BatchNorm1d))
    seen: list[torch.Tensor] = []
    norm.register_forward_hook(lambda layer, inputs, output: seen.append(inputs[0].detach()))
    generator(z)
    assert not any(layer.training for layer in generator.modules())
    torch.testing.assert_close(norm.running_mean, seen[0].mean(0), rtol=1e-4, atol=1e-4)
    halves = torch.stack([half.var(0) for half in seen[0].split(500)]).mean(0)
    torch.testing.assert_close(norm.running_var, halves, rtol=1e-4, atol=1e-4)
    contrast = [digits_run.sample(500, truncation=t).std(0).mean().item() for t in (None, 0.2)]
    assert contrast[1] == pytest.approx(contrast[0], rel=0.2)
    few, many = (digits_run.sample(n, 3, truncation=0.5) for n in (9, 600))
    assert torch.equal(few, many[:9])


def test_a_way_between_truncated_codes(digits_run: sparring.Run) -> None:
    frames = digits_run.interpolate((3, 5), 4, truncation=0.3)
    for frame, seed in ((0, 3), (-1, 5)):
        torch.testing.assert_close(frames[frame], digits_run.sample(1, seed, truncation=0.3)[0])


def test_a_way_between_truncated_codes_stays_within_the_truncation(digits_run: sparring.Run) -> None:
    """The arc between the truncated codes would not: its middle is as long as its ends, in other directions."""
    (z,) = path_latents(digits_run.recipe, digits_run.spec, (0, 1, 2), 25, truncation=0.5)
    assert z.abs().max() <= 0.5
    keys = [draw_latents(digits_run.recipe, digits_run.spec, 1, seed, truncation=0.5)[0] for seed in (0, 1, 2)]
    assert along(torch.cat(keys), 25, on_sphere=True).abs().max() > 0.6
    torch.testing.assert_close(z[[0, 12, 24]], torch.cat(keys))
    assert (z[1:] - z[:-1]).norm(dim=1).max() < 0.2 * (z[0] - z[12]).norm()


def test_truncation_keeps_the_labels(cgan_run: sparring.Run) -> None:
    (_, labels), (_, truncated) = (
        draw_latents(cgan_run.recipe, cgan_run.spec, 50, 1, truncation=t) for t in (None, 0.3)
    )
    assert torch.equal(labels, truncated)


def test_evenly_spaced_codes_are_not_truncated(gaussian_run: sparring.Run) -> None:
    with pytest.raises(UsageError, match="normal latent codes"):
        gaussian_run.sample(3, truncation=0.5)
    with pytest.raises(UsageError, match="no seed gives one"):
        gaussian_run.interpolate()


def test_samples_moved_along_a_direction(digits_run: sparring.Run) -> None:
    z = digits_run.recipe.latent(torch.Generator().manual_seed(0), 4)
    step = torch.zeros(100)
    step[7] = 1
    moved = digits_run.sample(4, direction=step.numpy(), strength=-2.5)
    assert torch.equal(moved, digits_run.sample(4, latents=z - 2.5 * step))


def test_the_way_begins_and_ends_with_samples(digits_run: sparring.Run) -> None:
    frames = digits_run.interpolate([3, 8, 5], frames=9)
    assert frames.shape == (9, 1, 8, 8)
    for i, seed in ((0, 3), (4, 8), (8, 5)):
        assert torch.equal(frames[i : i + 1], digits_run.sample(1, seed))
    jumps = (frames[1:] - frames[:-1]).flatten(1).norm(dim=1)
    assert jumps.max() < 0.7 * (frames[0] - frames[4]).norm()


def test_from_class_to_class(cgan_run: sparring.Run) -> None:
    """The ends are the classes themselves, the latent code stays, and in between is a mixture."""
    frames = cgan_run.interpolate([4], frames=5, label=3, to_label=8)
    for i, label in ((0, 3), (4, 8)):
        torch.testing.assert_close(frames[i : i + 1], cgan_run.sample(1, 4, label=label))
    assert not torch.allclose(frames[2], frames[0])
    assert not torch.allclose(frames[2], frames[4])


def test_a_class_that_stays_and_classes_of_the_seeds(cgan_run: sparring.Run) -> None:
    stays = cgan_run.interpolate([1, 2], frames=3, label=6)
    assert torch.equal(stays[2:], cgan_run.sample(1, 2, label=6))
    free = cgan_run.interpolate([1, 2], frames=3)
    for i, seed in ((0, 1), (2, 2)):
        torch.testing.assert_close(free[i : i + 1], cgan_run.sample(1, seed))


def test_attributes_of_the_seeds(tmp_path: Path) -> None:
    """Continuous conditions need no mixtures: they move from those of one sample to those of the next."""
    run = sparring.train("circle", "cgan", out=tmp_path / "run", **SMALL)
    frames = run.interpolate([1, 2], frames=5)
    for i, seed in ((0, 1), (4, 2)):
        torch.testing.assert_close(frames[i : i + 1], run.sample(1, seed))


def test_from_attributes_to_others(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The ends are what was asked for, the latent code and what is not named stay, and in between is in between."""
    bars = np.random.default_rng(0).random((60, 8, 8)).astype(np.float32)
    asked = np.stack([np.arange(60.0), np.arange(60.0) % 7], 1)
    np.savez(tmp_path / "bars.npz", images=bars, attributes=asked, attribute_names=["row", "light"])
    run = sparring.train(tmp_path / "bars.npz", "cgan", out=tmp_path / "run", **SMALL)
    frames = run.interpolate([4], 5, attributes={"row": 10, "light": 2}, to_attributes={"row": 50})
    for i, row in ((0, 10), (2, 30), (4, 50)):
        torch.testing.assert_close(frames[i : i + 1], run.sample(1, 4, attributes=[row, 2]))
    free = run.interpolate([4, 5], 3, attributes={"row": 10}, to_attributes=[20, 1])
    torch.testing.assert_close(free[:1], run.sample(1, 4, attributes={"row": 10}))
    torch.testing.assert_close(free[2:], run.sample(1, 5, attributes=[20, 1]))
    stays = run.interpolate([1, 2], 3, attributes=[20, 1])
    torch.testing.assert_close(stays[2:], run.sample(1, 2, attributes=[20, 1]))
    assert capfd.readouterr().err == ""
    run.interpolate([4], 3, attributes=[10, 2], to_attributes=[90, 2])
    assert "row was trained from" in capfd.readouterr().err
    with pytest.raises(UsageError, match="no attribute 'age'"):
        run.interpolate([4], 3, attributes={"row": 10}, to_attributes={"age": 3})


def test_a_network_that_takes_no_mixtures(conditional_run: sparring.Run) -> None:
    assert len(conditional_run.interpolate([1, 2], label=3)) == 24
    with pytest.raises(UsageError, match=r"takes no mixtures of classes.*ClassEmbedding"):
        conditional_run.interpolate([1, 2], label=3, to_label=4)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.apng"])
def test_films(digits_run: sparring.Run, tmp_path: Path, name: str) -> None:
    frames = digits_run.interpolate([1, 2, 3], frames=7)
    write_film(digits_run.spec, frames, tmp_path / name, frames)
    with Image.open(tmp_path / name) as film:
        assert film.n_frames == 7
        assert film.size == (SIDE, SIDE)
        film.seek(6)
        last = np.asarray(film.convert("L"))[16::32, 16::32].astype(int)
    assert np.abs(last - digits_run.spec.decode(frames)[6, 0].numpy()).max() <= 1


def test_films_in_colour(tmp_path: Path) -> None:
    frames = torch.rand(4, 3, 20, 30) * 2 - 1
    spec = DataSpec("image", (3, 20, 30))
    write_film(spec, frames, tmp_path / "a.webp", frames)
    with Image.open(tmp_path / "a.webp") as film:
        assert (film.n_frames, film.size) == (4, (270, 180))
        film.seek(3)
        assert (np.asarray(film.convert("RGB"))[4::9, 4::9] == spec.decode(frames)[3].permute(1, 2, 0).numpy()).all()


def test_a_direction_is_found_again(digits_run: sparring.Run) -> None:
    one, two = (find_direction(digits_run, "brightness", keep=["width"], n=800) for _ in range(2))
    assert torch.equal(one.vector, two.vector)
    assert one.effects == two.effects
    assert one.vector.norm().item() == pytest.approx(1, abs=1e-5)
    effect = one["brightness"]
    assert effect.correlation > 0.3
    assert effect.change > 3 * effect.floor
    assert effect.rises > 0.8
    assert abs(one["width"].deviations) < 0.5 * effect.deviations
    assert one.codes == 200


def test_directions_of_classes(digits_run: sparring.Run) -> None:
    found = find_direction(digits_run, "1:7", keep=["3"], n=600)
    assert found["1:7"].role == "change"
    assert found["3"].role == "keep"
    assert found["1:7"].change > found["1:7"].floor
    assert found["1:7"].correlation > 0.2


def test_log_odds_of_classes(digits_run: sparring.Run) -> None:
    """Real digits: the odds of a class are highest for its own, A:B is antisymmetric, and odds of all give p to 1."""
    dataset = digits_run.dataset()
    some = dataset.train.read(np.arange(200))
    images, spec = dataset.spec.encode(some.x), dataset.spec
    names = ["4:9", "9:4", *spec.classes]
    measures = measures_for(spec, names, lambda: dataset, torch.device("cpu"), lambda *_: None)
    torch.testing.assert_close(measures["4:9"](images), -measures["9:4"](images))
    odds = torch.stack([measures[name](images) for name in spec.classes], 1)
    torch.testing.assert_close(odds.sigmoid().sum(1), torch.ones(200, dtype=torch.float64))
    assert (odds.argmax(1) == some.y).float().mean() > 0.97


def test_classes_by_name_and_number() -> None:
    spec = DataSpec("image", (1, 8, 8), ("cat", "dog", "0"))
    assert class_pair(spec, "dog") == (None, 1)
    assert class_pair(spec, "1") == (None, 1)
    assert class_pair(spec, "0") == (None, 2)  # a name goes before a number
    assert class_pair(spec, "dog:cat") == (1, 0)
    for wrong, says in (
        ("cow", "there is no 'cow'"),
        ("dog:dog", "both ends are the class dog"),
        ("catt", "Did you mean cat"),
    ):
        with pytest.raises(UsageError, match=says):
            class_pair(spec, wrong)
    with pytest.raises(UsageError, match="without colour have no red"):
        class_pair(spec, "red")


@pytest.mark.parametrize("method", ["sefa", "ganspace"])
def test_components(digits_run: sparring.Run, method: str) -> None:
    found, shares = find_components(digits_run, method, count=3, n=200)
    vectors = torch.stack([one.vector for one in found])
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3))
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) < 1
    assert [one.name for one in found] == [f"{method} {i}" for i in (1, 2, 3)]
    if method == "sefa":
        torch.testing.assert_close(vectors @ vectors.T, torch.eye(3), atol=1e-5, rtol=0)


def test_walks(digits_run: sparring.Run) -> None:
    one, two = torch.eye(100)[:2]
    walked = walk(digits_run, one, rows=4, seed=9)
    assert walked.shape == (4, len(STEPS), 1, 8, 8)
    for i, strength in ((0, -3.0), (3, 0.0), (6, 3.0)):
        assert torch.equal(walked[:, i], digits_run.sample(4, 9, direction=one, strength=strength))
    both = walk(digits_run, torch.stack([one, two]), seed=9)
    assert torch.equal(both[0], walked[0])
    assert torch.equal(both[1, 3], walked[0, 3])
    assert not torch.equal(both[1, 6], walked[0, 6])


def test_walks_along_what_is_no_direction(digits_run: sparring.Run) -> None:
    for wrong in (torch.zeros(3), torch.zeros(2, 3), torch.full((100,), torch.nan)):
        with pytest.raises(UsageError, match="the direction has"):
            walk(digits_run, wrong)


def test_walks_from_a_class_begin_there(digits_run: sparring.Run) -> None:
    dataset, place = digits_run.dataset(), torch.device("cpu")
    pool = digits_run.sample(500)
    for name in digits_run.spec.classes:
        measure = measures_for(digits_run.spec, [name], lambda: dataset, place, lambda *_: None)[name]
        other = "1" if name == "0" else "0"
        if (measure(pool) > 0).any():
            walked = walk(digits_run, torch.eye(100)[0], rows=3, change=f"{name}:{other}")
            assert (measure(walked[:, STEPS.index(0)]) > 0).all()
        else:
            with pytest.raises(UsageError, match=f"none of 500 samples is of class {name}"):
                walk(digits_run, torch.eye(100)[0], change=f"{name}:{other}")


def test_points_have_no_directions(gaussian_run: sparring.Run) -> None:
    with pytest.raises(UsageError, match="gaussian holds points"):
        find_direction(gaussian_run, "brightness")
    with pytest.raises(UsageError, match="gaussian holds points"):
        find_components(gaussian_run)
