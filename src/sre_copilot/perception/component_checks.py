"""Running a user's own check: a program without a shell, in an empty folder, without our environment, within time and size."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import IO

import re2  # type: ignore[import-untyped]

from sre_copilot.errors import SourceAnswerError, SourceError, SourceUnreachable, UsageError
from sre_copilot.settings.tools import PLACE, CheckParameter, CheckTool, Toolset

Value = str | int | float | bool
LONGEST_VALUE = 300  # characters of one value: a name with a namespace; longer is no name
ERROR_WORDS = 500  # characters of what a failed check wrote to standard error
AFTER_END_S = 1.0  # so long output may still come when the program has ended, from children that it left
_RUNNER = """
import importlib.util, json, sys
given = json.load(sys.stdin)
spec = importlib.util.spec_from_file_location("check", given["file"])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
found = getattr(module, given["function"])(**given["values"])
for each in found if isinstance(found, (list, tuple)) else [found]:
    print(each if isinstance(each, str) else json.dumps(each, ensure_ascii=False, default=str))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What a check printed, and how it ended."""

    command: str
    code: int
    output: str
    errors: str
    seconds: float
    cut: bool


def run_check(check: CheckTool, values: Mapping[str, Value]) -> Printed:
    """Run a check.

    Raises
    ------
    UsageError : when a value is not allowed; nothing was run
    SourceError : when it could not be run, took too long, or ended with a code that means failure
    """
    given = allowed(check, values)
    argv, stdin = _call(check, given)
    if shutil.which(argv[0]) is None:
        raise SourceUnreachable(
            check.name, f"there is no program {argv[0]}", remedy="install it, or correct command"
        )
    printed = _run(check, argv, stdin)
    if printed.code not in check.ok_exit_codes and not printed.cut:
        words = printed.errors.strip()[-ERROR_WORDS:] or printed.output.strip()[-ERROR_WORDS:]
        raise SourceAnswerError(check.name, f"{printed.command} ended with code {printed.code}: {words}")
    return printed


def unmet(toolset: Toolset) -> str:
    """The prerequisite that does not hold, in words; '' when all do."""
    for each in toolset.prerequisites:
        if missing := [name for name in each.env if not os.environ.get(name)]:
            return f"the environment variable {missing[0]} is not set"
        if each.command:
            probe = CheckTool(name="prerequisite", description="prerequisite", command=each.command)
            try:
                run_check(probe, {})
            except SourceError as error:
                return error.problem
    return ""


def allowed(check: CheckTool, values: Mapping[str, Value]) -> dict[str, Value]:
    """The values, each checked against its parameter."""
    if unknown := sorted(set(values) - set(check.parameters)):
        raise UsageError(f"{check.name}: there is no parameter {unknown[0]}")
    for name, parameter in check.parameters.items():
        if name not in values and parameter.required:
            raise UsageError(f"{check.name}: the parameter {name} is missing")
    return {name: _checked(check, name, check.parameters[name], value) for name, value in values.items()}


def _checked(check: CheckTool, name: str, parameter: CheckParameter, value: Value) -> Value:
    problem = ""
    kinds = {"integer": (int,), "number": (int, float), "boolean": (bool,), "string": (str,)}
    right = isinstance(value, kinds[parameter.type]) and (parameter.type == "boolean") == isinstance(
        value, bool
    )
    text = str(value)
    if not right:
        problem = f"must be a {parameter.type}"
    elif parameter.enum and text not in parameter.enum:
        problem = f"must be one of {', '.join(parameter.enum)}"
    elif parameter.type == "string":
        problem = _text_problem(parameter, text)
    if problem:
        raise UsageError(f"{check.name}: the parameter {name} {problem}")
    return value


def _text_problem(parameter: CheckParameter, text: str) -> str:
    if len(text) > LONGEST_VALUE:
        return f"is longer than {LONGEST_VALUE} characters"
    if text.startswith("-"):
        return "begins with a hyphen, as options of programs do"
    if re.search(r"[\x00-\x1f\x7f]", text):
        return "holds a control character"
    if not parameter.enum and re2.fullmatch(parameter.pattern, text) is None:
        return f"does not match {parameter.pattern}"
    return ""


def _call(check: CheckTool, values: Mapping[str, Value]) -> tuple[list[str], bytes]:
    if check.python is not None:
        given = {
            "file": str(check.python.file.resolve()),
            "function": check.python.function,
            "values": dict(values),
        }
        return [sys.executable, "-I", "-c", _RUNNER], json.dumps(given).encode()
    argv = []
    for part in check.command:
        names = PLACE.findall(part)
        if all(name in values for name in names):
            argv.append(PLACE.sub(lambda found: _written(values[found.group(1)]), part))
    return argv, b""


def _written(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _run(check: CheckTool, argv: list[str], stdin: bytes) -> Printed:
    shown = " ".join(argv) if check.python is None else f"{check.python.file.name}:{check.python.function}"
    began = time.monotonic()
    with TemporaryDirectory(prefix="check-") as folder:
        try:
            process = subprocess.Popen(  # noqa: S603 - argv of the operator's configuration, values checked, no shell
                argv, cwd=folder, env=_environment(check, folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise SourceUnreachable(check.name, f"{shown}: {error.strerror or error}") from None
        try:
            output = _Pipe(process, process.stdout, 4 * check.max_output_characters)
            errors = _Pipe(process, process.stderr, 4 * ERROR_WORDS, stops=False)
            _feed(process, stdin)
            code = process.wait(check.timeout_seconds)
        except subprocess.TimeoutExpired:
            raise SourceUnreachable(
                check.name,
                f"{shown} took longer than {check.timeout_seconds:g} s",
                remedy="raise timeout_seconds",
            ) from None
        finally:
            _end(process)
        text = output.text()
        return Printed(
            command=shown,
            code=code,
            output=text[: check.max_output_characters],
            errors=errors.text(),
            seconds=time.monotonic() - began,
            cut=output.full or len(text) > check.max_output_characters,
        )


def _environment(check: CheckTool, folder: str) -> dict[str, str]:
    own = {name: value.get_secret_value() for name, value in check.environment.items()}
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": folder, "LANG": "C.UTF-8", **own}


def _feed(process: subprocess.Popen[bytes], stdin: bytes) -> None:
    with suppress(BrokenPipeError):
        if process.stdin is not None:
            process.stdin.write(stdin)
            process.stdin.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and all that it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class _Pipe:
    """Reads a pipe in a thread, no more than is wanted; one that is full ends the program."""

    def __init__(
        self, process: subprocess.Popen[bytes], pipe: IO[bytes] | None, limit: int, *, stops: bool = True
    ) -> None:
        self._process, self._pipe, self._limit, self._stops = process, pipe, limit, stops
        self._parts: list[bytes] = []
        self.full = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def text(self) -> str:
        """All that came, escape sequences included."""
        self._thread.join(AFTER_END_S)
        return b"".join(self._parts)[: self._limit].decode("utf-8", errors="replace")

    def _read(self) -> None:
        size = 0
        while self._pipe is not None and (part := self._pipe.read1(65_536)):  # type: ignore[attr-defined]
            if size < self._limit:
                self._parts.append(part)
            size += len(part)
            if size > self._limit and self._stops:
                self.full = True
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                return
