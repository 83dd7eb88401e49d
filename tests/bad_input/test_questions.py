"""What cannot be asked of a run: samples, ways, directions, figures, comparisons."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import sparring


def latents(array: object) -> str:
    np.save("z.npy", array)
    return "z.npy"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (lambda: ("--label", 3), "knows no classes"),
        (lambda: ("-n", 0), "ask for one or more"),
        (lambda: ("-n", -3), "ask for one or more"),
        (lambda: ("-n", 10**12), "1000000000000 samples are too many at once"),
        (lambda: ("--seed", 2**64), "out of range"),
        (lambda: ("--seed", -1), "out of range"),
        (lambda: ("--seed", 10**30), "out of range"),
        (lambda: ("--latents", latents(np.zeros((4, 7)))), "this run needs (4, 100)"),
        (lambda: ("--latents", latents(np.zeros((0, 100)))), "one or more"),
        (lambda: ("--latents", latents(np.zeros((4, 100))), "-n", 5), "this run needs (5, 100)"),
        (lambda: ("--latents", latents(np.full((1, 100), np.inf))), "not finite"),
        (lambda: ("--latents", latents(np.float32(3))), "z.npy holds no latent codes"),
        (lambda: ("--latents", "none.npy"), "none.npy"),
        (lambda: ("--checkpoint", "worst"), "has no checkpoint 'worst'"),
        (lambda: ("--checkpoint", "²"), "has no checkpoint"),
        (lambda: ("--device", "cuda:99"), "cuda"),
        (lambda: ("--truncation", 0), "must be above 0"),
        (lambda: ("--truncation", "nan"), "must be above 0"),
        (lambda: ("--truncation", 1, "--latents", latents(np.zeros((4, 100)))), "leave --truncation or --latents out"),
        (lambda: ("--strength", 2), "name that too (--direction)"),
        (lambda: ("--direction", "none.npy"), "none.npy is no .npy file of directions"),
        (lambda: ("--direction", latents(np.zeros(7))), "the direction has shape (7,), but this run needs (100,)"),
        (lambda: ("--direction", latents(np.zeros((2, 100)))), "the direction has shape (2, 100)"),
        (lambda: ("--direction", latents(np.full(100, np.nan))), "not finite"),
        (lambda: ("--direction", latents(np.zeros(100)), "--strength", "inf"), "must be a finite number"),
    ],
)
def test_samples_that_cannot_be_made(
    spar, one_line, digits_run: sparring.Run, arguments: Callable[[], tuple], says: str
) -> None:
    one_line(spar("sample", digits_run.path, "--out", "a.npy", *arguments()), 2, says)
    assert not Path("a.npy").exists()


def test_samples_that_cannot_be_written(
    spar, snapshot, one_line, digits_run: sparring.Run, gaussian_run: sparring.Run
) -> None:
    one_line(spar("sample", digits_run.path, "--out", "a.jpeg"), 2, "give FILE.png, FILE.npy or a directory")
    one_line(spar("sample", gaussian_run.path, "--out", "folder"), 2, "no images")
    Path("a.npy").mkdir()
    one_line(spar("sample", digits_run.path, "--out", "a.npy"), 1, "cannot write a.npy")
    assert snapshot(Path()) == {}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--seeds", "1"), "two or more"),
        (("--seeds", "3,3"), "two or more"),
        (("--seeds", ""), "give whole numbers"),
        (("--seeds", "1,b"), "--seeds 1,b: give whole numbers"),
        (("--seeds", "1,-2"), "the seed -2 is out of range"),
        (("--frames", 1), "ask for two or more"),
        (("--frames", 10**12), "ask for at most 10000"),
        (("--seeds", f"1,{2**64}"), "out of range"),
        (("--attributes", "3"), "knows no attributes"),
        (("--to-attributes", "3"), "give --attributes too"),
        (("--attributes", "3", "--to-attributes", "x"), "--to-attributes x does not work"),
        (("--label", 3), "knows no classes"),
        (("--to-label", 3), "give --label too"),
        (("--out", "a.mp4"), "FILE.gif"),
        (("--checkpoint", "worst"), "has no checkpoint 'worst'"),
    ],
)
def test_ways_that_cannot_be_shown(
    spar, snapshot, one_line, digits_run: sparring.Run, arguments: tuple, says: str
) -> None:
    one_line(spar("interpolate", digits_run.path, *arguments), 2, says)
    assert snapshot(Path()) == {}


def test_ways_that_points_do_not_have(spar, snapshot, one_line, gaussian_run: sparring.Run) -> None:
    one_line(spar("interpolate", gaussian_run.path, "--out", "a.gif"), 2, "no images")
    one_line(spar("interpolate", gaussian_run.path), 2, "evenly spaced")
    one_line(spar("sample", gaussian_run.path, "--truncation", 1), 2, "truncation is for normal latent codes")
    one_line(spar("directions", gaussian_run.path), 2, "gaussian holds points")
    assert snapshot(Path()) == {}


def test_a_network_without_mixtures_of_classes(
    spar, snapshot, one_line, conditional_run: sparring.Run, conditional_file: Path
) -> None:
    command = ("interpolate", conditional_run.path, "--recipe", conditional_file, "--label", 1)
    one_line(spar(*command, "--to-label", 2), 2, "takes no mixtures of classes", "ClassEmbedding")
    one_line(spar(*command, "--to-label", 10), 2, "there is no class 10")
    one_line(spar(*command, "--seeds", 4, "--to-label", 1), 2, "no way from one seed to itself")
    one_line(spar(*command, "--seeds", "4,4", "--to-label", 1), 2, "no way from one seed to itself")
    assert snapshot(Path()) == {}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--change", "brightnes"), "Did you mean brightness"),
        (("--change", "red"), "images without colour have no red"),
        (("--change", "3:11"), "3:11: there is no class '11'. Did you mean 1"),
        (("--change", "cat:3"), "cat:3: there is no class 'cat'. Known: 0, 1, 2"),
        (("--change", "3:3"), "3:3: both ends are the class 3"),
        (("--change", "slant", "--keep", "slant"), "cannot be changed and kept"),
        (("--change", "slant", "--keep", "width,"), "there is no ''"),
        (("--change", "slant", "-n", 60), "too few for 100 latent numbers"),
        (("--change", "slant", "--rows", 0), "ask for one or more"),
        (("--keep", "slant"), "name that too (--change)"),
        (("-n", 0), "ask for one or more"),
        (("-n", -4, "--change", "slant"), "ask for one or more"),
        (("-n", 10**12), "too many at once"),
        (("--rows", 101), "ask for 1 to 100"),
        (("--method", "pca"), "choose sefa or ganspace"),
        (("--label", 3), "knows no classes"),
        (("--seed", -1), "out of range"),
        (("--out", "a.gif"), "give FILE.png"),
        (("--save", "a.csv"), "give FILE.npy"),
        (("--checkpoint", "worst"), "has no checkpoint 'worst'"),
    ],
)
def test_directions_that_cannot_be_found(
    spar, snapshot, one_line, digits_run: sparring.Run, arguments: tuple, says: str
) -> None:
    one_line(spar("directions", digits_run.path, *(() if "-n" in arguments else ("-n", 400)), *arguments), 2, says)
    assert snapshot(Path()) == {}


@pytest.mark.parametrize("n", [0, -1, 5])
def test_too_few_to_evaluate(spar, one_line, gaussian_run: sparring.Run, n: int) -> None:
    one_line(spar("evaluate", gaussian_run.path, "-n", n), 2, "too few")


def test_runs_that_cannot_be_compared(spar, one_line, digits_run: sparring.Run, gaussian_run: sparring.Run) -> None:
    """Nothing is written, and the work is not begun."""
    two = (digits_run.path, digits_run.path)
    for arguments, says in (
        ((digits_run.path,), "1 runs cannot be compared: give from two to 26"),
        ((digits_run.path, gaussian_run.path), "are of different data (digits and gaussian"),
        ((digits_run.path, "nowhere"), "nowhere holds no run of Sparring"),
        ((*two, "--draws", 1), "1 draws show no noise: give at least 2"),
        ((*two, "--draws", 10**12), "1000000000000 draws are too many: give at most 1000"),
        ((*two, "--draws", "x"), "draws"),
        ((*two, "-n", 3), "n = 3 samples are too few"),
        ((*two, "--checkpoint", 31), "has no checkpoint '31'"),
        ((*two, "--features", "vgg"), "there are no features 'vgg'"),
        ((*two, "--out", "a.gif"), "a.gif is no name for what is written there: give FILE.png"),
        ((*two, "--seed", -1), "seed"),
        ((*two, "--recipe", "other.py"), "none of these runs was trained with a file of that name"),
        ((gaussian_run.path, gaussian_run.path, "--features", "inception"), "features are for images"),
    ):
        one_line(spar("compare-runs", *arguments), 2, says)
    assert not list(Path().iterdir())
