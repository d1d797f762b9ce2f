"""The whole conversion, measured with the oracle in the runtime's place."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from itrt.converter.calibration import Calibrator
from itrt.converter.convert import Conversion, convert, float_graph
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.float_graph import FloatGraph
from itrt.converter.parity import ParityMeter, ParityReport
from itrt.converter.quantization import quantize_graph
from itrt.errors import InvalidArgumentError
from itrt.format import Add, Convolution, Program, read, to_bytes
from reference.executor import execute
from reference.loops import Refiner
from reference.networks import MEAN, STD, OracleModel, random_image, small_itnet, tiny_network

CLASSES = ("sky", "road", "tree", "car", "sign")
IMAGES = [random_image(48, 64, seed=1), random_image(45, 61, seed=2), random_image(64, 40, seed=3)]


def to_int8(network: nn.Module, path: Path, **changes: object) -> Conversion:
    """Convert without the runtime (no parity report)."""
    arguments = {
        "calibration": iter(IMAGES),
        "mean": MEAN,
        "std": STD,
        "classes": CLASSES,
        "parity_images": 0,
    }
    return convert(network, path, **{**arguments, **changes})  # type: ignore[arg-type]


def captured_and_converted(network: nn.Module, path: Path, **changes: object) -> tuple[FloatGraph, Conversion]:
    """Convert, and return beside it what int8 is compared with: one capture for both, since it takes seconds."""
    graph = float_graph(network, MEAN, STD)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("itrt.converter.convert"), "float_graph", lambda *arguments: graph)
        return graph, to_int8(network, path, **changes)


def oracle_report(graph: FloatGraph, program: Program, iterations: int) -> ParityReport:
    executor = FloatExecutor(graph)
    meter = ParityMeter(OracleModel(program), executor, program, iterations)
    for image in IMAGES:
        meter.measure(image, np.zeros(image.shape[:2], np.uint8))
    return meter.report()


def lowest_snr(report: ParityReport, tensor: str | None = None) -> float:
    return min(row.snr_db for row in report.tensors if tensor in (None, row.tensor))


@pytest.fixture(scope="module")
def itnet(tmp_path_factory: pytest.TempPathFactory) -> tuple[FloatGraph, Conversion]:
    path = tmp_path_factory.mktemp("converted") / "small.itrt"
    return captured_and_converted(small_itnet(), path, metadata={"origin": "a test"})


def test_the_file_holds_the_program(itnet: tuple[FloatGraph, Conversion]) -> None:
    conversion = itnet[1]
    assert to_bytes(read(conversion.path)) == conversion.path.read_bytes() == to_bytes(conversion.program)
    program = conversion.program
    assert program.name == "small"
    assert (program.iterations, program.max_iterations) == (2, 2)
    assert program.preprocessing.mean == MEAN
    assert program.metadata == {"origin": "a test", "observer": "mse"}
    assert len(program.palette) == len(program.classes) == 5
    image = program.tensors[program.image]
    assert (image.scale, image.zero_points) == (1.0, tuple(round(255 * mean) for mean in MEAN))


def test_one_set_of_weights_and_vectors_by_step(itnet: tuple[FloatGraph, Conversion]) -> None:
    program = itnet[1].program
    convolutions = [operator for operator in program.block if isinstance(operator, Convolution)]
    assert len(convolutions) == 8
    for operator in convolutions:
        assert all(len(term.weight.values) == 1 for term in operator.terms)
        assert len(operator.bias.values) == len(operator.scale.values) == 2
        assert any((scale < 0).any() for scale in operator.scale.values)  # negative gains
        assert operator.clamp[1] == 255


def test_only_the_features_term_is_loop_invariant(itnet: tuple[FloatGraph, Conversion]) -> None:
    program = itnet[1].program
    marked = {
        (operator.name, program.tensors[term.input].name)
        for operator in (*program.stem, *program.block, *program.head)
        if isinstance(operator, Convolution)
        for term in operator.terms
        if term.loop_invariant
    }
    assert marked == {("block.join", "stem.stem_quarter")}


def test_states_share_scale_and_relus_start_at_zero(itnet: tuple[FloatGraph, Conversion]) -> None:
    program = itnet[1].program
    assert program.state is not None
    assert program.next_state is not None
    state, next_state = program.tensors[program.state], program.tensors[program.next_state]
    assert (state.scale, state.zero_points) == (next_state.scale, next_state.zero_points) == (state.scale, (0,))
    first_state = program.stem[-1]
    assert isinstance(first_state, Add)
    assert (first_state.output, len(first_state.inputs)) == (program.state, 1)


def test_int8_is_close_to_float(itnet: tuple[FloatGraph, Conversion]) -> None:
    graph, conversion = itnet
    report = oracle_report(graph, conversion.program, iterations=2)
    assert report.images == 3
    assert lowest_snr(report) > 20.0
    assert lowest_snr(report, "head.classifier") > 25.0
    for row in report.iterations:
        assert row.equal_labels > 0.95
        assert row.float_miou == pytest.approx(row.int8_miou, abs=0.03)
    assert len(report.tensors) == 3 + 2 * 13  # 3 in the stem; 12 in the block and the logits in each iteration


def test_a_context_block_converts_to_sums_of_terms(tmp_path: Path) -> None:
    network = small_itnet(block="context", stem_convolutions=1, dilations=(2, 4))
    graph, conversion = captured_and_converted(network, tmp_path / "context.itrt")
    program = conversion.program
    convolutions = [operator for operator in program.block if isinstance(operator, Convolution)]
    assert len(convolutions) == 7
    assert [len(operator.terms) for operator in convolutions] == [2, 1, 1, 1, 1, 1, 1]
    report = oracle_report(graph, program, iterations=2)
    assert lowest_snr(report, "head.classifier") > 15.0
    assert all(row.equal_labels > 0.9 for row in report.iterations)


def test_a_detail_block_converts_with_a_residual_unit_more(tmp_path: Path) -> None:
    network = small_itnet(block="detail", dilations=(2,))
    graph, conversion = captured_and_converted(network, tmp_path / "detail.itrt")
    program = conversion.program
    kinds = [type(operator) for operator in program.block]
    assert kinds.count(Convolution) == 7
    assert kinds[-2:] == [Convolution, Add]
    report = oracle_report(graph, program, iterations=2)
    assert lowest_snr(report, "head.classifier") > 15.0
    assert all(row.equal_labels > 0.9 for row in report.iterations)


def test_converting_again_gives_the_same_bytes(tmp_path: Path) -> None:
    network = tiny_network(2, norms=2)
    first, second = (to_int8(network, tmp_path / name, name="tiny").path for name in ("first.itrt", "second.itrt"))
    assert first.read_bytes() == second.read_bytes()


def test_unrolled_weights_have_a_scale_for_each_step() -> None:
    graph = float_graph(small_itnet(share_weights=False), MEAN, STD)
    calibrator = Calibrator(graph, FloatExecutor(graph), "mse")
    for image in IMAGES:
        calibrator.observe(image)
    quantized = quantize_graph(graph, calibrator.ranges())
    for operator in quantized.block:
        if isinstance(operator, Convolution):
            assert all(len(term.weight.values) == 2 and not term.loop_invariant for term in operator.terms)
            assert len(operator.scale.values) == 2


def test_a_network_of_ones_own(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = Refiner()
    graph, conversion = captured_and_converted(network, tmp_path / "refiner.itrt", classes=CLASSES[:4])
    program = conversion.program
    assert program.max_iterations == 2
    report = oracle_report(graph, program, iterations=2)
    assert lowest_snr(report, "head.head") > 25.0
    mix = next(operator for operator in program.block if isinstance(operator, Convolution) and len(operator.terms) == 2)
    assert [program.tensors[term.input].name for term in mix.terms] == ["stem.0", "block.convolution"]


def test_a_plain_module(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU6(), nn.Conv2d(16, 16, 3, padding=1, groups=4), nn.ReLU())
    network.append(nn.Conv2d(16, 3, 1))
    program = to_int8(network, tmp_path / "plain.itrt", classes=CLASSES[:3]).program
    assert (program.state, program.next_state, program.block, program.head) == (None, None, (), ())
    assert (program.iterations, program.max_iterations) == (1, 1)
    report = oracle_report(float_graph(network, MEAN, STD), program, iterations=1)
    assert lowest_snr(report) > 30.0
    assert {row.step for row in report.tensors} == {None}


def test_the_rounded_mean_is_made_up_for_exactly(tmp_path: Path) -> None:
    """A 1x1 convolution on a constant image: without the correction it would be off by several steps."""
    network = nn.Conv2d(3, 2, 1)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[3.0, 2.0, -1.0], [1.0, 1.0, 4.0]])[:, :, None, None])
    mean, std = (100.49 / 255, 0.5, 0.3), (0.01, 0.02, 0.03)  # 100.49: the zero point 100 is half a step away
    image = np.full((4, 5, 3), 110, np.uint8)
    calibration = [image, np.zeros_like(image)]
    program = to_int8(
        network, tmp_path / "mean.itrt", classes=CLASSES[:2], mean=mean, std=std, calibration=calibration
    ).program
    normalized = (110 / 255 - np.array(mean)) / np.array(std)
    expected = network(torch.from_numpy(normalized).float().view(1, 3, 1, 1)).detach().numpy().ravel()
    logits = program.tensors[program.logits]
    found = (execute(program, image, 1).logits[0][0, 0] - float(logits.zero_points[0])) * logits.scale
    assert np.abs(found - expected).max() < logits.scale


def test_inputs_of_very_different_weights_are_noted() -> None:
    class TwoInputs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 4, 1)
            self.second = nn.Conv2d(3, 4, 1)
            self.sum = nn.Conv2d(8, 2, 1)

        def forward(self, image: Tensor) -> Tensor:
            return self.sum(torch.cat((self.first(image), self.second(image)), dim=1))

    torch.manual_seed(0)
    network = TwoInputs()
    with torch.no_grad():
        network.sum.weight[0, 4:] *= 1e-4
    graph = float_graph(network, MEAN, STD)
    notes = quantize_graph(graph, {name: (-1.0, 1.0) for name in graph.tensors if name != graph.image}).notes
    assert notes == (
        "stem.sum: the weights of its inputs stem.first, stem.second differ in range by more than "
        "a factor of 32 in 1 of 2 output channels",
    )


def test_a_generator_is_enough_and_is_read_once(tmp_path: Path) -> None:
    seen = []

    def images() -> Iterator[NDArray[np.uint8]]:
        for index, image in enumerate(IMAGES):
            seen.append(index)
            yield image

    stages: list[tuple[str, int, int | None]] = []
    to_int8(
        nn.Conv2d(3, 2, 1),
        tmp_path / "a.itrt",
        classes=CLASSES[:2],
        calibration=images(),
        progress=lambda *report: stages.append(report),
    )
    assert seen == [0, 1, 2]
    assert stages == [("capture", 0, 1), ("capture", 1, 1)] + [("calibrate", done, None) for done in (1, 2, 3)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"calibration": []}, "calibration: expected at least one image"),
        ({"calibration": [IMAGES[0].astype(np.float32)]}, r"calibration image 0: expected a uint8 array .* float32"),
        ({"calibration": [IMAGES[0][:, :, 0]]}, r"calibration image 0: .* found uint8 \(48, 64\)"),
        ({"calibration": [IMAGES[0], "street.png"]}, "calibration image 1: .* found str"),
        ({"calibration": [IMAGES[0][:0]]}, r"calibration image 0: .* found uint8 \(0, 64, 3\)"),
        ({"mean": (0.5, 0.5)}, "mean: expected 3 finite numbers"),
        ({"mean": (120.0, 110.0, 100.0)}, r"mean: expected numbers on the 0\.\.1 scale"),
        ({"std": (0.5, 0.0, 0.5)}, "std: expected positive numbers"),
        ({"std": (0.5, float("nan"), 0.5)}, "std: expected 3 finite numbers"),
        ({"classes": ["a", "b", "c"]}, "classes: expected 2 names, as many as logits, found 3"),
        ({"classes": "ab"}, "classes: expected a sequence of names or a number, found 'ab'"),
        ({"classes": []}, "classes: expected 1 to 65536 names, found 0"),
        ({"palette": [(0, 0, 0)]}, "palette: expected 2 colors, one a class, found 1"),
        ({"palette": [(0, 0, 0), (0, 0, 256)]}, r"palette: expected colors of three numbers 0\.\.255"),
        ({"observer": "entropy"}, "observer: expected one of minmax, percentile, mse, found 'entropy'"),
        ({"labels": []}, "labels: expected one for each calibration image, found 0"),
        ({"labels": [np.zeros((3, 4), np.uint8)]}, r"labels 0: expected integers \(48, 64\), found uint8 \(3, 4\)"),
        ({"labels": [np.zeros((48, 64))]}, "labels 0: expected integers .* found float64"),
    ],
)
def test_wrong_arguments_are_explained_and_leave_no_file(
    changes: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        to_int8(nn.Conv2d(3, 2, 1), tmp_path / "a.itrt", **{"classes": ["a", "b"], **changes})  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_image_in_the_middle_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="calibration image 3"):
        to_int8(nn.Conv2d(3, 2, 1), tmp_path / "a.itrt", classes=CLASSES[:2], calibration=[*IMAGES, IMAGES[0][0]])
    assert list(tmp_path.iterdir()) == []
