"""One process a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sre_copilot.cli.main import run
from sre_copilot.errors import SettingsError, StoreError
from sre_copilot.store.lock import FolderLock


def test_a_folder_is_one_process_s_until_it_lets_go(tmp_path: Path) -> None:
    first = FolderLock(tmp_path / "data")
    with pytest.raises(
        SettingsError, match=rf"store\.folder .*another.*process {os.getpid()}\).*name another folder"
    ):
        FolderLock(tmp_path / "data")
    assert run(lambda: FolderLock(tmp_path / "data")) == 2
    first.close()
    first.close()
    FolderLock(tmp_path / "data").close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(StoreError, match=r"store\.folder"):
        FolderLock(tmp_path / "taken" / "data")


@pytest.mark.parametrize(
    ("signed", "said"),
    [("4711 elsewhere\n", "process 4711 on elsewhere"), ("", "works in it."), ("who knows", "works in it.")],
)
def test_who_holds_it_is_said_as_far_as_it_is_known(tmp_path: Path, signed: str, said: str) -> None:
    held = FolderLock(tmp_path)
    (tmp_path / "lock").write_text(signed)
    with pytest.raises(SettingsError, match=said):
        FolderLock(tmp_path)
    held.close()
