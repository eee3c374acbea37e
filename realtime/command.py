"""What every command has in common: how it fails, and what it says when an extra is not installed."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console

from ..models import ConfigError, ModelError, SourceError, passed_over
from .threads import MayHang, at_work

DONE, FAULT, BAD_INPUT, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143
"""Exit codes of every command."""

stderr = Console(stderr=True, highlight=False, soft_wrap=True)
"""Progress, logs and errors; results go to stdout."""


def new_app() -> typer.Typer:
    """Return a command-line app whose errors are lines, not tracebacks in boxes."""
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")


def run_app(app: Callable[[], object]) -> NoReturn:
    """Run a command and leave the process: bad input is one line and exit code 2."""
    others = at_work()
    try:
        app()
        _leave(DONE, others)
    except (SourceError, ModelError, ConfigError) as error:
        say_error(str(error))
        _leave(BAD_INPUT, others)
    except KeyboardInterrupt:
        _leave(INTERRUPTED, others)
    except SystemExit as leaving:
        _leave(leaving.code, others)


def _leave(code: int | str | None, others: set[MayHang]) -> NoReturn:
    """End the process; at once where a thread of this command hangs: the interpreter would abort in it."""
    if not (isinstance(code, int) and at_work() - others):
        sys.exit(code)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def say_error(message: str) -> None:
    """Print one line to stderr."""
    stderr.print(f"[bold red]error:[/] {_plain(message)}")


def say_taken(models: Iterable[str | Path], flag: str = "--model") -> None:
    """Print a line for each shipped model beside which a folder of its name lies: which of the two is taken."""
    for model in models:
        if (folder := passed_over(model)) is not None:
            say = (
                f"{flag} {model}: the shipped model is taken, not the folder; for that give {flag} ./{folder}"
            )
            stderr.print(say, style="yellow", markup=False)


def need_extra(extra: str, *modules: str) -> None:
    """Raise ConfigError with the pip line that mends it unless these modules are installed."""
    absent = [module for module in modules if importlib.util.find_spec(module) is None]
    if absent:
        raise ConfigError(f'{", ".join(absent)}: not installed; mend it with: pip install "actrec[{extra}]"')


def _plain(message: str) -> str:
    return " ".join(message.split()).replace("[", r"\[")
