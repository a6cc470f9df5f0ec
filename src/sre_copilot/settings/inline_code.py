"""Code in a command line: what a shell or another interpreter is given to run instead of a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_SHELL = re.compile(r"(?:ba|da|z|k|a|fi)?sh")
_OTHERS = {
    "python": re.compile(r"(?:python|pypy)[\d.]*w?"),
    "perl": re.compile(r"perl[\d.]*"),
    "ruby": re.compile(r"ruby[\d.]*"),
    "node": re.compile(r"node(?:js)?"),
}
_FLAG = {
    "python": re.compile(r"-[bBdEhiIOPqsSuvx]*c(.*)", re.DOTALL),
    "perl": re.compile(r"-[acflnpstTuUvwW0-9]*[eE](.*)", re.DOTALL),
    "ruby": re.compile(r"-[acdlnpsSvwW0-9]*e(.*)", re.DOTALL),
    "node": re.compile(r"(?:-[cip]*[ep]|--eval(?:=|$)|--print(?:=|$))(.*)", re.DOTALL),
}
_WITH_VALUE = {
    "shell": re.compile(r"[-+][A-Za-z]*[oO]|--rcfile|--init-file"),
    "python": re.compile(r"-[WX]"),
    "perl": re.compile(r"-I"),
    "ruby": re.compile(r"-[IrCEK]"),
    "node": re.compile(r"-r|--require|--import"),
}


def inline_code(command: Sequence[str]) -> Iterator[str]:
    """The parts of a command that an interpreter runs as code, wherever in the command it is called."""
    for at, part in enumerate(command):
        program = re.split(r"[/\\]", part)[-1].lower().removesuffix(".exe")
        if _SHELL.fullmatch(program):
            yield from _of_shell(command[at + 1 :])
        for family, names in _OTHERS.items():
            if names.fullmatch(program):
                yield from _of(family, command[at + 1 :])


def _of_shell(parts: Sequence[str]) -> Iterator[str]:
    """Behind `-c`, alone or among other letters, the first part that is no option."""
    runs = value = False
    for part in parts:
        if value:
            value = False
        elif not part.startswith(("-", "+")) or part in ("-", "--"):
            if part in ("-", "--"):
                continue
            if runs:
                yield part
            return
        else:
            runs = runs or re.fullmatch(r"-[A-Za-z]*c[A-Za-z]*", part) is not None
            value = _WITH_VALUE["shell"].fullmatch(part) is not None


def _of(family: str, parts: Sequence[str]) -> Iterator[str]:
    """Behind each flag for code, or in the same part with it."""
    runs = value = False
    for part in parts:
        if runs:
            yield part
            runs = False
            if family == "python":
                return
        elif value:
            value = False
        elif not part.startswith("-"):
            return
        elif flag := _FLAG[family].fullmatch(part):
            yield flag[1]
            runs = not flag[1]
        else:
            value = _WITH_VALUE[family].fullmatch(part) is not None
