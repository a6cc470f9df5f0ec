"""A branch of a repository, read and moved on by one commit at a time, without a work tree: nothing of what it holds is run or checked out."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sre_copilot.action.executor import ActionError, Call
from sre_copilot.action.executors.common import left, refused
from sre_copilot.action.executors.git.process import Git
from sre_copilot.action.executors.git.settings import GitExecutorSettings

TRAILER = "SRE-Copilot-Key"
MOST_BYTES = 2_000_000  # of a file: configuration that people write is far smaller
ATTEMPTS = 5  # to push on a branch that others push to at the same time
REGULAR = ("100644", "100755")


@dataclass(frozen=True, slots=True)
class Blob:
    """A file at a commit."""

    mode: str
    id: str


Changes = Callable[[str, Call], str | None]
"""From the head to a tree that is to follow it; None when nothing is to be done."""


class Repository:
    """One branch; safe to share between threads, of which one at a time is served."""

    def __init__(self, settings: GitExecutorSettings) -> None:
        self._settings, self._lock = settings, threading.Lock()
        self._folder: Path | None = None
        self.name, self.branch = settings.name, settings.branch

    @contextmanager
    def opened(self, call: Call | None) -> Iterator[str]:
        """The newest commit of the branch, fetched; nobody else uses the copy meanwhile."""
        if not self._lock.acquire(timeout=left(call, self.name, most=self._settings.timeout_seconds)):
            raise ActionError(f"{self.name}: the copy of the repository is in use; try again", effect="none", retry=True)  # fmt: skip
        try:
            yield self._fetched(call)
        finally:
            self._lock.release()

    def blob(self, head: str, path: str, call: Call | None) -> Blob | None:
        """The file at a path; None when there is none."""
        said = self.git.must("ls-tree", "-z", head, "--", path, call=call)
        for entry in filter(None, said.split("\0")):
            (mode, _, name), found = entry.partition("\t")[0].split(" "), entry.partition("\t")[2]
            if found == path and mode in REGULAR:
                return Blob(mode, name)
        return None

    def text(self, blob: str, call: Call | None) -> str:
        """What a file holds."""
        size = self.git.must("cat-file", "-s", blob, call=call)
        if int(size) > MOST_BYTES:
            raise refused(self.name, f"the file is longer than {MOST_BYTES} bytes; that is no configuration")
        said = self.git.local("cat-file", "blob", blob, call=call)
        try:
            return said.out.decode("utf-8")
        except UnicodeDecodeError:
            raise refused(self.name, "the file is no UTF-8; let a person change it") from None

    def with_text(self, head: str, path: str, text: str, call: Call) -> str:
        """The tree of a commit with another text in a file."""
        blob = self.git.must("hash-object", "-w", "--stdin", call=call, given=text.encode())
        return self.with_blob(head, path, blob, call)

    def with_blob(self, head: str, path: str, blob: str, call: Call | None) -> str:
        """The tree of a commit with another file at a path that is there."""
        present = self.blob(head, path, call)
        mode = present.mode if present else REGULAR[0]
        with self.index(head, call) as more:
            self.git.must(
                "update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}", call=call, more=more
            )
            return self.git.must("write-tree", call=call, more=more)

    @contextmanager
    def index(self, head: str, call: Call | None) -> Iterator[dict[str, str]]:
        """An index of its own that holds a commit, as environment of git."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            more = {"GIT_INDEX_FILE": f"{folder}/index"}
            self.git.must("read-tree", head, call=call, more=more)
            yield more

    def keyed(self, head: str, key: str, call: Call | None) -> str:
        """The commit that bears a key; '' when none does."""
        found = self.git.must(
            "log", "--fixed-strings", f"--grep={TRAILER}: {key}",
            f"--format=%H %(trailers:key={TRAILER},valueonly,separator=%x2C)", head, call=call,
        )  # fmt: skip
        pairs = (line.partition(" ") for line in found.splitlines())
        return next((commit for commit, _, keys in pairs if key in keys.split(",")), "")

    def move_on(self, title: str, call: Call, changes: Changes) -> str:
        """Put one commit on the branch, again when others were faster: its id, or '' when nothing was to be done."""
        for _ in range(ATTEMPTS):
            with self.opened(call) as head:
                if self.keyed(head, call.key, call):
                    return ""
                tree = changes(head, call)
                if tree is None:
                    return ""
                message = f"{title}\n\n{TRAILER}: {call.key}\n"
                commit = self.git.must("commit-tree", tree, "-p", head, call=call, given=message.encode())
                if call.cancelled():
                    raise ActionError(f"{self.name}: called off before anything was pushed", effect="none")
                if self.git.push(commit, self.branch, call):
                    return commit
        raise ActionError(f"{self.name}: others push to {self.branch} all the time; try again", effect="none", retry=True)  # fmt: skip

    def _fetched(self, call: Call | None) -> str:
        if self._folder is None:
            self._made()
        branch = f"refs/heads/{self.branch}"
        said = self.git.remote("fetch", "--quiet", "--no-tags", "origin", f"+{branch}:{branch}", call=call)
        if said.code:
            raise refused(self.name, f"branch: there is no branch {self.branch}; correct it")
        return self.git.must("rev-parse", "--verify", "--quiet", branch, call=call)

    def _made(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="sre-copilot-git-", dir=self._settings.folder))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.git = Git(self._settings, folder)
        self.git.must("init", "--quiet", "--bare", call=None)
        self.git.must("remote", "add", "origin", self._settings.url, call=None)
        self._folder = folder
