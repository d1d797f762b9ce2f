"""Errors of the library become one red message and an exit code, never a traceback."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec

import typer

from itrt.errors import ItrtError

Parameters = ParamSpec("Parameters")


def fail(message: str, code: int = 1) -> typer.Exit:
    """Print the message on stderr and return what to raise (Typer's own usage errors have exit code 2)."""
    typer.secho(f"error: {message}", fg=typer.colors.RED, err=True)
    return typer.Exit(code)


def interrupted(kept: str) -> typer.Exit:
    """Say on stderr what Ctrl-C left and return what to raise; the exit code is the shells' own for it."""
    typer.secho(f"interrupted: {kept}", fg=typer.colors.YELLOW, err=True)
    return typer.Exit(130)


def report_errors(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Wrap a command so that what goes wrong on purpose, or in the file system, ends in `fail`."""

    @functools.wraps(command)
    def reporting(*arguments: Parameters.args, **options: Parameters.kwargs) -> None:
        try:
            command(*arguments, **options)
        except ItrtError as error:
            raise fail(str(error)) from error
        except BrokenPipeError:
            raise  # Typer's: `itrt inspect ... | head` is no error
        except OSError as error:
            raise fail(f"{error.filename}: {error.strerror}" if error.filename else str(error)) from error
        except MemoryError as error:
            raise fail("not enough memory") from error
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "PIL":
                raise
            raise fail("Pillow: expected for image files, found none; pip install 'itrt[cli]'") from error

    return reporting
