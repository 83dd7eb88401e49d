import numpy as np
import pytest

from sparring.diagnosis.history import NOT_FINITE, History
from sparring.diagnosis.symptoms import find_symptoms, missing
from sparring.metrics.balance import class_balance


def rows(figures, **entries):
    """Twenty measurements of a figure whose floor is 1, and other entries in each."""
    first = {"step": 0, "figure": figures[0], "real_figure": 1.0}
    return [first, *({"step": 100 * i, "figure": f, **entries} for i, f in enumerate(figures[1:], 1))]


def test_learned_counts_from_the_untrained_generator_to_real_examples():
    assert find_symptoms(History(rows([100.0] * 21)))["learned"] == 0
    halfway = find_symptoms(History(rows([100.0, *[10.0] * 20])))
    assert halfway["learned"] == halfway["kept"] == pytest.approx(0.5)
    assert find_symptoms(History(rows([100.0, *[1.0] * 20])))["learned"] == pytest.approx(1)
    lost = find_symptoms(History(rows([100.0, *[10.0] * 10, *[100.0] * 10])))
    assert lost["learned"] == pytest.approx(0.5)
    assert lost["kept"] == pytest.approx(0, abs=1e-12)
    assert lost["lost"] == pytest.approx(0.5)


def test_a_floor_above_the_untrained_generator_tells_nothing():
    figures = [{"step": 0, "figure": 20.0, "real_figure": 30.0}, {"step": 100, "figure": 40.0}]
    assert find_symptoms(History(figures)) == {"finite": 1.0}


@pytest.mark.parametrize("power", [-1.0, -0.5, 0.0, 0.5])
def test_a_power_law_goes_on_as_it_went(power):
    figures = [1e5, *(1e4 * np.arange(1, 21) ** power)]
    found = find_symptoms(History(rows(figures)))
    assert found["improving"] == pytest.approx(1 - 2**power, abs=1e-9)
    assert found["unsteady"] == pytest.approx(0, abs=1e-9) if power <= 0 else found["unsteady"] > 0.1


def test_ups_and_downs_are_unsteady():
    figures = [1e5, *(100 * np.exp(0.3 * (-1.0) ** np.arange(20)))]
    assert find_symptoms(History(rows(figures)))["unsteady"] == pytest.approx(0.3, rel=0.1)


def test_a_fall_however_sudden_is_steady():
    figures = [1e5, *np.repeat([1e4, 9e3, 30.0, 29.0], 5)]
    assert find_symptoms(History(rows(figures)))["unsteady"] == pytest.approx(0, abs=1e-12)
    figures[-3] = 90.0  # and back
    assert find_symptoms(History(rows(figures)))["unsteady"] > 0.1


def test_a_few_measurements_say_nothing_of_a_course():
    found = find_symptoms(History(rows([100.0, 50.0, 20.0])))
    assert "learned" in found
    assert not {"improving", "unsteady"} & set(found)
    assert find_symptoms(History([])) == {"finite": 1.0}


def test_late_values_are_medians_of_the_last_third_or_the_last_there_is():
    history = History([{"step": i, "a": float(i)} for i in range(1, 10)] + [{"step": 2, "b": 5.0}])
    assert history.late("a") == 7.5
    assert history.late("b") == 5
    assert np.isnan(history.late("c"))


def test_what_is_no_finite_number_is_not_there():
    history = History([{"step": 1, "a": float("nan")}, {"step": 2, "a": "x"}, {"step": 3, "a": 4.0}, {"a": 1.0}])
    steps, values = history.series("a")
    assert (steps.tolist(), values.tolist()) == ([3], [4])


def test_a_class_with_less_than_a_tenth_of_its_share_is_missing():
    history = History([{"step": 1, "class_0": 0.9, "class_1": 0.09, "class_2": 0.01}])
    assert missing(history, (0.4, 0.4, 0.2)) == [2]
    assert find_symptoms(history, (0.4, 0.4, 0.2))["classes"] == pytest.approx(2 / 3)


def test_a_class_is_missing_where_the_figures_say_so():
    """``class_balance`` has one definition for both."""
    real, fake = np.repeat([0, 1, 2, 3], [5000, 4000, 990, 10]), np.repeat([0, 1, 2], [1820, 161, 19])
    shares = np.bincount(fake, minlength=4) / len(fake)
    history = History([{"step": 1} | {f"class_{number}": share for number, share in enumerate(shares)}])
    known = tuple(np.bincount(real) / len(real))
    assert missing(history, known) == list(class_balance(real, fake, 4).missing) == [2]


def test_copies_are_measured_beside_new_examples():
    def seen(**entries):
        found = find_symptoms(History([{"step": 1, "sample_to_train": 0.6, "sample_copies": 0.1} | entries]))
        return found["to_train"], found.get("copies")

    assert seen(real_to_train=0.5, real_copies=0.04) == pytest.approx((1.2, 0.06))
    assert seen(real_to_train=1.5, real_copies=0.0) == (0.6, 0.1)  # the scatter of few examples
    assert seen() == (0.6, None)


def test_a_training_that_gave_up_is_known_by_its_last_line():
    assert find_symptoms(History([{"step": 5, NOT_FINITE: 1.0}]))["finite"] == 0
