"""Whole models: ONNX Runtime's labels and logits beside itrt's, and what the export refuses."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import itrt
from itrt.errors import InvalidArgumentError, MissingDependencyError, MissingFileError, ModelFileError
from itrt.export import Agreement, measure_agreement, to_onnx, write_onnx
from itrt.export import agreement as agreement_module
from itrt.export.agreement import open_session
from itrt.format import Convolution, Program, read, to_bytes
from itrt.loading import read_model
from itrt.train.data.synthetic import draw_scene
from reference.programs import Choices, random_image, random_program
from reference.small_program import small_program

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

PROGRAM = small_program(3)
MODEL = itrt.load(to_bytes(PROGRAM), threads=1)
IMAGE = random_image(3, 37, 50)


def agreement(program: Program, image: np.ndarray, iterations: int, size: tuple[int, int] | None) -> Agreement:
    model = itrt.load(to_bytes(program), threads=1)
    return measure_agreement(model, to_onnx(program, iterations, size), [image], iterations)


def is_equal(found: Agreement) -> bool:
    return (found.equal_labels, found.equal_logits, found.largest_difference) == (1, 1, 0)


def constants_of(exported: bytes) -> dict[str, np.ndarray]:
    graph = onnx.load_model_from_string(exported).graph
    return {constant.name: onnx.numpy_helper.to_array(constant) for constant in graph.initializer}


@pytest.mark.parametrize("size", [None, (37, 50)], ids=["any size", "one size"])
@pytest.mark.parametrize("iterations", [1, 3])
def test_labels_and_logits_are_equal(iterations: int, size: tuple[int, int] | None) -> None:
    """The block has constants an iteration, an hourglass of an odd size, and a sum that is two convolutions."""
    assert is_equal(agreement(PROGRAM, IMAGE, iterations, size))


def test_the_packaged_model_is_equal_on_drawn_scenes() -> None:
    """Of sizes that four strides of two do not divide."""
    sizes = [(44, 60), (31, 53)]
    scenes = [draw_scene(*size, np.random.default_rng(seed))[0] for seed, size in enumerate(sizes)]
    model = itrt.load("itnet-camvid", threads=1)
    found = measure_agreement(model, to_onnx("itnet-camvid", 3), scenes, 3)
    assert (found.images, found.pixels) == (2, 44 * 60 + 31 * 53)
    assert is_equal(found)


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_colours_come_in_the_models_order(order: str) -> None:
    program = random_program(5, Choices(color_order=order))
    assert agreement(program, IMAGE, 1, None).equal_logits > 0.99  # type: ignore[operator]


def test_random_programs_agree() -> None:
    """Nearly all: networks that mean nothing amplify a step where an average or a product is rounded otherwise."""
    found = [agreement(random_program(seed), random_image(seed, 13, 17), 1, None) for seed in range(40, 47)]
    assert sum(is_equal(each) for each in found) >= len(found) - 1
    assert all(each.equal_labels > 0.9 for each in found)  # type: ignore[operator]


def test_weights_are_stored_once() -> None:
    sizes = []
    for iterations in (1, 3):
        constants = constants_of(to_onnx(PROGRAM, iterations)).values()
        sizes.append(sum(each.size for each in constants if each.dtype == np.int8 and each.ndim == 4))
    terms = [term for each in (*PROGRAM.stem, *PROGRAM.block, *PROGRAM.head) for term in getattr(each, "terms", ())]
    assert sizes == [sum(term.weight.at(0).size for term in terms)] * 2


def test_weights_are_copied_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime's exact kernels for x86 without VNNI replace constants, and refuse those that nodes share."""
    copied = to_onnx(PROGRAM, 3, copy_weights=True)
    readers = [name for node in onnx.load_model_from_string(copied).graph.node for name in node.input]
    weights = [name for name, value in constants_of(copied).items() if value.dtype == np.int8]
    assert len(weights) > 10
    assert all(readers.count(name) == 1 for name in weights)
    monkeypatch.setattr(agreement_module, "kernels_saturate", lambda: True)
    for exported in (copied, to_onnx(PROGRAM, 3)):
        assert is_equal(measure_agreement(MODEL, exported, [IMAGE], 3))


def test_a_concatenation_is_one_convolution() -> None:
    """Terms of one geometry and zero point: as many nodes as the packaged model has operators."""
    graph = onnx.load_model_from_string(to_onnx("itnet-camvid", 1)).graph
    program = read(read_model("itnet-camvid")[0])
    operators = [operator for section in (program.stem, program.block, program.head) for operator in section]
    convolutions = sum(isinstance(operator, Convolution) for operator in operators)
    assert convolutions > 10
    assert sum(node.op_type == "Conv" for node in graph.node) == convolutions


def test_inputs_and_outputs_are_those_of_a_run() -> None:
    session = open_session(to_onnx(PROGRAM, 2))
    (image,) = session.get_inputs()
    assert (image.name, image.type, image.shape) == ("image", "tensor(uint8)", ["height", "width", 3])
    assert [output.name for output in session.get_outputs()] == ["labels", "logits"]
    for height, width in ((37, 50), (1, 1), (8, 100)):
        pixels = random_image(1, height, width)
        labels, logits = session.run(None, {"image": pixels})
        result = MODEL.run(pixels, 2)
        assert (labels.dtype, labels.shape) == (result.labels.dtype, result.labels.shape)
        assert (logits.dtype, logits.shape) == (result.logits().dtype, result.logits().shape)
    fixed = open_session(to_onnx(PROGRAM, 1, (37, 50), ["labels"]))
    assert fixed.get_inputs()[0].shape == [37, 50, 3]
    assert [(output.name, output.shape) for output in fixed.get_outputs()] == [("labels", [37, 50])]


def test_many_classes_have_wide_labels() -> None:
    program = random_program(2, Choices(loop=False, classes=300))
    session = open_session(to_onnx(program, outputs=["labels"]))
    assert session.run(None, {"image": IMAGE})[0].dtype == np.uint16


def test_the_model_says_what_it_is() -> None:
    model = onnx.load_model_from_string(to_onnx(PROGRAM, 2))
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert facts["iterations"] == "2"
    assert json.loads(facts["classes"]) == list(PROGRAM.classes)
    assert facts["licence"] == PROGRAM.metadata["licence"]
    assert (model.producer_name, model.graph.name) == ("itrt", "small")


def test_the_same_program_gives_the_same_bytes(tmp_path: Path) -> None:
    source, target = tmp_path / "small.itrt", tmp_path / "small.onnx"
    source.write_bytes(to_bytes(PROGRAM))
    write_onnx(source, target, 2, (40, 40), ["logits"])
    assert target.read_bytes() == to_onnx(PROGRAM, 2, (40, 40), ["logits"])
    assert [file.name for file in tmp_path.iterdir() if file != source] == ["small.onnx"]


def test_agreement_counts_differences() -> None:
    """A model beside another one: the share that chance leaves, and what was not asked is None."""
    other = replace(PROGRAM, head=(replace(PROGRAM.head[0], clamp=(120, 140)),))  # type: ignore[type-var]
    labels = measure_agreement(MODEL, to_onnx(other, 2, outputs=["labels"]), [IMAGE, IMAGE[:20]], 2)
    assert labels.equal_labels < 1  # type: ignore[operator]
    assert (labels.images, labels.pixels) == (2, 37 * 50 + 20 * 50)
    assert (labels.equal_logits, labels.largest_difference) == (None, None)
    expected = MODEL.run(IMAGE, 2).quantized_logits
    logits = measure_agreement(MODEL, to_onnx(other, 2, outputs=["logits"]), [IMAGE], 2)
    changed = np.abs(np.clip(expected, 120, 140).astype(int) - expected)
    assert logits.equal_labels is None
    assert logits.equal_logits == pytest.approx(np.mean(changed == 0))
    assert logits.largest_difference == changed.max()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"iterations": 4}, "iterations: expected 1 to 3, found 4"),
        ({"iterations": 0}, "iterations: expected 1 to 3, found 0"),
        ({"iterations": 1.5}, "iterations: expected an integer, found 1.5"),
        ({"image_size": (0, 4)}, "height: expected 1 to .*, found 0"),
        ({"image_size": 37}, r"image_size: expected \(height, width\) or None, found 37"),
        ({"outputs": ["colours"]}, r"outputs: expected labels, logits or both, found \['colours'\]"),
        ({"outputs": []}, "outputs: expected labels, logits or both, found"),
    ],
)
def test_wrong_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        to_onnx(PROGRAM, **arguments)


def test_a_size_that_the_network_does_not_take() -> None:
    from itrt.format import Pad

    pad = Pad("pad", 0, 0, (0, 0, 0, 0))
    program = replace(PROGRAM, head=(*PROGRAM.head, replace(pad, output=len(PROGRAM.tensors), input=2)))
    program = replace(program, tensors=(*program.tensors, replace(program.tensors[2], name="padded")))
    program = replace(program, head=(program.head[0], replace(program.head[1], padding=(4, 0, 0, 0), mode="reflect")))
    with pytest.raises(InvalidArgumentError, match="image of 8x8 .*: pad: expected one size"):
        to_onnx(program, 1, (8, 8))


def test_wrong_files(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="expected a file or a packaged model"):
        to_onnx(tmp_path / "none.itrt")
    with pytest.raises(ModelFileError):
        to_onnx(to_bytes(PROGRAM)[:-1])
    with pytest.raises(InvalidArgumentError, match="expected a name that ends in .onnx, found .*model.itrt"):
        write_onnx(PROGRAM, tmp_path / "model.itrt")
    with pytest.raises(MissingFileError, match="found no directory"):
        write_onnx(PROGRAM, tmp_path / "none" / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_images_of_another_size() -> None:
    exported = to_onnx(PROGRAM, 1, (40, 40))
    with pytest.raises(InvalidArgumentError, match="image: expected 40x40, the exported model's size, found 37x50"):
        measure_agreement(MODEL, exported, [IMAGE], 1)
    with pytest.raises(InvalidArgumentError, match="images: expected at least one, found none"):
        measure_agreement(MODEL, exported, [], 1)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    exported = to_onnx(PROGRAM, 1)
    for package in ("onnx", "onnxruntime"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=r"onnx, found none; pip install 'itrt\[onnx\]'"):
        to_onnx(PROGRAM, 1)
    with pytest.raises(MissingDependencyError, match=r"pip install 'itrt\[onnx\]'"):
        open_session(exported)
