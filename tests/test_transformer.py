"""The transformer keeps scikit-learn's conventions, and its features are the run's."""

import pickle
import re
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

import sparring
from sparring import SparringFeatures, UsageError

X, Y = load_digits(return_X_y=True)
README = Path(__file__).parents[1] / "README.md"
ROWS = {"image_shape": (8, 8), "value_range": (0, 16), "device": "cpu"}


def quick(steps: int = 2, **changed) -> SparringFeatures:
    settings = {"width": 4, "batch": 8, "best_every": 2}
    return SparringFeatures(recipe="dcgan", steps=steps, settings=settings, **(ROWS | changed))


def test_parameters() -> None:
    one = quick(seed=3)
    assert clone(one).get_params() == one.get_params()
    assert one.set_params(seed=4, source="code").get_params()["seed"] == 4
    with pytest.raises(NotFittedError):
        one.transform(X)


def test_a_pipeline_trains_and_predicts(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = make_pipeline(quick(), LinearSVC(C=0.1))
    search = GridSearchCV(pipeline, {"linearsvc__C": [0.1, 1.0]}, cv=2).fit(X[:100], Y[:100])
    assert search.score(X[100:300], Y[100:300]) > 0.5
    features = search.best_estimator_[0]
    assert len(features.get_feature_names_out()) == features.transform(X[:3]).shape[1] == 4 * 16 + 8 * 4
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    assert np.array_equal(again.predict(X[100:200]), search.predict(X[100:200]))
    monkeypatch.setattr("sparring.training.loop.Loop.__call__", None)  # the same fit finds the same run
    assert clone(features).fit(X[:100]).run_ == features.run_


def test_equal_fits_at_a_time_train_once() -> None:
    """Both candidates of a search over one split begin with the same fit, each in a process of its own."""
    pipeline = make_pipeline(quick(100, seed=5), LinearSVC())
    grid = {"linearsvc__C": [0.1, 1.0]}
    search = GridSearchCV(
        pipeline, grid, cv=ShuffleSplit(1, random_state=0), n_jobs=2, refit=False, error_score="raise"
    )
    search.fit(X[:200], Y[:200])
    assert (search.cv_results_["mean_test_score"] > 0.5).all()


def test_a_pickle_needs_no_run(digits_copy: Path) -> None:
    features = SparringFeatures(digits_copy, **ROWS).fit(X[:20])
    expected = features.transform(X[:5])
    shutil.rmtree(digits_copy)
    assert np.array_equal(pickle.loads(pickle.dumps(features)).transform(X[:5]), expected)


def test_all_layers_weigh_alike(digits_run: sparring.Run) -> None:
    """Their mean squares over the images of fit are the same, and those of rows 1; without it features are raw."""
    raw = SparringFeatures(digits_run.path, weigh_layers=False, **ROWS).fit_transform(X[:300])
    made = SparringFeatures(digits_run.path, **ROWS).fit_transform(X[:300])
    by_layer = digits_run.extractor().by_layer(digits_run.sample(1))
    ends = np.cumsum([layer.shape[1] for layer in by_layer])
    squares = [np.square(layer).mean(0).sum() for layer in np.split(made, ends[:-1], axis=1)]
    assert len(squares) > 1
    assert np.allclose(squares, 1 / len(squares), rtol=1e-3)
    assert np.allclose(made.mean(0), 0, atol=1e-5)
    ratios = (raw - raw.mean(0)).std(0)[: ends[0]] / np.maximum(made.std(0)[: ends[0]], 1e-12)
    used = made.std(0)[: ends[0]] > 1e-4
    assert np.allclose(ratios[used], ratios[used][0], rtol=1e-2)


def test_the_example_in_the_readme(digits_run: sparring.Run, tmp_path: Path, monkeypatch, capsys) -> None:
    """As it stands there, on a shorter run."""
    (example,) = (
        code for code in re.findall(r"```python\n(.*?)```", README.read_text(), re.S) if "load_digits" in code
    )
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "digits-auto").symlink_to(digits_run.path)
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(example, {"sp": sparring})
    assert float(capsys.readouterr().out) > 0.8


def test_the_features_of_a_run_that_is_there(digits_run: sparring.Run) -> None:
    as_they_are = {"weigh_layers": False}
    features = SparringFeatures(digits_run.path, **as_they_are, **ROWS).fit(X[:2])
    x = np.rint(X[:9] * (255 / 16)).astype(np.uint8).reshape(-1, 1, 8, 8)
    assert np.array_equal(features.transform(X[:9]), digits_run.features(x).numpy())
    for other in (x, x[:, 0], x.transpose(0, 2, 3, 1)):
        again = SparringFeatures(digits_run.path, **as_they_are).fit_transform(other)
        assert np.array_equal(again, features.transform(X[:9]))


@pytest.mark.parametrize(
    ("x", "changed", "why"),
    [
        (X, {"image_shape": None}, "holds no images"),
        (X, {"value_range": (0, 1)}, "values from 0 to 1"),
        (X / 16, {"value_range": (0, 255)}, r"say value_range=\(0, 1\)"),
        (X * 0, {"value_range": (0, 0)}, "black must lie below white"),
        (X[:, :9], {"image_shape": (3, 3)}, "this run needs"),
        (X[:, :9], {"image_shape": (3, 3), "weigh_layers": False}, "this run needs"),
        (np.full((2, 64), "a"), {}, "numbers"),
        (X[:0], {}, r"shape \(0, 64\) holds no images: at least one"),
    ],
)
def test_mistakes(digits_run: sparring.Run, x: np.ndarray, changed: dict, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        SparringFeatures(digits_run.path, **(ROWS | changed)).fit(x)


def test_what_is_scaled_otherwise_than_at_fit_is_refused_or_told(digits_run: sparring.Run, monkeypatch) -> None:
    monkeypatch.chdir(digits_run.path.parent)
    grey = np.rint(X[:20] * (255 / 16))
    features = SparringFeatures(digits_run.path.name, image_shape=(8, 8)).fit(grey)
    monkeypatch.chdir("/")
    assert features.transform(grey).shape[0] == 20
    assert features.n_features_in_ == 64
    with pytest.raises(UsageError, match=r"say value_range=\(0, 1\)"):
        features.transform(grey / 255)
    with pytest.warns(UserWarning, match="X reaches 16 of 255 grey levels, and 255 at fit"):
        features.transform(X[:20])


def test_dark_images_are_told(digits_run: sparring.Run) -> None:
    """Scikit-learn's digits are floats from 0 to 16."""
    said = r"X reaches 16, and 255 is white: all images are dark. If 16 is white, say value_range=\(0, 16\)"
    with pytest.warns(UserWarning, match=said):
        SparringFeatures(digits_run.path, image_shape=(8, 8)).fit(X[:20])


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no run"):
        SparringFeatures(tmp_path, **ROWS).fit(X)
