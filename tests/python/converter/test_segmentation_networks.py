"""FCN and DeepLabv3 from torch to int8, measured with the oracle in the runtime's place."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from itrt import _core, load
from itrt.converter import convert, prepare
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.parity import ParityMeter
from itrt.format import Program, to_bytes
from itrt.nn import FCNVGG16, DeepLabV3ResNet50
from itrt.planner import allocate
from reference.networks import MEAN, STD, OracleModel, normalized, random_image, randomize_norms

IMAGES = [random_image(45, 67, seed=1), random_image(32, 64, seed=2)]  # one whose sizes are rounded at every stride


@pytest.fixture(
    scope="module",
    params=[
        (FCNVGG16, {"stride": 8}),
        (FCNVGG16, {"stride": 32}),
        (DeepLabV3ResNet50, {"output_stride": 16}),
    ],
    ids=lambda param: f"{param[0].__name__}-{next(iter(param[1].values()))}",
)
def network(request: pytest.FixtureRequest) -> nn.Module:
    """A narrow network; no weight or statistic is at its initial value."""
    make, arguments = request.param
    torch.manual_seed(0)
    made: nn.Module = make(5, width=4, **arguments)
    randomize_norms(made)
    for name, value in made.named_parameters():
        if name.startswith("score"):
            nn.init.normal_(value, std=0.2)
    return made.eval()


@pytest.fixture(scope="module")
def program(network: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Program:
    path = tmp_path_factory.mktemp("segmentation") / "a.itrt"
    return convert(network, path, calibration=IMAGES, mean=MEAN, std=STD, parity_images=0, classes=5).program


def test_segmentation_networks_convert(network: nn.Module, program: Program) -> None:
    prepared = prepare(network, calibration=IMAGES, mean=MEAN, std=STD)
    executor = FloatExecutor(prepared.float_graph())
    with torch.no_grad():
        for image in IMAGES:
            expected = network(normalized(image))
            (found,) = executor.run(image, 1, lambda *_: None)
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))

    assert not any("aux" in operator.name for operator in program.stem)
    meter = ParityMeter(OracleModel(program), executor, program, iterations=1)
    for image in IMAGES:
        meter.measure(image, None)
    report = meter.report()
    assert min(row.snr_db for row in report.tensors) > 20.0
    assert report.iterations[0].equal_labels > 0.95
    model = load(to_bytes(program))
    for image in IMAGES:
        assert torch.equal(prepared(normalized(image).double())[0][0].float(), torch.tensor(model.run(image).logits()))


@pytest.mark.parametrize("size", [(64, 96), (45, 67)])
def test_the_arena_is_hardly_more_than_what_lives_at_one_time(program: Program, size: tuple[int, int]) -> None:
    file = to_bytes(program)
    buffers = _core.plan.session_buffers(_core.Program(file), *size, [])
    pieces = [(begin, end, bytes_) for _, pieces in buffers for begin, end, _, bytes_ in pieces]
    assert load(file).arena_bytes(*size) <= 1.05 * allocate(pieces).lower_bound
