"""FCN and DeepLabv3 from torch to int8, measured with the oracle in the runtime's place."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from itrt import load
from itrt.converter import convert, prepare
from itrt.converter.float_executor import FloatExecutor
from itrt.converter.parity import ParityMeter
from itrt.format import to_bytes
from itrt.nn import FCNVGG16, DeepLabV3ResNet50
from reference.networks import MEAN, STD, OracleModel, normalized, random_image, randomize_norms

IMAGES = [random_image(45, 67, seed=1), random_image(32, 64, seed=2)]  # one whose sizes are rounded at every stride


@pytest.fixture(
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


def test_segmentation_networks_convert(network: nn.Module, tmp_path: Path) -> None:
    prepared = prepare(network, calibration=IMAGES, mean=MEAN, std=STD)
    executor = FloatExecutor(prepared.float_graph())
    with torch.no_grad():
        for image in IMAGES:
            expected = network(normalized(image))
            (found,) = executor.run(image, 1, lambda *_: None)
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))

    program = convert(
        network, tmp_path / "a.itrt", calibration=IMAGES, mean=MEAN, std=STD, parity_images=0, classes=5
    ).program
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
