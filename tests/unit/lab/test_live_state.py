"""The file by which later commands find the running lab."""

import os
from pathlib import Path

import pytest
from lab.live import state
from lab.live.state import State


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(state.VARIABLE, str(tmp_path / "work"))
    return tmp_path / "work"


def running(pid: int) -> State:
    return State(
        pid=pid, shop_folder="/shop", prometheus_url="http://127.0.0.1:1", jaeger_url="http://127.0.0.1:2"
    )


def test_a_running_lab_is_found_by_what_it_left() -> None:
    running(os.getpid()).write()
    assert State.read() == running(os.getpid())


def test_only_its_owner_may_read_it(folder: Path) -> None:
    running(os.getpid()).write()
    assert (folder / "state.json").stat().st_mode & 0o077 == 0


def test_without_a_lab_the_way_to_start_one_is_told() -> None:
    with pytest.raises(ValueError, match="lab up"):
        State.read()


def test_a_lab_whose_process_has_ended_is_told_to_have_ended() -> None:
    running(2**22 + 1).write()
    with pytest.raises(ValueError, match="has ended"):
        State.read()


def test_a_file_that_is_cut_off_is_no_lab(folder: Path) -> None:
    running(os.getpid()).write()
    (folder / "state.json").write_text('{"pid": 1', encoding="utf-8")
    with pytest.raises(ValueError, match="lab up"):
        State.read()


def test_a_forgotten_lab_is_gone() -> None:
    running(os.getpid()).write()
    state.forget()
    state.forget()
    with pytest.raises(ValueError, match="no lab"):
        State.read()
