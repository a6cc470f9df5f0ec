"""The releases of the shop in a Git repository, as teams keep them that deploy what a branch says: a commit rolls out, reverting it rolls back."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from lab import control
from lab.layout import SERVICES
from lab.stack import Shop

BRANCH = "main"
FOLDER = "releases"
PATTERN = f"{FOLDER}/*.json"
LOOK_S = 1.0  # how soon a commit is rolled out
_WHO = ("-c", "user.name=delivery", "-c", "user.email=delivery@localhost")


def repository(shop: Path) -> Path:
    """Where the repository of a shop lies, if it has one."""
    return shop / "releases.git"


@contextmanager
def delivering(shop: Shop) -> Iterator[None]:
    """Keep the releases in a repository, and roll out what its branch says while the context is open."""
    folder = repository(shop.folder)
    _git(folder.parent, "init", "-q", "--bare", "-b", BRANCH, str(folder))
    running = {name: control.read_release(shop.folder, name) for name in SERVICES}
    head = _commit(folder, running, "as it runs")  # what comes after it is rolled out, however soon
    ended = threading.Event()
    thread = threading.Thread(target=_follow, args=(shop, folder, ended, head), name="delivery", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(5)


def commit(shop: Path, service: str, release: control.Release) -> str:
    """Commit the next release of a service; delivery rolls it out. The id of the commit.

    What runs now is committed first where the branch says otherwise, so that reverting goes back to it.
    """
    folder, running = repository(shop), control.read_release(shop, service)
    if _at(folder, service) != running:
        _commit(folder, {service: running}, f"{service} as it runs")
    return _commit(folder, {service: release}, f"{service} {release.version}")


def _commit(folder: Path, releases: dict[str, control.Release], text: str) -> str:
    """One commit on top of the branch, without a work tree."""
    head = _git(folder, "rev-parse", "-q", "--verify", BRANCH, check=False)
    index = {"GIT_INDEX_FILE": str(folder / f"index-{threading.get_ident()}")}
    _git(folder, "read-tree", *([head] if head else ["--empty"]), more=index)
    for name, release in releases.items():
        blob = _git(
            folder, "hash-object", "-w", "--stdin", given=json.dumps(asdict(release), indent=1) + "\n"
        )
        _git(
            folder,
            "update-index",
            "--add",
            "--cacheinfo",
            f"100644,{blob},{FOLDER}/{name}.json",
            more=index,
        )
    tree = _git(folder, "write-tree", more=index)
    made = _git(folder, *_WHO, "commit-tree", tree, *(["-p", head] if head else []), "-m", text)
    _git(folder, "update-ref", f"refs/heads/{BRANCH}", made, head or "0" * 40)
    return made


def _at(folder: Path, service: str, commit: str = BRANCH) -> control.Release:
    content = json.loads(_git(folder, "show", f"{commit}:{FOLDER}/{service}.json"))
    return control.Release(content["version"], tuple(content["defects"]))


def _follow(shop: Shop, folder: Path, ended: threading.Event, head: str) -> None:
    known = {name: _at(folder, name, head) for name in SERVICES}
    while not ended.wait(LOOK_S):
        if (now := _git(folder, "rev-parse", BRANCH)) == head:
            continue
        head, wanted = now, {name: _at(folder, name, now) for name in SERVICES}
        for name in (name for name in SERVICES if wanted[name] != known[name]):
            shop.releases[name] = wanted[name]
            control.write_release(shop.folder, name, wanted[name])
            shop.signal(name, signal.SIGHUP)
        known = wanted


def _git(
    folder: Path,
    *words: str,
    given: str | None = None,
    more: dict[str, str] | None = None,
    check: bool = True,
) -> str:
    """Run git; settings of this machine and its users do not count."""
    clean = {"PATH": "/usr/bin:/bin:/usr/local/bin", "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(folder.parent)}
    ran = subprocess.run(
        ["git", *words],
        cwd=folder,
        env={**clean, **(more or {})},
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    if check and ran.returncode:
        raise RuntimeError(f"git {words[0]}: {ran.stderr.strip()[:300]}")
    return ran.stdout.strip()
