"""From a name to an accelerator: packaged presets, files of one's own, Vela's configuration files."""

from __future__ import annotations

import os
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from itrt.errors import AcceleratorError, InvalidArgumentError, MissingFileError
from itrt.planner.accelerator import Accelerator
from itrt.planner.accelerator_file import parse_accelerator
from itrt.planner.vela import load_vela

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_SUFFIX = ".toml"
_VELA = "vela:"


def presets() -> tuple[str, ...]:
    """The names of the accelerators that come with the package."""
    names = (entry.name for entry in _directory().iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))


def load_target(target: str | os.PathLike[str]) -> Accelerator:
    """Load an accelerator.

    Parameters
    ----------
    target
        The name of a preset (`presets`), the path of a TOML file (docs/planner.md), or
        ``vela:FILE:SYSTEM:MODE`` or ``vela:FILE:SYSTEM:MODE:ACCELERATOR`` for `load_vela`.

    Raises
    ------
    MissingFileError
        If there is neither a preset nor a file of this name.
    AcceleratorError
        If the file does not describe an accelerator.
    InvalidArgumentError
        For another type, or a text with the prefix vela: and too few parts.
    """
    if not isinstance(target, str | os.PathLike):
        raise InvalidArgumentError(f"target: expected a preset's name or a path, found {type(target).__name__}")
    if isinstance(target, str) and target.startswith(_VELA):
        return _load_vela_text(target)
    if isinstance(target, str) and target in presets():
        text = (_directory() / f"{target}{_SUFFIX}").read_text(encoding="utf-8")
        return parse_accelerator(text, f"preset {target}")
    path = Path(target)
    if not path.is_file():
        close = get_close_matches(str(target), presets(), n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise MissingFileError(
            f"target {target!s}: expected a file or a preset ({', '.join(presets())}), found neither{hint}"
        )
    try:
        return parse_accelerator(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise AcceleratorError(f"{path}: expected TOML in UTF-8, found {error}") from error


def _directory() -> Traversable:
    return resources.files("itrt.planner") / "presets"


def _load_vela_text(target: str) -> Accelerator:
    parts = target.removeprefix(_VELA).split(":")
    if len(parts) not in (3, 4) or not all(parts):
        raise InvalidArgumentError(
            f"target: expected vela:FILE:SYSTEM:MODE or vela:FILE:SYSTEM:MODE:ACCELERATOR, found {target!r}"
        )
    return load_vela(*parts)
