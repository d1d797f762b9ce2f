"""Losses, class weights, metrics, schedule: numbers that can be checked by hand."""

import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional

from itrt.errors import InvalidArgumentError
from itrt.metrics import ConfusionMatrix
from itrt.train.losses import class_frequencies, class_weights, joint_loss, lovasz_softmax
from itrt.train.recipe import Recipe
from itrt.train.schedule import one_cycle, trapezoid

IGNORE = 11


def example() -> tuple[list[torch.Tensor], torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = [torch.randn(2, 4, 6, 8, generator=generator, requires_grad=True) for _ in range(3)]
    return logits, torch.randint(0, 4, (2, 6, 8), generator=generator)


def test_ignored_pixels_change_neither_loss_nor_gradient() -> None:
    logits, labels = example()
    labels[:, :3] = IGNORE
    loss = joint_loss(logits, labels, [1, 1, 1], ignore_index=IGNORE)
    loss.backward()
    for output in logits:
        assert output.grad is not None
        assert output.grad[:, :, :3].abs().max() == 0
        assert output.grad[:, :, 3:].abs().min() > 0
    with torch.no_grad():
        for output in logits:
            output[:, :, :3] = 1000 * torch.randn(2, 4, 3, 8)
    torch.testing.assert_close(joint_loss(logits, labels, [1, 1, 1], ignore_index=IGNORE), loss)


def test_a_batch_of_ignored_pixels_has_loss_zero() -> None:
    logits, labels = example()
    loss = joint_loss(logits, torch.full_like(labels, IGNORE), [1, 1, 1], torch.ones(4), ignore_index=IGNORE)
    loss.backward()
    assert float(loss.detach()) == 0
    assert logits[0].grad is not None
    assert logits[0].grad.abs().max() == 0


def test_iteration_weights_form_a_weighted_mean() -> None:
    logits, labels = example()
    each = [float(functional.cross_entropy(output, labels).detach()) for output in logits]
    loss = joint_loss(logits, labels, [0, 1, 3], ignore_index=IGNORE)
    assert float(loss.detach()) == pytest.approx((each[1] + 3 * each[2]) / 4, rel=1e-5)
    with pytest.raises(InvalidArgumentError, match=r"iteration_weights: expected 3, found 2"):
        joint_loss(logits, labels, [1, 1])


def test_class_weights_enter_as_in_cross_entropy() -> None:
    logits, labels = example()
    labels[0, 0] = IGNORE
    weights = torch.tensor([1.0, 2.0, 0.5, 4.0])
    expected = functional.cross_entropy(logits[0], labels, weights, ignore_index=IGNORE)
    torch.testing.assert_close(joint_loss(logits[:1], labels, [0.7], weights, IGNORE), expected)


@pytest.mark.parametrize(("stride", "offset"), [(1, (0, 0)), (2, (0, 1)), (4, (3, 0)), (4, (1, 2))])
@pytest.mark.parametrize("size", [(6, 8), (24, 32), (11, 30)])
def test_a_stride_takes_every_nth_pixel_of_the_upsampled_logits(
    stride: int, offset: tuple[int, int], size: tuple[int, int]
) -> None:
    logits, _ = example()
    labels = torch.randint(0, 4, (2, *size), generator=torch.Generator().manual_seed(1))
    every_nth = (..., slice(offset[0], None, stride), slice(offset[1], None, stride))
    upsampled = functional.interpolate(logits[0], size=size, mode="bilinear", align_corners=False)
    expected = functional.cross_entropy(upsampled[every_nth], labels[every_nth])
    torch.testing.assert_close(joint_loss(logits[:1], labels, [1], stride=stride, offset=offset), expected)


def test_the_offsets_of_a_stride_are_parts_of_the_whole() -> None:
    logits, _ = example()
    labels = torch.randint(0, 4, (2, 24, 32), generator=torch.Generator().manual_seed(2))
    parts = [
        joint_loss(logits, labels, [1, 1, 2], stride=4, offset=(row, column)) for row in range(4) for column in range(4)
    ]
    torch.testing.assert_close(torch.stack(parts).mean(), joint_loss(logits, labels, [1, 1, 2]))


def overlap_lost(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The Lovasz extension from its definition: thresholds between the errors' values, the Jaccard loss of each set."""
    losses = []
    for index in np.unique(labels):
        errors = np.abs((labels == index) - probabilities[index])
        steps = np.unique(np.concatenate(([0.0], errors)))
        loss = 0.0
        for below, above in pairwise(steps):
            is_wrong = errors >= above
            correct = np.count_nonzero((labels == index) & ~is_wrong)
            union = np.count_nonzero((labels == index) | is_wrong)
            loss += (above - below) * (1 - correct / union)
        losses.append(loss)
    return float(np.mean(losses))


def test_the_overlap_lost_is_that_of_the_definition() -> None:
    generator = torch.Generator().manual_seed(3)
    logits = 3 * torch.randn(2, 4, 6, 8, generator=generator)
    labels = torch.randint(0, 3, (2, 6, 8), generator=generator)  # no pixel of the last class
    labels[0, :2] = IGNORE
    counted = labels != IGNORE
    probabilities = logits.double().softmax(dim=1).movedim(1, 0)[:, counted].numpy()
    expected = overlap_lost(probabilities, labels[counted].numpy())
    assert float(lovasz_softmax(logits, labels, IGNORE)) == pytest.approx(expected, rel=1e-5)


def test_certain_answers_lose_one_minus_their_mean_iou() -> None:
    labels = torch.tensor([[[0, 0, 0, 1], [1, 1, 2, 2]]])
    answers = torch.tensor([[[0, 0, 1, 1], [1, 2, 2, 0]]])
    logits = 100 * functional.one_hot(answers, 3).movedim(3, 1).float()
    matrix = ConfusionMatrix(3, IGNORE)
    matrix.update(answers[0].numpy(), labels[0].numpy())
    assert float(lovasz_softmax(logits, labels, IGNORE)) == pytest.approx(1 - matrix.mean_iou(), rel=1e-5)


def test_the_last_iteration_alone_has_a_loss_of_overlap() -> None:
    logits, labels = example()
    labels[1] = IGNORE
    without = joint_loss(logits, labels, [1, 1, 1], ignore_index=IGNORE)
    loss = joint_loss(logits, labels, [1, 1, 1], ignore_index=IGNORE, lovasz=0.5)
    torch.testing.assert_close(loss, without + 0.5 * lovasz_softmax(logits[-1], labels, IGNORE))
    nothing = joint_loss(logits, torch.full_like(labels, IGNORE), [1, 1, 1], ignore_index=IGNORE, lovasz=0.5)
    nothing.backward()
    assert float(nothing.detach()) == 0


def test_outputs_are_upsampled_to_the_labels() -> None:
    logits = torch.zeros(1, 2, 2, 2)
    logits[:, 1] = 20.0
    assert float(joint_loss([logits], torch.ones(1, 7, 9, dtype=torch.int64), [1])) < 1e-6
    assert float(joint_loss([logits], torch.zeros(1, 7, 9, dtype=torch.int64), [1])) > 19


def test_class_frequencies_leave_out_the_ignored() -> None:
    labels = [np.array([[0, 0, 1, 11]], np.uint8), np.array([[2, 11, 11, 11]], np.uint8)]
    np.testing.assert_allclose(class_frequencies(labels, 3), [0.5, 0.25, 0.25])


def test_rare_classes_weigh_more_up_to_the_cap() -> None:
    frequencies = np.array([0.9, 0.09, 0.01])
    for weighting in ("enet", "median_frequency"):
        free = class_weights(frequencies, weighting, cap=1e9)  # type: ignore[arg-type]
        assert free is not None
        assert free[0] < free[1] < free[2]
        assert float((free.double() * torch.from_numpy(frequencies)).sum()) == pytest.approx(1)
        capped = class_weights(frequencies, weighting, cap=2.0)  # type: ignore[arg-type]
        assert capped is not None
        assert float(capped.max()) == 2.0
    assert class_weights(frequencies, "none", 5.0) is None
    absent = class_weights(np.array([0.5, 0.5, 0.0]), "median_frequency", 5.0)
    assert absent is not None
    assert bool(torch.isfinite(absent).all())


def test_confusion_matrix_by_hand() -> None:
    matrix = ConfusionMatrix(classes=3, ignore_index=IGNORE)
    matrix.update(np.array([[0, 1], [1, 2]], np.uint8), np.array([[0, 0], [1, IGNORE]], np.uint8))
    assert matrix.counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    iou = matrix.iou()
    assert iou[:2].tolist() == [0.5, 0.5]
    assert math.isnan(iou[2])
    assert matrix.mean_iou() == 0.5
    matrix.update(np.array([2]), np.array([2]))  # counts add up over images
    assert matrix.mean_iou() == pytest.approx(2 / 3)
    assert math.isnan(ConfusionMatrix(3, IGNORE).mean_iou())


def test_one_cycle_rises_to_the_peak_and_falls_to_almost_nothing() -> None:
    rates = [one_cycle(step, 101, peak=1.0, warmup=0.2) for step in range(101)]
    assert rates[0] == pytest.approx(1 / 25)
    assert rates[20] == pytest.approx(1)
    assert rates[-1] == pytest.approx(1e-4)
    assert all(a < b for a, b in pairwise(rates[:21]))
    assert all(a > b for a, b in pairwise(rates[20:]))
    assert one_cycle(0, 1, peak=1.0, warmup=0.2) > 0


def test_the_trapezoid_rises_stays_and_falls() -> None:
    rates = [trapezoid(step, 100, peak=2.0, warmup=0.1, cooldown=0.3) for step in range(100)]
    assert rates[:10] == pytest.approx([0.2 * step for step in range(1, 11)])
    assert rates[10:71] == [2.0] * 61
    assert rates[71:] == pytest.approx([2.0 * step / 30 for step in range(29, 0, -1)])


def test_a_longer_trapezoid_begins_like_a_shorter_one() -> None:
    shorter, longer = ([trapezoid(s, total, 1.0, 0.1, 0.3) for s in range(20, 70)] for total in (100, 200))
    assert shorter == longer


def test_the_recipe_chooses_the_schedule() -> None:
    recipe = Recipe(learning_rate=0.5, warmup=0.25, cooldown=0.5)
    assert recipe.rate(3, 9) == one_cycle(3, 9, 0.5, 0.25)
    assert dataclasses.replace(recipe, schedule="trapezoid").rate(3, 9) == trapezoid(3, 9, 0.5, 0.25, 0.5)


def test_recipe_weights_of_iterations() -> None:
    assert Recipe().weights_of_iterations(4) == pytest.approx((0.4, 0.6, 0.8, 1.0))
    assert Recipe().weights_of_iterations(1) == (1.0,)
    assert Recipe(iteration_weights=(1.0, 2.0)).weights_of_iterations(2) == (1.0, 2.0)
    with pytest.raises(InvalidArgumentError, match=r"iteration_weights: expected 4, .* found 2"):
        Recipe(iteration_weights=(1.0, 2.0)).weights_of_iterations(4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0), ("batch_size", 0), ("crop", (8, 64)), ("scale", (0.0, 1.0)), ("scale", (2.0, 1.0)),
        ("flip", 1.5),
        ("learning_rate", 0.0), ("warmup", 1.0), ("loss_stride", 0), ("lovasz", -0.5), ("class_weighting", "x"),
        ("weight_decay", -1.0),
        ("standard_deviation", (1.0, 0.0, 1.0)), ("iteration_weights", (0.0, 0.0)), ("iteration_weights", (-1.0, 2.0)),
    ],
)  # fmt: skip
def test_recipes_that_cannot_work_are_refused(name: str, value: object) -> None:
    with pytest.raises(InvalidArgumentError, match=rf"^{name}: expected .*found"):
        Recipe(**{name: value})  # type: ignore[arg-type]


def test_the_confusion_matrix_is_that_of_torchmetrics() -> None:
    classification = pytest.importorskip("torchmetrics.classification")
    random = np.random.default_rng(3)
    ours = ConfusionMatrix(5, IGNORE)
    theirs = classification.MulticlassConfusionMatrix(5, ignore_index=IGNORE)
    jaccard = classification.MulticlassJaccardIndex(5, average=None, ignore_index=IGNORE)
    for _ in range(3):
        predictions, labels = random.integers(0, 5, (2, 20, 30))
        labels[random.uniform(size=labels.shape) < 0.2] = IGNORE
        ours.update(predictions, labels)
        for metric in (theirs, jaccard):
            metric.update(torch.from_numpy(predictions), torch.from_numpy(labels))
    np.testing.assert_array_equal(ours.counts, theirs.compute().numpy())
    np.testing.assert_allclose(ours.iou(), jaccard.compute().numpy(), atol=1e-6)
