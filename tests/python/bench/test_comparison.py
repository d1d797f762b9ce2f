"""A whole comparison, on a network of a few thousand weights and without any peer. No test minds how long it took."""

from pathlib import Path

import numpy as np
import pytest

import itrt
from itrt.bench.builders import itrt_model
from itrt.bench.comparison import Plan, compare
from itrt.bench.results import Comparison
from itrt.bench.runtimes import PEERS, Runtime, choose_peers
from itrt.bench.subject import Subject, untrained_itnet
from itrt.bench.workspace import Task
from itrt.errors import BenchmarkError, InvalidArgumentError
from itrt.nn import ItNetSettings

SIZES = ((32, 48), (48, 64))


@pytest.fixture(scope="module")
def subject() -> Subject:
    return untrained_itnet(
        ItNetSettings(channels=(8, 8, 8), stem_channels=8, iterations=2, batch_norm="shared"), SIZES[0], images=2
    )


@pytest.fixture(scope="module")
def comparison(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    plan = Plan(iterations=(1, 3), threads=(1, 2), sizes=SIZES, turns=1, calls=2, fit_up_to=3, fresh=1)
    absent = Runtime("Absent", "absent", ("no_such_module",), "no_builder", "no_runner")
    unbuildable = Runtime("Unbuildable", "numpy", ("json",), "no_such_builder", "no_runner")
    return compare(subject, plan, [absent, unbuildable], tmp_path_factory.mktemp("comparison"))


def test_every_combination_is_measured(comparison: Comparison) -> None:
    found = [(row.height, row.width, row.threads, row.iterations) for row in comparison.measurements]
    expected = {(*size, threads, count) for size in SIZES for threads in (1, 2) for count in (1, 3)}
    assert len(found) == len(expected)
    assert set(found) == expected
    for row in comparison.measurements:
        assert row.runtime == "itrt"
        assert 0 < row.minimum_milliseconds <= row.median_milliseconds
        assert row.ratio == row.equal_to_itrt == 1
        assert 0 < row.equal_to_float <= 1  # untrained, so that many pixels are nearly ties; trained: test_parity.py


def test_iterations_are_fitted(comparison: Comparison) -> None:
    assert [line.counts for line in comparison.iteration_times] == 4 * [(1, 3)]
    assert [(line.threads, line.counts) for line in comparison.itrt_lines] == [(1, (1, 2, 3)), (2, (1, 2, 3))]
    assert [answer.threads for answer in comparison.answers] == [1, 2]
    for line in comparison.iteration_times:
        assert line.nanoseconds_a_pixel == pytest.approx(1e6 * line.line.slope / (line.height * line.width))
    for answer, line in zip(comparison.answers, comparison.itrt_lines, strict=True):
        assert answer.share_of_iteration == pytest.approx(answer.milliseconds / line.line.slope)


def test_speedups_compare_threads(comparison: Comparison) -> None:
    speedups = comparison.speedups()
    assert speedups.keys() == {("itrt", *size, count) for size in SIZES for count in (1, 3)}
    times = {row.threads: row.median_milliseconds for row in comparison.measurements[:2] if row.iterations == 1}
    for row in comparison.measurements:
        if (row.height, row.width, row.iterations) == (*SIZES[0], 1):
            times[row.threads] = row.median_milliseconds
    assert speedups["itrt", *SIZES[0], 1] == pytest.approx(times[1] / times[2])


def test_new_processes_are_measured(comparison: Comparison) -> None:
    nothing, ours = comparison.starts
    assert (nothing.runtime, nothing.installed_bytes) == ("Python and numpy alone", None)
    assert ours.runtime == "itrt"
    assert ours.peak_bytes > nothing.peak_bytes > 1 << 20
    assert ours.milliseconds > 0
    assert ours.installed_bytes is not None
    assert ours.installed_bytes > Path(itrt.__file__).stat().st_size


def test_what_ran_is_named(comparison: Comparison) -> None:
    assert [(row.height, row.width) for row in comparison.executions] == list(SIZES)
    assert [row["operator"] for row in comparison.executions[0].kernels if row["fused into"]]
    assert 0 < comparison.executions[0].arena_bytes < comparison.executions[1].arena_bytes


def test_runtimes_that_are_missing_or_fail_are_named(comparison: Comparison) -> None:
    assert comparison.skipped["Absent"] == "not installed: no_such_module"
    assert comparison.skipped["Unbuildable"].startswith("not built: ModuleNotFoundError: ")


def test_a_peer_is_measured_beside_itrt(subject: Subject, tmp_path: Path) -> None:
    """The one that is there wherever the tests run: the network itself, in float."""
    plan = Plan(iterations=(1, 2), threads=(1,), sizes=SIZES[:1], turns=1, calls=1, fit_up_to=1, fresh=1)
    found = compare(subject, plan, choose_peers(["PyTorch, float32"]), tmp_path)
    ours, theirs = ([row for row in found.measurements if row.runtime == name] for name in ("itrt", "PyTorch, float32"))
    assert [row.iterations for row in theirs] == [1, 2]
    for own, peer in zip(ours, theirs, strict=True):
        assert peer.ratio == pytest.approx(peer.median_milliseconds / own.median_milliseconds)
        assert peer.equal_to_float > 0.999  # normalization is folded: a nearly equal pair of logits may turn
        assert peer.equal_to_itrt == pytest.approx(own.equal_to_float, abs=0.001)
    assert {line.runtime for line in found.iteration_times} == {"itrt", "PyTorch, float32"}
    assert [start.runtime for start in found.starts][1:] == ["itrt", "PyTorch, float32"]
    assert not found.skipped
    assert not found.itrt_lines  # fit_up_to is 1


def test_float_labels_are_those_of_the_network(subject: Subject) -> None:
    labels = subject.float_labels(SIZES[1], 2)
    assert labels.shape == SIZES[1]
    assert labels.dtype == np.uint8
    assert not np.array_equal(labels, subject.float_labels(SIZES[1], 1))


def test_the_untrained_network_is_always_the_same() -> None:
    settings = ItNetSettings(channels=(8, 8, 8), stem_channels=8, iterations=2, batch_norm="shared")
    one, same = (untrained_itnet(settings, (16, 24), images=1) for _ in range(2))
    assert one.fingerprint() == same.fingerprint()
    assert one.fingerprint() != untrained_itnet(settings, (16, 24), images=2).fingerprint()
    np.testing.assert_array_equal(one.image, same.image)


def test_a_model_is_built_once(subject: Subject, tmp_path: Path) -> None:
    calls: list[Path] = []

    def build(directory: Path) -> None:
        calls.append(directory)
        (directory / "model").write_text("built")

    task = Task(subject, SIZES[0], 1, tmp_path, "1.0")
    assert (task.built("peer", build) / "model").read_text() == "built"
    assert task.built("peer", build) == task.built("peer", build)
    assert len(calls) == 1
    assert Task(subject, SIZES[1], 1, tmp_path, "1.0").built("peer", build) != task.built("peer", build)
    assert Task(subject, SIZES[0], 1, tmp_path, "1.1").built("peer", build) != task.built("peer", build)
    assert len(calls) == 3


def test_another_network_in_the_same_directory_is_converted_anew(subject: Subject, tmp_path: Path) -> None:
    settings = ItNetSettings(channels=(8, 8, 8), stem_channels=8, iterations=2, batch_norm="shared")
    other = untrained_itnet(settings, SIZES[0], images=1)
    first, again, second = (
        itrt_model.build(Task(of, SIZES[0], iterations, tmp_path))["model"]
        for of, iterations in ((subject, 1), (subject, 2), (other, 1))
    )
    assert first == again
    assert Path(first).read_bytes() != Path(second).read_bytes()


def test_a_build_that_fails_leaves_nothing(subject: Subject, tmp_path: Path) -> None:
    def build(directory: Path) -> None:
        (directory / "half").write_text("half")
        raise BenchmarkError("enough")

    task = Task(subject, SIZES[0], 1, tmp_path)
    with pytest.raises(BenchmarkError, match="enough"):
        task.built("peer", build)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_too_many_iterations(tmp_path: Path) -> None:
    settings = ItNetSettings(channels=(8, 8, 8), stem_channels=8, iterations=2)
    limited = untrained_itnet(settings, SIZES[0], images=1)
    with pytest.raises(InvalidArgumentError, match="expected 1 to 2, found 3"):
        compare(limited, Plan((1, 3), (1,), SIZES[:1]), PEERS, tmp_path)
