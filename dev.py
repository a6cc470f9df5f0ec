#!/usr/bin/env python3
"""One entry to everything a developer does; needs Python 3.11+, pip and git, nothing else.

The first call makes `.venv`, installs `requirements.lock` and this package into it, and remembers a hash of what it
installed; later calls start at once.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
MARK = VENV / "installed.sha256"
EXTRAS_MARK = VENV / "extras.sha256"


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and run one task."""
    parser = argparse.ArgumentParser(
        prog="dev.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    tasks = parser.add_subparsers(dest="task", required=True, metavar="TASK")
    for name, (_, text) in TASKS.items():
        task = tasks.add_parser(name, help=text, description=text, add_help=name not in PASS_THROUGH)
        if name == "test":
            task.add_argument(
                "--all", action="store_true", help="integration, browser and durability tests too"
            )
    arguments, rest = parser.parse_known_args(argv)
    if sys.version_info < (3, 11):  # noqa: UP036 (an older interpreter is what a newcomer may start it with)
        print("dev.py: Python 3.11 or newer is needed", file=sys.stderr)
        return 2
    if rest and arguments.task not in (*PASS_THROUGH, "test"):
        parser.error(f"unknown arguments: {' '.join(rest)}")
    if arguments.task != "lock" and (failed := install()):
        return failed
    return TASKS[arguments.task][0](arguments, rest)


def install() -> int:
    """Bring `.venv` in line with the lock file and `pyproject.toml`; do nothing when it already is."""
    wanted = hashlib.sha256(
        b"".join((ROOT / name).read_bytes() for name in ("requirements.lock", "pyproject.toml"))
        + sys.version.encode()
        + str(ROOT).encode()
    ).hexdigest()
    if MARK.exists() and MARK.read_text() == wanted and PYTHON.exists():
        return 0
    print("dev.py: installing into .venv (once, one to two minutes)", file=sys.stderr)
    if not PYTHON.exists():
        venv.create(VENV, with_pip=True, clear=VENV.exists())
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    for step in (  # what is imported is compiled then; most of what is installed never is
        [*pip, "--require-hashes", "--no-deps", "-r", "requirements.lock"],
        [*pip, "--no-deps", "--no-build-isolation", "-e", "."],
    ):
        if code := subprocess.run(step, cwd=ROOT, check=False).returncode:
            print("dev.py: the installation failed; see pip's message above", file=sys.stderr)
            return code
    print("dev.py: compiling the numeric kernels (once, about half a minute)", file=sys.stderr)
    if code := run(str(PYTHON), "-m", "sre_copilot.app.kernels"):
        return code
    MARK.write_text(wanted)
    return 0


def install_extras() -> int:
    """Bring in the libraries of the heavy extras (Prophet, Keras with JAX), which only the full suite needs."""
    wanted = hashlib.sha256((ROOT / "requirements-extras.lock").read_bytes()).hexdigest()
    if EXTRAS_MARK.exists() and EXTRAS_MARK.read_text() == wanted:
        return 0
    print("dev.py: installing the extras into .venv (once, one to two minutes)", file=sys.stderr)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    step = [*pip, "--require-hashes", "--no-deps", "-r", "requirements-extras.lock"]
    if code := subprocess.run(step, cwd=ROOT, check=False).returncode:
        return code
    EXTRAS_MARK.write_text(wanted)
    return 0


def run(*command: str, **environment: str) -> int:
    """Run a command of the virtual environment in the project's folder and return its exit code."""
    folder = str(PYTHON.parent)
    env = {**os.environ, **environment, "PATH": folder + os.pathsep + os.environ.get("PATH", "")}
    return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode


def demo(_: argparse.Namespace, __: list[str]) -> int:
    """Investigate a recorded incident and write its HTML report."""
    return run(str(PYTHON), "-m", "sre_copilot.cli.demo")


def test(arguments: argparse.Namespace, rest: list[str]) -> int:
    """Run the linters and the tests; `--all` adds those that start servers and a browser, and the soak."""
    if not rest and (failed := lint(arguments, [])):
        return failed
    if arguments.all and (failed := install_extras()):
        return failed
    marks = [] if arguments.all else ["-m", "not integration and not browser and not durability"]
    return run(str(PYTHON), "-m", "pytest", "-n", "2", "--dist", "worksteal", "-rs", *marks, *rest)


def lint(_: argparse.Namespace, __: list[str]) -> int:
    """Run ruff, mypy and the import contracts."""
    for command in (
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("lint-imports", "--no-logo"),
    ):
        if code := run(*command):
            return code
    return 0


def docs(_: argparse.Namespace, __: list[str]) -> int:
    """Build the documentation into `site/`."""
    return run("mkdocs", "build", "--strict")


def lock(_: argparse.Namespace, rest: list[str]) -> int:
    """Write both lock files: every pin with hashes, for every platform, without an address; `--upgrade` renews the pins."""
    command = (
        "uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url"
    )
    everyday = [*command.split(), *rest, "--group", "dev", "pyproject.toml"]
    extras = [
        each
        for extra in ("actions", "documents", "kafka", "lab", "nats", "postgresql", "redis", "telemetry")
        for each in ("--extra", extra)
    ]
    if code := run(*everyday, *extras, "-o", "requirements.lock"):
        return code
    return run(*everyday, "--all-extras", "-c", "requirements.lock", "-o", "requirements-extras.lock")


def evaluate(_: argparse.Namespace, rest: list[str]) -> int:
    """Pass everything on to `sre-copilot eval`."""
    return run(str(PYTHON), "-m", "sre_copilot", "eval", *rest)


def lab(_: argparse.Namespace, rest: list[str]) -> int:
    """Pass everything on to the lab (a small live shop with real faults)."""
    return run(str(PYTHON), "-m", "lab", *rest)


def bench(_: argparse.Namespace, rest: list[str]) -> int:
    """Pass everything on to the benchmarks."""
    return run(str(PYTHON), "-m", "benchmarks", *rest)


PASS_THROUGH = ("eval", "lab", "bench")
TASKS = {
    "demo": (demo, "investigate a recorded incident, end to end"),
    "test": (test, "everything that must pass; further arguments go to pytest"),
    "lint": (lint, "ruff, mypy, import contracts"),
    "docs": (docs, "build the documentation"),
    "lock": (lock, "renew requirements.lock and requirements-extras.lock (needs uv)"),
    "eval": (evaluate, "measure quality: dev.py eval rca DIR"),
    "bench": (bench, "measure speed beside peers: dev.py bench [NAME] [--json FILE]"),
    "lab": (lab, "the live shop: dev.py lab record --fault NAME"),
}

if __name__ == "__main__":
    sys.exit(main())
