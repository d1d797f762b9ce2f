"""Lines through known points, and shares of equal labels."""

import numpy as np
import pytest

from itrt.bench.statistics import equal_share, fit_line
from itrt.errors import InvalidArgumentError


def test_a_known_line_is_found() -> None:
    line = fit_line([1, 2, 3, 8], [3 + 0.5 * count for count in (1, 2, 3, 8)])
    assert (line.intercept, line.slope) == (pytest.approx(3), pytest.approx(0.5))
    assert line.residual == pytest.approx(0, abs=1e-12)


def test_the_line_is_that_of_least_squares() -> None:
    line = fit_line([0, 1, 2], [0, 0, 3])
    assert (line.intercept, line.slope) == (pytest.approx(-0.5), pytest.approx(1.5))
    assert line.residual == pytest.approx(1.0)


@pytest.mark.parametrize(("counts", "values"), [([], []), ([4], [1.0]), ([4, 4], [1.0, 2.0]), ([1, 2], [1.0])])
def test_too_few_points(counts: list[int], values: list[float]) -> None:
    with pytest.raises(InvalidArgumentError, match="line: expected values at two or more different counts, found"):
        fit_line(counts, values)


def test_equal_labels_are_counted() -> None:
    labels = np.array([[0, 1, 2], [3, 4, 5]], np.uint8)
    others = labels.astype(np.int64)  # argmax of a peer
    assert equal_share(labels, others) == 1
    others[0, 0] = 7
    assert equal_share(labels, others) == pytest.approx(5 / 6)


def test_labels_of_another_size() -> None:
    with pytest.raises(InvalidArgumentError, match=r"labels: expected shape \(3, 2\), found \(2, 3\)"):
        equal_share(np.zeros((2, 3)), np.zeros((3, 2)))
