"""A run's features and codes: the same for each example whatever is beside it, in files, and of no other data."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import sparring
from sparring.data import everything
from sparring.errors import UsageError
from sparring.networks import representation_of
from sparring.runs.features import SOURCES
from sparring.runs.inversion import Inversion
from sparring.training.chunks import in_chunks
from sparring.training.display import Display

SMALL = {"device": "cpu", "display": Display(quiet=True), "batch": 8, "log_every": 2}


@pytest.fixture(scope="module")
def run(one_cache, tmp_path_factory: pytest.TempPathFactory) -> sparring.Run:
    """Two steps of bigan on the digits."""
    return sparring.train("digits", "bigan", out=tmp_path_factory.mktemp("b") / "b", **SMALL, steps=2, width=4)


@pytest.fixture(scope="module")
def images(run: sparring.Run) -> np.ndarray:
    return everything(run.dataset()).read(np.arange(len(everything(run.dataset())))).x.numpy()


def sized(source: str) -> int:
    """How many features the run has: 4 maps of 4 x 4 and 8 of 2 x 2, or 100 codes, or the generator's 8 and 4."""
    return {"code": 100, "generator": 8 * 4 + 4 * 16}.get(source, 4 * 16 + 8 * 4)


@pytest.mark.parametrize("source", SOURCES)
def test_features_do_not_depend_on_how_many_there_are(run: sparring.Run, images: np.ndarray, source: str) -> None:
    n = 20 if source == "generator" else 600  # a search costs a hundred times the rest
    features = run.features(images[:n], source)
    assert (features.shape, features.dtype) == ((n, sized(source)), torch.float32)
    assert torch.equal(run.features(images[:7], source), features[:7])
    torch.testing.assert_close(run.features(images[n - 3 : n], source), features[-3:])
    assert not torch.equal(features[0], features[1])


def test_stored_images_and_network_values_are_the_same(run: sparring.Run, images: np.ndarray) -> None:
    x = run.spec.encode(torch.from_numpy(images[:5]))
    assert torch.equal(run.features(images[:5]), run.features(x))
    assert torch.equal(run.encode(x), run.features(x, "code"))
    assert torch.equal(run.features(images[:5, :, ::-1]), run.features(images[:5, :, ::-1].copy()))


@pytest.mark.parametrize(
    ("x", "why"),
    [
        (np.zeros((2, 3, 8, 8), np.uint8), r"shape (2, 3, 8, 8), but this run needs (n, 1, 8, 8)"),
        (np.zeros((1, 8, 8), np.uint8), "this run needs"),
        (np.zeros((0, 1, 8, 8), np.uint8), "this run needs"),
        (np.float32(1.0), "this run needs"),
        (np.zeros((2, 1, 8, 8), np.int64), "uint8, or floats"),
        (np.full((2, 1, 8, 8), np.nan), "not finite"),
        (np.full((2, 1, 8, 8), 255.0), "floats in [-1, 1]: there are values beyond"),
        (np.array([["a"]]), "no numbers"),
        (None, "no numbers"),
    ],
)
def test_what_no_features_can_be_had_of(run: sparring.Run, x: np.ndarray, why: str) -> None:
    with pytest.raises(UsageError, match=re.escape(why)):
        run.features(x)


def test_a_search_finds_the_codes_of_generated_examples() -> None:
    """G(z) = tanh(Wz) with orthogonal columns is one to one: the code itself is found."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.utils.parametrizations.orthogonal(nn.Linear(3, 12, bias=False)), nn.Tanh())
    z = torch.randn(9, 3)
    with torch.no_grad():
        x = generator(z)
        found = Inversion(generator, torch.randn(16, 3), steps=300)(x)
    torch.testing.assert_close(found, z, atol=0.01, rtol=0)
    assert all(p.grad is None for p in generator.parameters())


def test_the_command_writes_rows_in_the_order_of_the_data(run: sparring.Run, spar, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (30, 8, 8), np.uint8), np.arange(30) % 3
    np.savez(tmp_path / "own.npz", images=x, labels=y)
    ended = spar("features", run.path, tmp_path / "own.npz", "--out", tmp_path / "f.npy")
    assert (ended.code, ended.err) == (0, "")
    written = np.load(tmp_path / "f.npy")
    assert written.dtype == np.float32
    assert np.array_equal(written, run.features(x[:, None]).numpy())
    assert np.array_equal(np.load(tmp_path / "f-labels.npy"), y)
    np.save(tmp_path / "unlabelled.npy", x)
    assert spar("features", run.path, tmp_path / "unlabelled.npy", "--out", tmp_path / "f.npy").code == 0
    assert not (tmp_path / "f-labels.npy").exists()
    parts = []
    for part in ("train", "validation", "test"):
        assert spar("features", run.path, tmp_path / "own.npz", "--part", part, "--out", tmp_path / "p.npy").code == 0
        parts.append(np.load(tmp_path / "p.npy"))
    together = np.concatenate(parts)
    order = [np.flatnonzero(np.isclose(together, row).all(1))[0] for row in written]
    assert sorted(order) == list(range(30))


def test_what_has_no_row_is_told(run: sparring.Run, spar, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("L", (8, 8)).save(folder / "a.png")
    (folder / "b.png").write_bytes(b"broken")
    ended = spar("features", run.path, folder, "--out", tmp_path / "f.npy")
    assert (ended.code, len(np.load(tmp_path / "f.npy"))) == (0, 1)
    assert ended.err == "spar: note: 1 of the files could not be read and have no row: spar data lists them\n"


def test_the_run_s_own_data_and_a_picture(run: sparring.Run, spar, tmp_path: Path) -> None:
    arguments = ["--part", "test", "--from", "code", "--out", tmp_path / "f.npy", "--picture", tmp_path / "p.png"]
    ended = spar("features", run.path, *arguments)
    assert (ended.code, ended.err) == (0, "")
    assert len(np.load(tmp_path / "f.npy")) == len(np.load(tmp_path / "f-labels.npy")) == len(run.dataset().test)
    assert (tmp_path / "p.png").stat().st_size > 1000


def test_points_and_their_attributes(spar, tmp_path: Path) -> None:
    sparring.train("circle", "cgan", out=tmp_path / "c", **SMALL, steps=2, points=200)
    assert "needs a method hidden_layers" in spar("features", tmp_path / "c").err
    sparring.train("circle", "r3gan", out=tmp_path / "r", **SMALL, steps=2, points=200)
    ended = spar("features", tmp_path / "r", "--part", "train", "--out", tmp_path / "f.npy")
    assert (ended.code, ended.err) == (0, "")
    assert np.load(tmp_path / "f.npy").shape == (200, 3 * 128)
    assert np.load(tmp_path / "f-attributes.npy").shape == (200, 1)

    run = sparring.load(tmp_path / "r")
    whole = np.array([[0, 1], [2, 3]], np.uint8)
    assert torch.equal(run.features(whole), run.features(whole.astype(np.float32)))


def test_mistakes_are_one_line(run: sparring.Run, digits_run: sparring.Run, spar, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "larger.npy", rng.integers(0, 256, (20, 16, 12), np.uint8))
    np.save(tmp_path / "colour.npy", rng.integers(0, 256, (20, 8, 8, 3), np.uint8))
    unfinished = shutil.copytree(run.path, tmp_path / "unfinished")
    shutil.rmtree(unfinished / "checkpoints")
    out = "--out", tmp_path / "f.npy"
    cases = {
        "holds images of 1 x 16 x 12": (run.path, tmp_path / "larger.npy", *out),
        "give --set size=8x8 --set channels=1": (run.path, tmp_path / "colour.npy", *out),
        "holds points of 2": (run.path, "ring", *out),
        "no encoder: train one with --recipe bigan, ae or vae": (digits_run.path, "--from", "code", *out),
        "choose one of discriminator": (run.path, "--from", "critic", *out),
        "choose one of all, train": (run.path, "--part", "some", *out),
        "holds no checkpoint yet": (unfinished, *out),
        "holds no run": (tmp_path, *out),
        "FILE.npy": (run.path, "--out", tmp_path / "f.csv"),
        "leave it out": (run.path, "--set", "size=8", *out),
    }
    for why, arguments in cases.items():
        ended = spar("features", *arguments)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), why
        assert why in ended.err
    assert not (tmp_path / "f.npy").exists()
    ended = spar("features", run.path, tmp_path / "colour.npy", "--set", "size=8x8", "--set", "channels=1", *out)
    assert ended.code == 0


def test_a_classifier_s_features_are_those_that_predict_uses(spar, tmp_path: Path) -> None:
    few = {"labels_per_class": 2, "batch": 10, "network": "perceptron", "best_every": 2, "ema": 0.9}
    run = sparring.train("digits", "few-labels", out=tmp_path / "c", **(SMALL | few), steps=5)
    x = run.sample(20)
    classifier = representation_of(run.classifier("last"))
    assert torch.equal(run.features(x), in_chunks(classifier, (x,), torch.device("cpu")))
    assert not torch.equal(run.features(x), representation_of(run.discriminator("last"))(x))
    assert not torch.equal(run.features(x), run.features(x, checkpoint="best"))
    ended = spar("features", run.path, "--part", "test", "--out", tmp_path / "f.npy")
    assert f"from the discriminator of step 5: {tmp_path / 'f.npy'}" in ended.out
    assert np.array_equal(np.load(tmp_path / "f.npy"), run.features(run.dataset().test.tensors().x).numpy())


def test_a_run_without_a_discriminator_says_what_there_is(spar, tmp_path: Path) -> None:
    run = sparring.train("digits", "ae", out=tmp_path / "a", **SMALL, steps=2)
    ended = spar("features", run.path, "--out", tmp_path / "f.npy")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "has no discriminator: its recipe trains without one. Take --from encoder, code or generator" in ended.err
    assert spar("features", run.path, "--from", "encoder", "--out", tmp_path / "f.npy").code == 0


def test_packs_have_no_features_of_one_example(tmp_path: Path) -> None:
    run = sparring.train("digits", "dcgan", out=tmp_path / "p", **SMALL, steps=2, width=4, pack=2)
    with pytest.raises(UsageError, match="judges 2 examples as one"):
        run.features(torch.zeros(2, 1, 8, 8))
