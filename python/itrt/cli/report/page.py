"""Numbers and pictures of an evaluation, put into the template."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from itrt.cli import console
from itrt.cli.evaluation import Evaluation
from itrt.cli.overlay import tint
from itrt.cli.report.plots import plot_confusion, plot_iou
from itrt.cli.report.rendering import css_color, data_url, marked, render
from itrt.runtime import Model
from itrt.text import shortened
from itrt.train.data import ImageSet


@dataclass(frozen=True)
class Page:
    """The report of an evaluation.

    Parameters
    ----------
    model, evaluation
        What was measured, and what came out.
    data_name
        The data set and its split, for people.
    images, ignore_index
        What it was measured on.
    worst
        How many of the images with the lowest mean IoU are shown.
    """

    model: Model
    evaluation: Evaluation
    data_name: str
    images: ImageSet
    ignore_index: int
    worst: int

    def render(self) -> str:
        """Return the page. The worst images are run once more, for their labels."""
        evaluation = self.evaluation
        confusion = np.array(evaluation.confusion)
        return render(
            "page.html",
            evaluation=evaluation,
            data_name=self.data_name,
            facts=self._facts(),
            rows=self._rows(confusion),
            mean_ious=[_percent(score.mean_iou) for score in evaluation.scores],
            iou_plot=Markup(plot_iou(evaluation, self.model.palette)),
            confusion_plot=Markup(plot_confusion(confusion, evaluation.classes)),
            confusions=_largest_confusions(confusion, evaluation.classes),
            legend=[
                {"name": name, "colour": css_color(color)}
                for name, color in zip(evaluation.classes, self.model.palette, strict=True)
            ],
            worst=self._worst(),
        )

    def _facts(self) -> list[tuple[str, str]]:
        model, evaluation = self.model, self.evaluation
        height, width = self.images.labels[0].shape
        last = evaluation.scores[-1]
        return [
            ("mean IoU", f"{_percent(last.mean_iou)} % after {console.counted(last.iteration, 'iteration')}"),
            ("time", f"{last.milliseconds:.2f} ms, {console.counted(evaluation.threads, 'thread')}, {evaluation.isa}"),
            ("images", f"{evaluation.images} of {self.data_name}"),
            ("classes", str(len(evaluation.classes))),
            ("weights", console.binary_size(model.weight_bytes)),
            ("file", console.binary_size(model.file_bytes)),
            ("arena", f"{console.binary_size(model.arena_bytes(height, width))} at {height}x{width}"),
            ("iterations", _iterations(model)),
            *((name, shortened(value)) for name, value in model.metadata.items()),
        ]

    def _rows(self, confusion: NDArray[np.int64]) -> list[dict[str, object]]:
        """A row a class: name, colour, share of the labels, IoU after every iteration with the shade of its cell."""
        shares = confusion.sum(axis=1) / max(int(confusion.sum()), 1)
        return [
            {
                "name": name,
                "colour": css_color(self.model.palette[index]),
                "share": f"{100 * shares[index]:.2f}",
                "ious": [
                    {"text": _percent(score.iou[index]), "shade": round(0.75 * (score.iou[index] or 0.0), 3)}
                    for score in self.evaluation.scores
                ],
            }
            for index, name in enumerate(self.evaluation.classes)
        ]

    def _worst(self) -> list[dict[str, object]]:
        scores = [score.mean_iou for score in self.evaluation.image_scores]
        counted = [index for index, score in enumerate(scores) if score is not None]
        chosen = sorted(counted, key=lambda index: (scores[index], index))[: self.worst]
        shown: list[dict[str, object]] = []
        for index in chosen:
            image, truth = self.images.images[index], self.images.labels[index]
            found = self.model.run(image, len(self.evaluation.scores)).labels
            ignored = truth == self.ignore_index
            known = np.where(ignored, 0, truth)
            painted = tint(image, self.model.palette[known], known)
            painted[ignored] = image[ignored] // 3
            wrong = marked(image, found, (found != truth) & ~ignored, self.model.palette)
            pictures = (
                ("image", image),
                ("labels, ignored pixels dark", painted),
                (f"answer after {console.counted(len(self.evaluation.scores), 'iteration')}",
                 tint(image, self.model.palette[found], found)),
                ("wrong pixels, in the answer's colours", wrong),
            )  # fmt: skip
            shown.append(
                {
                    "title": f"{self.evaluation.image_scores[index].name}: {_percent(scores[index])} %",
                    "pictures": [{"caption": caption, "url": data_url(pixels)} for caption, pixels in pictures],
                }
            )
        return shown


def _iterations(model: Model) -> str:
    most = "any number" if model.max_iterations is None else f"at most {model.max_iterations}"
    return f"trained for {model.iterations}, runs {most}"


def _largest_confusions(confusion: NDArray[np.int64], classes: tuple[str, ...]) -> list[dict[str, str]]:
    """The ten pairs of classes that most pixels are confused between, with their share of the label's pixels."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    totals = confusion.sum(axis=1)
    pairs = []
    for index in np.argsort(-wrong, axis=None, kind="stable")[:10]:
        label, answer = divmod(int(index), len(classes))
        if wrong[label, answer]:
            share = 100 * wrong[label, answer] / totals[label]
            pairs.append(
                {
                    "label": classes[label],
                    "answer": classes[answer],
                    "pixels": f"{wrong[label, answer]:,}",
                    "share": f"{share:.1f}",
                }
            )
    return pairs


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
