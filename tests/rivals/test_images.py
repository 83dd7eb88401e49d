"""Generators of images at equal time: the Boltzmann machine, the figures, the whole comparison."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.neural_network import BernoulliRBM

import sparring
from sparring.errors import UsageError
from sparring.metrics.random_convolutions import RandomConvolutions
from sparring.rivals import rbm as machines
from sparring.rivals.budget import Clock
from sparring.rivals.images import check_plan
from sparring.rivals.measure import Measure
from sparring.rivals.rbm import Rbm, train_rbm, values
from sparring.rivals.rival import Rival, of_rbm, of_run
from sparring.types import Dataset


def bars(n: int, seed: int = 0) -> np.ndarray:
    """Images (n, 8, 8) uint8 of one white row or column each."""
    random = np.random.default_rng(seed)
    images = np.zeros((n, 8, 8), np.uint8)
    for image in images:
        (image if random.integers(2) else image.T)[random.integers(8)] = 255
    return images


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Bars with noise, as without it there were 16 images; their class is whether they lie left or high."""
    random = np.random.default_rng(1)
    images = np.maximum(bars(600), random.integers(0, 60, (600, 8, 8), dtype=np.uint8))
    path = tmp_path_factory.mktemp("bars") / "bars.npz"
    balance = np.add.outer(np.arange(8) < 4, np.arange(8) < 4, dtype=np.int64) - 1
    labels = ((images > 100) * balance).sum((1, 2)) > 0
    np.savez(path, images=images, labels=labels.astype(np.int64))
    return sparring.open_data(str(path))


@pytest.fixture(scope="module")
def rbm(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Rbm, Path]:
    path = tmp_path_factory.mktemp("rbm") / "rbm.safetensors"
    return train_rbm(dataset.train, 0.5, 0, path, Clock("cpu")), path


def test_a_machine_is_the_same_when_it_is_read_again(dataset: Dataset, rbm: tuple[Rbm, Path]) -> None:
    machine, path = rbm
    again = train_rbm(dataset.train, 100.0, 0, path, Clock("cpu"))
    assert (again.steps, again.seconds) == (machine.steps, machine.seconds)
    x = values(dataset.train.read(np.arange(5)).x.numpy())
    assert np.array_equal(again.reconstruct(x), machine.reconstruct(x))


def test_a_machine_reconstructs_what_it_was_trained_on(dataset: Dataset) -> None:
    machine = Rbm(machines._play(dataset.train, 1500, 0, Clock("cpu"))[0], 1500, 0.0)
    x = values(dataset.validation.read(np.arange(len(dataset.validation))).x.numpy())
    assert np.square(x - machine.reconstruct(x)).mean() < 0.7 * np.square(x - x.mean(0)).mean()


def test_chains_draw_the_distribution_of_a_known_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """One hidden unit tied to one value: P(v = 1) is known from the four states."""
    monkeypatch.setattr(machines, "GIBBS", 30)
    weight, hidden_bias, visible_bias = 1.5, -0.4, 0.2
    machine = BernoulliRBM(1)
    machine.components_ = np.array([[weight]])
    machine.intercept_hidden_, machine.intercept_visible_ = np.array([hidden_bias]), np.array([visible_bias])
    states = {(v, h): np.exp(weight * v * h + hidden_bias * h + visible_bias * v) for v in (0, 1) for h in (0, 1)}
    on = sum(p for (v, _), p in states.items() if v) / sum(states.values())
    found = Rbm(machine, 0, 0.0).sample(40_000, np.array([0.5]), 0)
    assert found.mean() == pytest.approx(on, abs=0.01)
    assert np.array_equal(found[:10], Rbm(machine, 0, 0.0).sample(40_000, np.array([0.5]), 0)[:10])


@pytest.fixture(scope="module")
def measure(dataset: Dataset) -> Measure:
    return Measure(dataset, RandomConvolutions(dataset, "cpu"), 1000, 0)


def rival(sample, reconstruct=None, code=None) -> Rival:
    return Rival("it", 1, 1.0, sample, reconstruct, lambda x: x.flatten(1), code)


def test_data_themselves_have_the_figures_of_the_baseline(dataset: Dataset, measure: Measure) -> None:
    floor = measure.reference()
    copies, shown = measure(rival(lambda n: dataset.spec.encode(measure.real), lambda x: x, lambda x: x[:, :, :1]))
    assert copies.distance == floor.distance
    assert copies.reconstruction == 0 < floor.reconstruction
    assert (copies.probe, copies.features) == (floor.probe, 64)
    assert copies.code == 8
    assert copies.probe > 0.9
    noise, less = measure(rival(lambda n: torch.rand(n, 1, 8, 8) * 2 - 1))
    assert noise.distance > 10 * floor.distance
    assert noise.reconstruction is noise.code_probe is noise.code is None
    assert len(shown) - len(less) == 16


def test_a_grey_image_is_a_quarter_wrong_of_black_and_white(dataset: Dataset, measure: Measure) -> None:
    real = dataset.spec.encode(measure.real)
    expected = ((real.double() / 2) ** 2).mean().item()
    assert measure.error(torch.zeros_like(real)) == pytest.approx(expected)


def test_without_an_encoder_codes_are_searched_for(digits_run: sparring.Run) -> None:
    """What the generator makes can be made by it; and only some held-out images are looked for."""
    run = of_run(digits_run, "gan", 1.0, 0, torch.device("cpu"))
    x = digits_run.sample(40, seed=7, checkpoint="last")
    wrong = (run.reconstruct(x) - x).square().mean()
    assert wrong < 0.2 * (x - x.mean(0)).square().mean()
    assert torch.equal(run.reconstruct(x[:5]), run.reconstruct(x[:5]))
    calls = []
    measure = Measure(digits_run.dataset(), RandomConvolutions(digits_run.dataset(), "cpu"), 1000, 0)
    measure(run._replace(reconstruct=lambda x: calls.append(len(x)) or x))
    assert calls == [100]


def test_too_little_is_held_out(dataset: Dataset) -> None:
    with pytest.raises(UsageError, match="only 3 images can be measured with"):
        Measure(dataset, RandomConvolutions(dataset, "cpu"), 3, 0)


def test_machine_as_a_rival(dataset: Dataset, rbm: tuple[Rbm, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "GIBBS", 3)
    it = of_rbm(rbm[0], dataset, 0)
    samples = it.sample(7)
    assert samples.shape == (7, 1, 8, 8)
    assert samples.min() >= -1
    assert samples.max() <= 1
    assert it.hidden(samples).shape == (7, machines.HIDDEN)


def test_a_folder_of_other_trainings_is_refused(tmp_path: Path) -> None:
    """Of another time, seed or data, or of nobody knows what."""
    plan = {"seconds": 3.0, "seed": 0, "data": "abc"}
    check_plan(tmp_path, plan)
    check_plan(tmp_path, plan)
    for name, other in (("seconds", 4.0), ("seed", 1), ("data", "def")):
        with pytest.raises(UsageError, match=rf"{name} {plan[name]}, not {other}\): name another folder \(--runs\)"):
            check_plan(tmp_path, plan | {name: other})
    for content in ("{", "[]", "{}"):
        (tmp_path / "compare.json").write_text(content)
        with pytest.raises(UsageError, match=r"no compare\.json that says"):
            check_plan(tmp_path, plan)
    (tmp_path / "compare.json").rename(tmp_path / "rbm.json")
    with pytest.raises(UsageError, match="holds other trainings"):
        check_plan(tmp_path, plan)


@pytest.mark.slow
def test_command(tmp_path: Path, spar, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unlabelled images; the same command again trains nothing and finds the same."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machines, "GIBBS", 5)
    np.save(
        "bars.npy",
        np.concatenate([bars(300), 255 - bars(300, 1)]) // 2 + np.arange(600)[:, None, None].astype(np.uint8) % 64,
    )
    words = ("compare", "bars.npy", "--seconds", 1, "--device", "cpu", "--json")
    first = spar(*words)
    assert (first.code, first.err) == (0, "")
    found = json.loads(first.out)
    assert [each["name"] for each in found["rivals"]] == ["rbm", "ae", "vae", "auto"]
    for each in found["rivals"]:
        assert each["distance"] > found["reference"]["distance"]
        assert each["reconstruction"] > 0
        assert each["probe"] is None
    assert sparring.load("runs/compare-bars-1s-0/vae").sample(2).shape == (2, 1, 8, 8)
    assert Path("comparison.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(spar(*words).out) == found
    table = spar(*words[:-1])
    assert "not defined, as the data have no classes" in " ".join(table.out.split())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("ring",), "ring holds points: spar compare is for images and labelled texts"),
        (("digits", "--seeds", 3), "digits holds images, where --seeds means nothing"),
        (("digits", "--seconds", 0), "seconds=0 is no time to train in"),
        (("digits", "--seconds", "nan"), "seconds=nan is no time"),
        (("digits", "--seed", -1), "the seed -1 is out of range"),
        (("digits", "--out", "a.jpg"), ".png"),
        (("mnits",), "Did you mean mnist"),
    ],
)
def test_wrong_usage(
    words: tuple[object, ...], says: str, spar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = spar("compare", *words)
    assert done.code == 2
    assert says in done.err
    assert done.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
