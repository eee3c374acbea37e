"""Claims about the figures of clips and frames, with numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from actrec.train.evaluation.classify import (
    accuracy,
    calibration_error,
    confusion,
    label_scores,
    macro,
    top_k,
)
from actrec.train.evaluation.intervals import bootstrap, rate_ceiling, wilson
from actrec.train.evaluation.ranking import average_precision, frame_map, precision_recall

TRUTH = np.array([0, 0, 0, 1, 1, 2])
SAID = np.array([0, 0, 1, 1, 2, 2])


def test_precision_recall_and_f1_are_those_of_the_confusion_matrix() -> None:
    matrix = confusion(TRUTH, SAID, 4)
    assert matrix.tolist() == [[2, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    first, second, third, nobody = label_scores(matrix)
    assert (first.precision, first.recall, first.f1) == (1.0, pytest.approx(2 / 3), pytest.approx(0.8))
    assert (second.precision, second.recall, second.f1) == (0.5, 0.5, 0.5)
    assert (third.precision, third.recall, third.f1) == (0.5, 1.0, pytest.approx(2 / 3))
    assert (nobody.precision, nobody.recall, nobody.f1, nobody.truth) == (0.0, 0.0, 0.0, 0)
    assert accuracy(matrix) == pytest.approx(4 / 6)


def test_macro_means_are_over_the_labels_that_truly_occur() -> None:
    precision, recall, f1 = macro(confusion(TRUTH, SAID, 4))
    assert precision == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert recall == pytest.approx((2 / 3 + 0.5 + 1) / 3)
    assert f1 == pytest.approx((0.8 + 0.5 + 2 / 3) / 3)


def test_top_k_counts_a_label_among_the_k_best() -> None:
    rows = np.array([[0.5, 0.3, 0.2], [0.1, 0.3, 0.6], [0.4, 0.4, 0.2]])
    truth = np.array([1, 2, 1])
    assert [top_k(rows, truth, k) for k in (1, 2, 3)] == [pytest.approx(1 / 3), 1.0, 1.0]


def test_calibration_error_is_the_weighted_gap_of_each_bin() -> None:
    rows = np.array([[0.95, 0.05], [0.95, 0.05], [0.65, 0.35], [0.65, 0.35]])
    truth = np.array([0, 1, 0, 0])
    # Two at 0.95, half right: a gap of 0.45; two at 0.65, all right: 0.35; each half of the rows.
    assert calibration_error(rows, truth, bins=10) == pytest.approx(0.40)
    assert calibration_error(np.array([[1.0, 0.0]]), np.array([0])) == 0.0


def test_wilson_intervals_are_those_of_the_textbook() -> None:
    # 8 of 10: (0.490, 0.943) in Newcombe 1998, table I, method 3, and its like.
    assert wilson(8, 10) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))
    low, high = wilson(20, 20)
    assert (low, high) == (pytest.approx(0.8389, abs=1e-4), pytest.approx(1.0))
    assert wilson(0, 0) == (0.0, 1.0)


def test_no_alarm_in_an_hour_still_allows_nearly_four() -> None:
    # The exact limits for 0 and 5 counts are 3.689 and 11.668.
    assert rate_ceiling(0, 1.0) == pytest.approx(3.689, rel=0.02)
    assert rate_ceiling(5, 2.0) == pytest.approx(11.668 / 2, rel=0.01)
    assert rate_ceiling(0, 0.0) == math.inf


def test_bootstrap_draws_whole_groups() -> None:
    right, wrong = np.array([[10, 0], [0, 10]]), np.array([[0, 10], [10, 0]])
    interval = bootstrap(np.stack([right, right, wrong, wrong]), accuracy)
    assert interval == (0.0, 1.0)
    assert bootstrap(np.stack([right] * 5), accuracy) == (1.0, 1.0)
    assert bootstrap(np.stack([right, wrong]), accuracy) is None


def test_average_precision_is_the_mean_precision_at_the_positives() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6])
    hit = np.array([True, False, True, False])
    assert average_precision(scores, hit) == pytest.approx((1 + 2 / 3) / 2)
    assert math.isnan(average_precision(scores, np.zeros(4, bool)))


def test_frames_of_one_score_share_a_rank_whatever_their_order() -> None:
    scores = np.full(4, 0.5)
    for hit in ([True, False, False, False], [False, False, False, True]):
        assert average_precision(scores, np.array(hit)) == pytest.approx(0.25)


def test_calibration_weighs_negatives_as_if_there_were_as_many_as_positives() -> None:
    # One positive, ranked second of five: 4 negatives, w = 4, so the precision there is 1 / (1 + 1/4).
    scores, hit = np.array([0.9, 0.8, 0.3, 0.2, 0.1]), np.array([False, True, False, False, False])
    assert average_precision(scores, hit) == pytest.approx(0.5)
    assert average_precision(scores, hit, calibrated=True) == pytest.approx(0.8)
    assert average_precision(scores, np.ones(5, bool), calibrated=True) == 1.0


def test_the_background_is_no_class_but_its_frames_are_negatives() -> None:
    scores = np.array([[0.1, 0.9, 0.0], [0.3, 0.7, 0.0], [0.2, 0.8, 0.0]])
    truth = np.array([[False, True, False], [False, True, False], [False, False, False]])
    mean, each = frame_map(scores, truth, classes=[1, 2])
    assert each == {1: pytest.approx((1 + 2 / 3) / 2)}
    assert mean == each[1]


def test_precision_and_recall_end_with_all_frames_said() -> None:
    precision, recall = precision_recall(np.array([0.9, 0.8, 0.8]), np.array([True, False, True]))
    assert precision.tolist() == [1.0, pytest.approx(2 / 3)]
    assert recall.tolist() == [0.5, 1.0]
