"""The transformer keeps scikit-learn's conventions, and its features are the run's."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

import sparring
from sparring import SparringFeatures, UsageError

X, Y = load_digits(return_X_y=True)
ROWS = {"image_shape": (8, 8), "value_range": (0, 16), "device": "cpu"}


def quick(**changed) -> SparringFeatures:
    settings = {"width": 4, "batch": 8, "best_every": 2}
    return SparringFeatures(recipe="dcgan", steps=2, settings=settings, **(ROWS | changed))


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


def test_the_features_of_a_run_that_is_there(digits_run: sparring.Run) -> None:
    features = SparringFeatures(digits_run.path, **ROWS).fit(X[:2])
    x = np.rint(X[:9] * (255 / 16)).astype(np.uint8).reshape(-1, 1, 8, 8)
    assert np.array_equal(features.transform(X[:9]), digits_run.features(x).numpy())
    for other in (x, x[:, 0], x.transpose(0, 2, 3, 1)):
        assert np.array_equal(SparringFeatures(digits_run.path).fit_transform(other), features.transform(X[:9]))


@pytest.mark.parametrize(
    ("x", "changed", "why"),
    [
        (X, {"image_shape": None}, "holds no images"),
        (X, {"value_range": (0, 1)}, "values from 0 to 1"),
        (X / 16, {"value_range": (0, 255)}, r"say value_range=\(0, 1\)"),
        (X * 0, {"value_range": (0, 0)}, "black must lie below white"),
        (X[:, :9], {"image_shape": (3, 3)}, "this run needs"),
        (np.full((2, 64), "a"), {}, "numbers"),
        (X[:0], {}, "values from"),
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


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no run"):
        SparringFeatures(tmp_path, **ROWS).fit(X)
