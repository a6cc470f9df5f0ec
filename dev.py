#!/usr/bin/env python3
"""One entry to everything a developer does; needs Python 3.11+, pip and git, nothing else.

The first call makes `.venv`, installs `requirements.lock` and this package into it, and remembers a hash of what it
installed; later calls start at once. What only development needs (`requirements-dev.lock`) comes with the first task
that needs it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
MARK = VENV / "installed.sha256"
DEVELOPMENT_MARK = VENV / "development.sha256"
EXTRAS_MARK = VENV / "extras.sha256"
AT_ONCE = (
    2  # installing unpacks and writes: two do it in little more than half the time, more wait for the disk
)


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
    if arguments.task not in ("lock", "demo") and (failed := install_development()):
        return failed
    return TASKS[arguments.task][0](arguments, rest)


def install() -> int:
    """Bring `.venv` in line with `requirements.lock` and `pyproject.toml`; do nothing when it already is."""
    wanted = _digest("requirements.lock", "pyproject.toml")
    if _holds(MARK, wanted):
        return 0
    print("dev.py: installing into .venv (once, about a minute)", file=sys.stderr)
    if not PYTHON.exists():
        venv.create(VENV, with_pip=True, clear=VENV.exists())
    if code := _pip_locked("requirements.lock") or _pip("--no-deps", "--no-build-isolation", "-e", "."):
        return code
    print("dev.py: compiling the numeric kernels of the log reader (once)", file=sys.stderr)
    if code := run(str(PYTHON), "-m", "sre_copilot.app.kernels", "log templates"):
        return code
    MARK.write_text(wanted)
    return 0


def install_development() -> int:
    """Bring in the tools of development, the libraries of the light extras, and every kernel."""
    wanted = _digest("requirements-dev.lock", "pyproject.toml")
    if _holds(DEVELOPMENT_MARK, wanted):
        return 0
    print("dev.py: installing the tools of development into .venv (once, about a minute)", file=sys.stderr)
    if code := _pip_locked("requirements-dev.lock"):
        return code
    print("dev.py: compiling the numeric kernels (once, about half a minute)", file=sys.stderr)
    if code := run(str(PYTHON), "-m", "sre_copilot.app.kernels"):
        return code
    DEVELOPMENT_MARK.write_text(wanted)
    return 0


def install_extras() -> int:
    """Bring in the libraries of the heavy extras (Prophet, Keras with JAX), which only the full suite needs."""
    wanted = _digest("requirements-extras.lock")
    if _holds(EXTRAS_MARK, wanted):
        return 0
    print("dev.py: installing the extras into .venv (once, one to two minutes)", file=sys.stderr)
    if code := _pip_locked("requirements-extras.lock"):
        return code
    EXTRAS_MARK.write_text(wanted)
    return 0


def _digest(*names: str) -> str:
    content = b"".join((ROOT / name).read_bytes() for name in names)
    return hashlib.sha256(content + sys.version.encode() + str(ROOT).encode()).hexdigest()


def _holds(mark: Path, wanted: str) -> bool:
    return PYTHON.exists() and mark.exists() and mark.read_text() == wanted


def _pip_locked(lock: str) -> int:
    """Install the pins of a lock file, several at a time: each stands for itself, for all that it needs is in the file."""
    pins = re.split(r"\n(?=[^\s#])", (ROOT / lock).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        parts = [Path(folder, f"{number}.txt") for number in range(AT_ONCE)]
        for number, part in enumerate(parts):
            part.write_text("\n".join(pins[number::AT_ONCE]), encoding="utf-8")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            codes = list(pool.map(lambda part: _pip("--require-hashes", "--no-deps", "-r", str(part)), parts))
    return max(codes, key=abs)


def _pip(*arguments: str) -> int:
    """Install, without compiling: what is imported is compiled then, and most of what is installed never is."""
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    if code := subprocess.run([*pip, *arguments], cwd=ROOT, check=False).returncode:
        print("dev.py: the installation failed; see pip's message above", file=sys.stderr)
    return code


def run(*command: str, **environment: str) -> int:
    """Run a command of the virtual environment in the project's folder and return its exit code.

    What Python compiled is kept, even where the environment says not to: else each process of the tests compiles
    every library again.
    """
    path = str(PYTHON.parent) + os.pathsep + os.environ.get("PATH", "")
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment, "PATH": path}
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
    return run(str(PYTHON), "-m", "pytest", "-n", "2", "--dist", "worksteal", "-rsfE", *marks, *rest)


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
    """Write the lock files: every pin with hashes, for every platform, without an address; `--upgrade` renews the pins."""
    command = (
        "uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url"
    )
    running = [*command.split(), "--group", "build", "pyproject.toml", "-c", "requirements-dev.lock"]
    everyday = [*command.split(), *rest, "--group", "dev", "pyproject.toml"]
    extras = [
        each
        for extra in ("actions", "documents", "kafka", "lab", "nats", "postgresql", "redis", "telemetry")
        for each in ("--extra", extra)
    ]
    if code := run(*everyday, *extras, "-o", "requirements-dev.lock"):
        return code
    if code := run(*running, "-o", "requirements.lock"):
        return code
    return run(*everyday, "--all-extras", "-c", "requirements-dev.lock", "-o", "requirements-extras.lock")


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
    "lock": (lock, "renew the three lock files (needs uv)"),
    "eval": (evaluate, "measure quality: dev.py eval rca DIR"),
    "bench": (bench, "measure speed beside peers: dev.py bench [NAME] [--json FILE]"),
    "lab": (lab, "the live shop: dev.py lab record --fault NAME"),
}

if __name__ == "__main__":
    sys.exit(main())
