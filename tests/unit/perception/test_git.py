"""Commits and tags of a repository as changes."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceAnswerError, SourceRefused
from sre_copilot.perception.git import GitSettings, GitSource
from sre_copilot.perception.source import Reading
from sre_copilot.testing.source_contract import NOW, SourceContract


@dataclass
class Repository:
    path: Path
    url: str = ""
    page: int = 0

    def git(self, *arguments: str, at: int = NOW) -> None:
        date = {"GIT_AUTHOR_DATE": f"{at} +0000", "GIT_COMMITTER_DATE": f"{at} +0000"}
        who = {
            "GIT_AUTHOR_NAME": "A",
            "GIT_COMMITTER_NAME": "A",
            "GIT_AUTHOR_EMAIL": "a@b",
            "GIT_COMMITTER_EMAIL": "a@b",
        }
        own = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "PATH": os.environ["PATH"]}
        subprocess.run(
            ["git", "-C", str(self.path), *arguments], check=True, capture_output=True, env=date | who | own
        )

    def output(self, *arguments: str) -> str:
        said = subprocess.run(
            ["git", "-C", str(self.path), *arguments], check=True, capture_output=True, text=True
        )
        return said.stdout.strip()

    def commit(self, file: str, title: str, at: int) -> None:
        (self.path / file).parent.mkdir(parents=True, exist_ok=True)
        with (self.path / file).open("a") as content:
            content.write(title)
        self.git("add", "-A")
        self.git("commit", "-m", title, at=at)

    def store(self, times: Sequence[int]) -> None:
        for number, ts in enumerate(times):
            self.commit("file", f"number {number}", ts)

    def source(self, **settings: Any) -> GitSource:
        return GitSource(GitSettings.model_validate({"path": self.path} | settings))

    def times(self, reading: Reading) -> list[int]:
        return [round(change.ts) for change in reading.telemetry.changes or ()]


@contextmanager
def repository(folder: Path) -> Iterator[Repository]:
    found = Repository(folder / "shop")
    found.path.mkdir()
    found.git("init", "-b", "main")
    found.git("commit", "--allow-empty", "-m", "root", at=1_000_000_000)
    yield found


class TestGit(SourceContract):
    @contextmanager
    def system(self, folder: Path) -> Iterator[Repository]:
        with repository(folder) as running:
            yield running


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Repository]:
    with repository(tmp_path) as found:
        yield found


def test_a_commit_is_a_change_of_each_service_whose_paths_it_touches(shop: Repository) -> None:
    shop.commit("services/cart/main.py", "Cart: other time-out", NOW)
    shop.commit("README", "words", NOW + 1)
    source = shop.source(paths={"services/cart/*": "cart", "services/web/*": "web"})
    changes = source.read(Window(NOW, NOW + 60)).telemetry.changes
    assert changes is not None
    assert [(each.service, each.kind, each.text) for each in changes] == [
        ("cart", "commit", "Cart: other time-out")
    ]
    assert changes[0].detail["paths"] == "services/cart/main.py"


def test_a_tag_is_a_release(shop: Repository) -> None:
    shop.commit("a", "a", NOW)
    shop.git("tag", "-a", "v2", "-m", "second", at=NOW + 5)
    changes = shop.source(service="shop").read(Window(NOW + 5, NOW + 60)).telemetry.changes
    assert changes is not None
    assert [(each.ts, each.kind, each.text) for each in changes] == [(NOW + 5, "release", "tag v2: second")]


def test_a_repository_cannot_make_us_run_its_programs(shop: Repository, tmp_path: Path) -> None:
    trap, marker = tmp_path / "trap.sh", tmp_path / "ran"
    trap.write_text(f"#!/bin/sh\ntouch {marker}\ncat\n")
    trap.chmod(0o755)
    keys = ("core.fsmonitor", "core.pager", "diff.external", "core.sshCommand", "gpg.program", "diff.trap.textconv",
            "filter.trap.clean", "filter.trap.smudge")  # fmt: skip
    shop.commit(".gitattributes", "* diff=trap filter=trap\n", NOW - 60)
    shop.commit("a", "a", NOW)
    for key in keys:
        shop.git("config", key, str(trap))
    shop.git("config", "log.showSignature", "true")
    (shop.path / ".git/hooks/post-index-change").write_text(trap.read_text())
    assert not marker.exists()
    assert len(shop.source().read(Window(NOW, NOW + 60)).telemetry.changes or ()) == 1
    assert not marker.exists()


def test_more_commits_than_are_read_are_told(shop: Repository) -> None:
    shop.store([NOW, NOW + 1, NOW + 2])
    reading = shop.source(most_commits=2).read(Window(NOW, NOW + 60))
    assert [gap.message.key for gap in reading.gaps] == ["git.gap.cut"]
    assert shop.times(reading) == [NOW + 1, NOW + 2]


def test_what_is_no_repository_or_branch_is_said(tmp_path: Path, shop: Repository) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceRefused, match="no repository"):
        GitSource(GitSettings(path=tmp_path / "empty")).read(Window(0, 60))
    with pytest.raises(SourceRefused, match="no branch 'other'"):
        shop.source(branch="other").read(Window(0, 60))
    assert not shop.source(branch="other").health().ok


def test_a_branch_is_no_option() -> None:
    with pytest.raises(ValueError, match="begins with"):
        GitSettings(path=Path(), branch="--output=/tmp/x")


def test_a_title_or_a_name_cannot_pass_for_another_commit(shop: Repository) -> None:
    forged = "0" * 40 + f"\x1f{NOW}\x1fboss\x1fdrop all\x1f"
    shop.commit("a/\x1eodd name\nof two lines", f"plain\x1e{forged}\x1e / {forged}", NOW)
    shop.git("tag", "-a", "v1", "-m", f"tag\x1ev9\x1f{NOW}\x1f0\x1fdrop all\x1e", at=NOW)
    changes = shop.source(service="shop").read(Window(NOW, NOW + 60)).telemetry.changes or ()
    assert sorted(each.kind for each in changes) == ["commit", "release"]
    commit = next(each for each in changes if each.kind == "commit")
    assert commit.detail["by"] == "A"
    assert commit.detail["paths"] == "a/\x1eodd name\nof two lines"


def test_a_partial_clone_does_not_fetch_by_a_program_that_its_configuration_names(
    shop: Repository, tmp_path: Path
) -> None:
    trap, marker = tmp_path / "trap.sh", tmp_path / "ran"
    trap.write_text(f"#!/bin/sh\ntouch {marker}\n")
    trap.chmod(0o755)
    shop.commit("a", "a", NOW)
    for key, value in {
        "extensions.partialClone": "origin",
        "remote.origin.url": f"ext::{trap}",
        "remote.origin.promisor": "true",
        "protocol.ext.allow": "always",
        "core.repositoryFormatVersion": "1",
    }.items():
        shop.git("config", key, value)
    tree = shop.path / ".git/objects"
    sha = shop.output("rev-parse", "HEAD^{tree}")
    (tree / sha[:2] / sha[2:]).unlink()
    with pytest.raises(SourceAnswerError):
        shop.source().read(Window(NOW, NOW + 60))
    assert not marker.exists()


def test_who_committed_can_be_masked(shop: Repository) -> None:
    shop.commit("a", "a", NOW)
    (change,) = shop.source(mask=["by"]).read(Window(NOW, NOW + 60)).telemetry.changes or ()
    assert change.detail["by"].startswith("masked-")
