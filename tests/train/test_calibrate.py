import numpy as np
import pytest

from actrec.train.calibrate import fit_rules, fit_temperature
from actrec.train.measure import confusion, scores

NAMES = ("wave", "background")


def test_figures_of_a_confusion_matrix_made_by_hand() -> None:
    truth, said = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 0])
    matrix = confusion(truth, said, 4)
    assert matrix[:3, :3].tolist() == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]
    figures = scores(matrix)  # label 3 never occurs and does not count
    assert figures.accuracy == pytest.approx(4 / 6)
    assert figures.precision == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
    assert figures.recall == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert figures.f1 == pytest.approx((2 / 3 + 0.8 + 0) / 3)


def test_the_temperature_that_was_put_in_comes_out() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20000, 5)).astype(np.float32)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(5, p=row) for row in chances])
    assert fit_temperature(logits * 2.5, labels) == pytest.approx(2.5, rel=0.06)


def test_a_label_that_cries_wolf_gets_a_higher_threshold() -> None:
    labels = np.ones((1, 6000), np.int64)  # ten minutes in which nothing happens
    logits = np.zeros((1, 6000, 2), np.float32)
    logits[..., 1] = 4.0
    for start in range(100, 6000, 300):  # and twenty false scores of 0.73 that last two seconds
        logits[:, start : start + 20] = [1.0, 0.0]

    def threshold(false_alarms: float) -> float:
        rules = fit_rules(
            logits,
            labels,
            NAMES,
            "background",
            temperature=1.0,
            fps=10.0,
            smoothing_s=0.3,
            false_alarms=false_alarms,
        )
        assert set(rules) == {"wave"}
        assert rules["wave"].leave < rules["wave"].enter
        return rules["wave"].enter

    assert threshold(1000.0) == 0.5
    assert 0.7 < threshold(2.0) <= 0.76
