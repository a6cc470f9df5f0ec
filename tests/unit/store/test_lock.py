"""One process a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from sre_copilot.errors import StoreError
from sre_copilot.store.lock import FolderLock


def test_a_folder_is_one_process_s_until_it_lets_go(tmp_path: Path) -> None:
    first = FolderLock(tmp_path / "data")
    with pytest.raises(StoreError, match=r"store\.folder .*another"):
        FolderLock(tmp_path / "data")
    first.close()
    first.close()
    FolderLock(tmp_path / "data").close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(StoreError, match=r"store\.folder"):
        FolderLock(tmp_path / "taken" / "data")
