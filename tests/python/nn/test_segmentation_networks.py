"""FCN and DeepLabv3: names of parameters, sizes, dilations, upsampling, weights of classifiers of images, export."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from itrt.errors import CheckpointError, InvalidArgumentError
from itrt.nn import FCNVGG16, DeepLabV3ResNet50, FCNResNet50
from itrt.nn.upsampling import bilinear_upsampling, crop_to
from itrt.nn.vgg import stages

Shapes = dict[str, tuple[int, ...]]


def shapes(network: nn.Module) -> Shapes:
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


def on_meta(make: Callable[..., nn.Module], **arguments: Any) -> nn.Module:
    """A network of the papers' width, without memory for its weights."""
    with torch.device("meta"):
        return make(**arguments)


def norm(name: str, channels: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for value in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{value}", (channels,)
    yield f"{name}.num_batches_tracked", ()


def resnet50_shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    """The state dict of torchvision's ``resnet50`` without ``fc``: arXiv 1512.03385, table 1."""
    yield "conv1.weight", (64, 3, 7, 7)
    yield from norm("bn1", 64)
    inputs = 64
    for stage, (units, width) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)], 1):
        for unit in range(units):
            place = f"layer{stage}.{unit}"
            for number, shape in enumerate([(width, inputs, 1, 1), (width, width, 3, 3), (4 * width, width, 1, 1)], 1):
                yield f"{place}.conv{number}.weight", shape
                yield from norm(f"{place}.bn{number}", shape[0])
            if unit == 0:
                yield f"{place}.downsample.0.weight", (4 * width, inputs, 1, 1)
                yield from norm(f"{place}.downsample.1", 4 * width)
            inputs = 4 * width


def fcn_head_shapes(name: str, inputs: int, classes: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.0.weight", (inputs // 4, inputs, 3, 3)
    yield from norm(f"{name}.1", inputs // 4)
    yield f"{name}.4.weight", (classes, inputs // 4, 1, 1)
    yield f"{name}.4.bias", (classes,)


def deeplab_head_shapes(classes: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for branch, (place, kernel) in enumerate([(0, 1), (0, 3), (0, 3), (0, 3), (1, 1)]):  # a pooling is before the last
        yield f"classifier.0.convs.{branch}.{place}.weight", (256, 2048, kernel, kernel)
        yield from norm(f"classifier.0.convs.{branch}.{place + 1}", 256)
    yield "classifier.0.project.0.weight", (256, 1280, 1, 1)
    yield from norm("classifier.0.project.1", 256)
    yield "classifier.1.weight", (256, 256, 3, 3)
    yield from norm("classifier.2", 256)
    yield "classifier.4.weight", (classes, 256, 1, 1)
    yield "classifier.4.bias", (classes,)


@pytest.mark.parametrize(
    ("make", "head", "parameters"),
    [
        # The last column: num_params of torchvision's COCO_WITH_VOC_LABELS_V1 weights.
        (DeepLabV3ResNet50, list(deeplab_head_shapes(21)), 42_004_074),
        (FCNResNet50, list(fcn_head_shapes("classifier", 2048, 21)), 35_322_218),
    ],
)
def test_networks_on_resnet_have_the_state_dict_of_torchvisions(
    make: Callable[..., nn.Module], head: list[tuple[str, tuple[int, ...]]], parameters: int
) -> None:
    network = on_meta(make)
    backbone = [(f"backbone.{name}", shape) for name, shape in resnet50_shapes()]
    auxiliary = list(fcn_head_shapes("aux_classifier", 1024, 21))
    assert list(shapes(network).items()) == backbone + head + auxiliary
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_fcn_has_the_names_of_vgg() -> None:
    found = shapes(on_meta(FCNVGG16))
    places = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
    channels = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    inputs = 3
    for place, outputs in zip(places, channels, strict=True):
        assert found.pop(f"features.{place}.weight") == (outputs, inputs, 3, 3)
        assert found.pop(f"features.{place}.bias") == (outputs,)
        inputs = outputs
    assert found.pop("classifier.0.weight") == (4096, 512, 7, 7)
    assert found.pop("classifier.3.weight") == (4096, 4096, 1, 1)
    assert found.pop("classifier.0.bias") == found.pop("classifier.3.bias") == (4096,)
    assert found == {
        "score.weight": (21, 4096, 1, 1),
        "score.bias": (21,),
        "upscore.weight": (21, 21, 4, 4),
        "score_pool4.weight": (21, 512, 1, 1),
        "score_pool4.bias": (21,),
        "upscore_pool4.weight": (21, 21, 4, 4),
        "score_pool3.weight": (21, 256, 1, 1),
        "score_pool3.bias": (21,),
        "upscore_image.weight": (21, 1, 16, 16),
    }


def randomized(network: nn.Module) -> Any:
    """The network in evaluation mode, no weight and no statistic at its initial value."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.ndim == 1 or name.startswith("score"):
                value.copy_(torch.rand(value.shape, generator=generator) + 0.3)
    return network.eval()


def narrow(make: Callable[..., nn.Module], **arguments: Any) -> Any:
    torch.manual_seed(0)
    return randomized(make(classes=5, width=2, **arguments))


NETWORKS = [
    *((FCNVGG16, {"stride": stride}, stride) for stride in (8, 16, 32)),
    *((FCNResNet50, {"output_stride": stride}, stride) for stride in (8, 16, 32)),
    *((DeepLabV3ResNet50, {"output_stride": stride}, stride) for stride in (8, 16)),
]
IDS = [f"{make.__name__}-{stride}" for make, _, stride in NETWORKS]


@pytest.mark.parametrize(("make", "arguments", "stride"), NETWORKS, ids=IDS)
def test_logits_are_at_the_stride_rounded_up_for_any_size(
    make: Callable[..., nn.Module], arguments: dict[str, int], stride: int
) -> None:
    network = narrow(make, **arguments)
    for height, width in [(64, 96), (61, 83), (33, 1)]:
        with torch.no_grad():
            image = torch.rand(1, 3, height, width)
            assert network(image).shape == (1, 5, -(-height // stride), -(-width // stride))
            assert {values.shape for values in network.outputs(image).values()} == {(1, 5, height, width)}


@pytest.mark.parametrize("make", [FCNResNet50, DeepLabV3ResNet50])
def test_outputs_are_the_logits_at_the_images_size(make: Callable[..., nn.Module]) -> None:
    network = narrow(make)
    image = torch.rand(1, 3, 41, 57)
    with torch.no_grad():
        outputs = network.outputs(image)
        expected = functional.interpolate(network(image), size=(41, 57), mode="bilinear", align_corners=False)
    assert list(outputs) == ["out", "aux"]
    assert outputs["out"].equal(expected)
    assert list(narrow(make, auxiliary=False).outputs(image)) == ["out"]


def dilations(network: nn.Module) -> list[tuple[int, ...]]:
    """(stride, dilation) of the 3x3 convolutions of the last two stages' first two units, and the pyramid's rates."""
    units = [network.get_submodule(f"backbone.layer{stage}.{unit}.conv2") for stage in (3, 4) for unit in (0, 1)]
    rates = [
        module.dilation[0]
        for module in network.classifier.modules()
        if getattr(module, "dilation", 1) not in (1, (1, 1))
    ]
    return [(unit.stride[0], unit.dilation[0]) for unit in units] + [tuple(rates)]


@pytest.mark.parametrize(
    ("output_stride", "expected"),
    [
        (8, [(1, 1), (1, 2), (1, 2), (1, 4), (12, 24, 36)]),
        (16, [(2, 1), (1, 1), (1, 1), (1, 2), (6, 12, 18)]),
    ],
)
def test_dilations_follow_the_output_stride(output_stride: int, expected: list[tuple[int, ...]]) -> None:
    assert dilations(on_meta(DeepLabV3ResNet50, output_stride=output_stride)) == expected
    other = on_meta(DeepLabV3ResNet50, output_stride=output_stride, rates=(2, 3))
    assert dilations(other) == [*expected[:4], (2, 3)]


def test_dilation_sees_what_the_stride_saw() -> None:
    """With the same weights, a network of output stride 8 has at every second pixel what one of stride 16 has."""
    coarse = narrow(FCNResNet50, output_stride=16).backbone
    fine = narrow(FCNResNet50, output_stride=8).backbone
    fine.load_state_dict(coarse.state_dict())
    image = torch.rand(1, 3, 97, 129)
    with torch.no_grad():
        torch.testing.assert_close(fine(image)[0][:, :, ::2, ::2], coarse(image)[0])


@pytest.mark.parametrize("factor", [2, 8, 16, 32])
def test_transposed_convolutions_start_as_bilinear_interpolation(factor: int) -> None:
    x = torch.randn(1, 3, 6, 5, generator=torch.Generator().manual_seed(0))
    expected = functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    for learned in (True, False):
        layer = bilinear_upsampling(3, factor, learned=learned)
        assert layer.weight.requires_grad == learned
        found = layer(x)
        inside = (..., slice(factor // 2, -factor // 2), slice(factor // 2, -factor // 2))
        torch.testing.assert_close(found[inside], expected[inside])
        assert found.argmax(dim=1).equal(expected.argmax(dim=1))


@pytest.mark.parametrize("size", range(1, 40))
def test_cropping_drops_the_row_without_a_partner(size: int) -> None:
    doubled = 2 * -(-size // 2)
    x = torch.randn(1, 2, doubled, doubled + 2)
    assert crop_to(x, torch.zeros(1, 1, size, doubled + 2)).equal(x[:, :, :size])


@pytest.mark.parametrize("size", [(64, 96), (61, 83), (33, 34)])
def test_fcn_8s_is_a_sum_of_three_scores(size: tuple[int, int]) -> None:
    network = narrow(FCNVGG16)
    image = torch.rand(1, 3, *size)
    with torch.no_grad():
        *_, third, fourth, fifth = stages(network.features, image)
        scores = network.score(network.classifier(fifth))
        doubled = functional.conv_transpose2d(scores, network.upscore.weight, None, 2, 1)
        middle = network.score_pool4(fourth) + doubled[:, :, : fourth.shape[2], : fourth.shape[3]]
        doubled = functional.conv_transpose2d(middle, network.upscore_pool4.weight, None, 2, 1)
        expected = network.score_pool3(third) + doubled[:, :, : third.shape[2], : third.shape[3]]
        assert network(image).equal(expected)


def test_scores_start_at_zero() -> None:
    network = FCNVGG16(classes=3, width=2)
    assert not network(torch.rand(1, 3, 32, 32)).any()


def vgg16_weights(network: FCNVGG16) -> dict[str, Tensor]:
    """A state dict as torchvision's ``vgg16`` has it: with fully connected layers, the last for 10 classes."""
    torch.manual_seed(2)
    of_vgg = {
        name: torch.randn(value.shape) / value[0].numel() ** 0.5
        for name, value in network.state_dict().items()
        if name.startswith(("features", "classifier"))
    }
    for name in ("classifier.0.weight", "classifier.3.weight"):
        of_vgg[name] = of_vgg[name].flatten(1)
    hidden = network.score.in_channels
    return {**of_vgg, "classifier.6.weight": torch.randn(10, hidden), "classifier.6.bias": torch.randn(10)}


def test_fully_connected_layers_become_convolutions() -> None:
    """On an image of VGG's own size, the pixel in the middle is what the fully connected layers computed."""
    network = narrow(FCNVGG16, stride=32)
    weights = vgg16_weights(network)
    network.load_backbone(weights)
    with torch.no_grad():
        last = stages(network.features, torch.rand(1, 3, 224, 224))[-1]
        expected = last.flatten(1)
        for layer in ("classifier.0", "classifier.3"):
            expected = functional.linear(expected, weights[f"{layer}.weight"], weights[f"{layer}.bias"]).relu()
        assert last.shape[2:] == (7, 7)
        torch.testing.assert_close(network.classifier(last)[:, :, 3, 3], expected)


def test_a_backbone_starts_from_a_classifier_of_images() -> None:
    network = narrow(DeepLabV3ResNet50)
    weights = {name: value + 1 for name, value in narrow(FCNResNet50).backbone.state_dict().items()}
    network.load_backbone({**weights, "fc.weight": torch.ones(10, 64), "fc.bias": torch.ones(10)})
    assert network.backbone.layer4[2].bn3.running_var.equal(weights["layer4.2.bn3.running_var"])


def test_other_weights_are_no_backbone() -> None:
    network = narrow(FCNVGG16)
    with pytest.raises(
        CheckpointError, match=r"weights of ResNet-50: .* this ResNet50, found 265 missing: conv1.weight"
    ):
        narrow(DeepLabV3ResNet50).load_backbone(vgg16_weights(network))
    wider = vgg16_weights(FCNVGG16(width=3))
    with pytest.raises(
        CheckpointError, match=r"VGG-16: .* features.0.weight of shape \(3, 3, 3, 3\) instead of \(2, 3"
    ):
        network.load_backbone(wider)


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (FCNVGG16, {"classes": 0}, "classes: expected whole numbers of at least 1, found 0"),
        (FCNResNet50, {"classes": True}, "classes: .* found True"),
        (DeepLabV3ResNet50, {"classes": 2.5}, "classes: .* found 2.5"),
        (FCNVGG16, {"stride": 4}, "stride: expected 8, 16 or 32, found 4"),
        (FCNResNet50, {"output_stride": 4}, "output_stride: expected 8, 16 or 32, found 4"),
        (DeepLabV3ResNet50, {"output_stride": 32}, "output_stride: expected 8 or 16, found 32"),
        (DeepLabV3ResNet50, {"rates": (6, 0)}, "rates: expected whole numbers of at least 1, found"),
        (FCNVGG16, {"width": 0}, "width: expected whole numbers of at least 1, found 0"),
        (FCNResNet50, {"width": 0.5}, "width: expected whole numbers of at least 1, found 0.5"),
    ],
)
def test_impossible_structures_are_refused(
    make: Callable[..., nn.Module], arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        make(**arguments)


@pytest.mark.parametrize(("make", "arguments"), [(FCNVGG16, {}), (DeepLabV3ResNet50, {})])  # one a backbone
def test_export_with_dynamic_sizes_runs_odd_images(make: Callable[..., nn.Module], arguments: dict[str, int]) -> None:
    network = narrow(make, **arguments)
    dynamic = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    with torch.no_grad():
        exported = torch.export.export(network, (torch.rand(1, 3, 81, 97),), dynamic_shapes=(dynamic,)).module()
        for size in [(61, 83), (64, 96)]:
            image = torch.rand(1, 3, *size)
            torch.testing.assert_close(exported(image), network(image))
