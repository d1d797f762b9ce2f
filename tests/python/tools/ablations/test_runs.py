"""Runs: an interruption changes nothing, two processes do not train one run, what is of another run is refused."""

import fcntl
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from ablations.images import SeriesData, load_series_data, reduced
from ablations.results import Request, read_result
from ablations.runs import Series
from ablations.variants import BASE, Budget, Variant
from itrt.errors import InvalidArgumentError
from itrt.train import EpochReport, ImageSet, StepReport, synthetic_data

SHORT = Variant("short", {"iterations": 2})  # of fewer iterations: what takes longest is the export for its graph
BUDGET = Budget(epochs=3, crop=(32, 48), channels=(8, 8, 8), reduction=1)


class StoppedError(Exception):
    pass


@pytest.fixture(scope="module")
def data() -> SeriesData:
    return SeriesData("drawn", (), synthetic_data(train=4, validation=2, height=48, width=64), 48, 64)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def ignore(report: StepReport | EpochReport) -> None:
    """Show nothing."""


def test_an_interrupted_run_ends_as_another(data: SeriesData, tmp_path: Path) -> None:
    plain = Series(BUDGET, data, tmp_path / "plain", tmp_path / "plain-results")
    request = plain.request(SHORT, 5)
    expected = plain.execute(request, ignore)
    assert expected is not None

    def interrupt(report: StepReport | EpochReport) -> None:
        if isinstance(report, EpochReport) and report.epoch == 2:
            raise StoppedError

    series = Series(BUDGET, data, tmp_path / "work", tmp_path / "results")
    with pytest.raises(StoppedError):
        series.execute(request, interrupt)
    assert not (tmp_path / "results").exists()
    epochs = []
    found = series.execute(request, lambda report: epochs.append(report.epoch))
    assert found is not None
    assert set(epochs) == {3}
    assert found.mean_iou == expected.mean_iou
    assert len(found.mean_iou) == 2
    assert found.graph == expected.graph
    assert found.cpu_seconds > 0
    assert set(json.loads((tmp_path / "work/short-5/cpu_seconds.json").read_text())) == {"1", "2", "3"}
    assert read_result(tmp_path / "results/short-5.json") == found


def test_a_variant_is_trained_as_it_says(data: SeriesData, tmp_path: Path) -> None:
    series = Series(BUDGET, data, tmp_path / "work", tmp_path / "results")
    base = series.request(BASE, 0)
    assert base.network.channels == (8, 8, 8)
    assert base.recipe.epochs == 3
    last = series.request(Variant("last", {"iterations": 2}, {"iteration_weights": (0.0, 1.0)}), 1)
    assert (last.network.iterations, last.recipe.iteration_weights, last.recipe.seed) == (2, (0.0, 1.0), 1)
    found = series.execute(last, ignore)
    assert found is not None
    assert len(found.mean_iou) == found.graph["iterations"] == 2


def test_a_run_of_another_process_is_left_to_it(data: SeriesData, tmp_path: Path) -> None:
    series = Series(BUDGET, data, tmp_path / "work", tmp_path / "results")
    request = series.request(BASE, 0)
    directory = tmp_path / "work" / request.name
    directory.mkdir(parents=True)
    with (directory / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert series.execute(request, ignore) is None
    assert not (tmp_path / "results").exists()


def test_the_checkpoint_of_another_run_is_refused(data: SeriesData, tmp_path: Path) -> None:
    def interrupt(report: StepReport | EpochReport) -> None:
        raise StoppedError

    first = Series(BUDGET, data, tmp_path / "work", tmp_path / "results")
    with pytest.raises(StoppedError):
        first.execute(first.request(BASE, 0), interrupt)
    other = SeriesData("photographed", (), data.images, 48, 64)
    second = Series(BUDGET, other, tmp_path / "work", tmp_path / "results")
    with pytest.raises(InvalidArgumentError, match=r"expected .* data\.title = photographed, .* data\.title = drawn"):
        second.execute(second.request(BASE, 0), ignore)


def test_a_foreign_file_is_told(data: SeriesData, tmp_path: Path) -> None:
    series = Series(BUDGET, data, tmp_path / "work", tmp_path)
    request: Request = series.request(BASE, 0)
    (tmp_path / "base-0.json").write_text('{"request": {}}')
    with pytest.raises(InvalidArgumentError, match=r"base-0\.json: expected a run of tools/ablate\.py"):
        series.execute(request, ignore)


def test_images_are_averaged_and_labels_are_not() -> None:
    image = np.zeros((5, 7, 3), np.uint8)
    image[0:2, 2:4, 1] = [[10, 20], [30, 40]]
    label = np.arange(35, dtype=np.uint8).reshape(5, 7)
    found = reduced(ImageSet([image], [label], ["A_1.png"]), 2)
    assert found.images[0].shape == (2, 3, 3)
    assert found.images[0][0, 1].tolist() == [0, 25, 0]
    assert int(found.images[0].sum()) == 25
    assert found.labels[0].tolist() == [[8, 10, 12], [22, 24, 26]]
    assert found.names == ["A_1.png"]


def test_drawn_scenes_are_measured_on_other_streets(monkeypatch: pytest.MonkeyPatch) -> None:
    few = synthetic_data(train=2, validation=1, height=50, width=64)
    monkeypatch.setattr("ablations.images.load_data", lambda data, dataset: few)
    found = load_series_data("synthetic", None, ["0001TP"], 4)
    assert (found.title, found.left_out, found.height, found.width) == ("drawn street scenes", (), 12, 16)
    assert (len(found.images.train), len(found.images.validation)) == (2, 1)
    with pytest.raises(InvalidArgumentError, match="reduction: expected at least 1, found 0"):
        Budget(reduction=0)
