"""A run as it is asked for, and its result: one small JSON file, so that another machine can go on with a series."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from ablations.variants import Budget
from itrt.errors import InvalidArgumentError
from itrt.files import write_atomically
from itrt.nn import ItNetSettings
from itrt.train import Recipe

Content = TypeVar("Content")


@dataclass(frozen=True)
class Request:
    """Everything that determines a run; ``data`` is `SeriesData.description`."""

    variant: str
    seed: int
    budget: Budget
    data: Mapping[str, Any]
    network: ItNetSettings
    recipe: Recipe

    @property
    def name(self) -> str:
        """What the run's files are called."""
        return f"{self.variant}-{self.seed}"

    def check_is(self, found: "Request", path: Path) -> None:
        """Raise InvalidArgumentError with every difference if what a file holds is another run."""
        mine, other = _flat(asdict(self)), _flat(asdict(found))
        names = [name for name in mine | other if mine.get(name) != other.get(name)]
        if names:
            expected = ", ".join(f"{name} = {mine.get(name)}" for name in names)
            instead = ", ".join(f"{name} = {other.get(name)}" for name in names)
            raise InvalidArgumentError(f"{path}: expected a run with {expected}, found one with {instead}")


@dataclass(frozen=True)
class Result:
    """What a finished run found.

    Parameters
    ----------
    request
        The run.
    graph
        `itrt.planner.GraphMeasures.row` of its network.
    mean_iou
        After each iteration, on the images that were left out.
    cpu_seconds
        CPU time of the training, without loading and measuring.
    environment
        What else the weights depend on: torch's version, the number of threads, the kind of CPU.
    """

    request: Request
    graph: Mapping[str, Any]
    mean_iou: tuple[float, ...]
    cpu_seconds: float
    environment: Mapping[str, Any]


def write_request(path: Path, request: Request) -> None:
    """Write a request as JSON."""
    write_atomically(path, _json(request))


def write_result(path: Path, result: Result) -> None:
    """Write a result as JSON."""
    write_atomically(path, _json(result))


def read_request(path: Path) -> Request:
    """Read a request; raise InvalidArgumentError for a file that holds none."""
    return _read(path, _request)


def read_result(path: Path) -> Result:
    """Read a result; raise InvalidArgumentError for a file that holds none."""

    def build(plain: dict[str, Any]) -> Result:
        return Result(**{**plain, "request": _request(plain["request"]), "mean_iou": tuple(plain["mean_iou"])})

    return _read(path, build)


def read_results(directory: Path) -> list[Result]:
    """Read all results of a series, which have one budget and one data set; raise InvalidArgumentError otherwise."""
    files = sorted(directory.glob("*.json"))
    results = [read_result(file) for file in files]
    for file, result in zip(files, results, strict=True):
        mine, first = result.request, results[0].request
        if (mine.budget, mine.data) != (first.budget, first.data):
            raise InvalidArgumentError(
                f"{file}: expected a run with the budget and data of {files[0].name}, {first.budget} and {first.data}, "
                f"found {mine.budget} and {mine.data}"
            )
    return results


def _read(path: Path, build: Callable[[dict[str, Any]], Content]) -> Content:
    try:
        return build(json.loads(path.read_bytes()))
    except (ValueError, TypeError, KeyError) as error:  # ItNetSettings' and Recipe's own errors are ValueErrors
        raise InvalidArgumentError(f"{path}: expected a run of tools/ablate.py, found another file ({error})") from None


def _request(plain: Mapping[str, Any]) -> Request:
    # Through the classes, so that a setting which is newer than the file has its default.
    return Request(
        variant=plain["variant"],
        seed=plain["seed"],
        budget=Budget(**plain["budget"]),
        data=plain["data"],
        network=ItNetSettings(**plain["network"]),
        recipe=Recipe(**plain["recipe"]),
    )


def _json(content: Request | Result) -> bytes:
    return (json.dumps(asdict(content), indent=1) + "\n").encode()


def _flat(plain: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in plain.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return flat
