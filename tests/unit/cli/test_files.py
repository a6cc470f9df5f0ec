from __future__ import annotations

from pathlib import Path

import pytest

from sre_copilot.cli.files import check_writable, write_file
from sre_copilot.errors import UsageError


def test_a_check_leaves_no_file_and_changes_none(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text("kept")
    check_writable(old, option="--json")
    check_writable(tmp_path / "new.json", option="--json")
    assert old.read_text() == "kept"
    assert not (tmp_path / "new.json").exists()


def test_a_refusal_says_the_option_the_reason_and_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"--out .*No such file or directory\. Name a file in a folder that exists"
    ):
        write_file(tmp_path / "no" / "a.md", "x", option="--out")
    with pytest.raises(UsageError, match=r"--json .*Is a directory\. Name a file in that folder"):
        check_writable(tmp_path, option="--json")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
def test_a_full_disk_is_told_from_an_absent_folder() -> None:
    with pytest.raises(UsageError, match=r"No space left on device\. Free some space"):
        write_file(Path("/dev/full"), "x", option="--out")
