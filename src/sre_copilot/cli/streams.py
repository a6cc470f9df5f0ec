"""Standard output and standard error, whatever they lead to: a terminal, a file, a pipe that was closed, a full disk."""

from __future__ import annotations

import errno
import os
import sys
from io import TextIOWrapper

import typer
from rich.console import Console

PIPED_WIDTH = 1000  # a file or pipe has no edge: a table is as wide as what it holds
OUT_OF_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
_STRICT = {"strict", "surrogateescape"}  # both fail on a character that the encoding lacks


def accept_any_character() -> None:
    """Let a character that the encoding of a stream lacks become a `?` there instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors in _STRICT:
            stream.reconfigure(errors="replace")


def table_console() -> Console:
    """A console for tables that nothing is cut out of: as wide as the terminal, or, piped, as what is printed."""
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPED_WIDTH
    return console


def print_document(text: str) -> None:
    """Print a document (JSON, HTML, Markdown): to a file or pipe as UTF-8, which it is by definition."""
    to_terminal = sys.stdout is None or sys.stdout.isatty()
    typer.echo(text if to_terminal else text.encode("utf-8", errors="replace"))


def flush() -> None:
    """Write what is still buffered, so that an error of the last line is met here and not at exit."""
    if sys.stdout is not None:
        sys.stdout.flush()


def discard() -> None:
    """Lead standard output nowhere: what is still buffered cannot be written, and exit would try once more."""
    if sys.stdout is None:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    except OSError:  # not a stream of this process
        pass
    finally:
        os.close(nowhere)


def is_output_error(error: BaseException) -> bool:
    """Whether standard output took no more: an error of a stream names no file."""
    return isinstance(error, OSError) and error.filename is None and error.errno in OUT_OF_ROOM
