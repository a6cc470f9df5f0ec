"""The table of faults fits the product's vocabulary, the shop and the documentation."""

import errno
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="the `lab` extra is not installed")

from lab.faults import FAULTS
from lab.faults.resource import DUMP, full
from lab.layout import CALLS, SERVICES, STORES, edges
from lab.record import plan

from sre_copilot.domain.faults import FAULT_TYPES


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_every_fault_has_a_type_of_the_vocabulary_and_strikes_something_that_exists(fault) -> None:
    assert fault.fault_type is None or fault.fault_type in FAULT_TYPES
    assert set(fault.services) <= {*SERVICES, *STORES}


def test_the_documentation_lists_every_fault() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "howto" / "lab.md").read_text(encoding="utf-8")
    assert [name for name in FAULTS if f"`{name}`" not in page] == []


def test_a_fault_that_cannot_befall_a_service_is_refused_with_those_it_can() -> None:
    with pytest.raises(ValueError, match="it can befall redis"):
        plan("redis-down", "cart")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_without_root_a_full_volume_still_refuses_writes_and_is_mended_afterwards(tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text("kept\n")
    with full(tmp_path, "labels.jsonl"), pytest.raises(OSError, match="No space left on device"):
        labels.write_text("lost\n")
    assert labels.read_text() == "kept\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_room_is_back_as_soon_as_the_dump_is_gone_and_gone_when_it_is_back(tmp_path: Path) -> None:
    labels, dump = tmp_path / "labels.jsonl", tmp_path / DUMP
    labels.write_text("kept\n")
    with full(tmp_path, "labels.jsonl"):
        assert refuses(labels)
        dump.replace(tmp_path / "elsewhere")
        until(lambda: not refuses(labels))
        (tmp_path / "elsewhere").replace(dump)
        until(lambda: refuses(labels))
        dump.unlink()
        until(lambda: not refuses(labels))
    assert labels.read_text().startswith("kept\n")
    assert [each.name for each in tmp_path.iterdir()] == ["labels.jsonl"]


def refuses(file: Path) -> bool:
    try:
        with file.open("a") as opened:
            opened.write("more\n")
    except OSError as error:
        return error.errno == errno.ENOSPC
    return False


def until(seen: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not seen():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_topology_reaches_every_process_from_the_entry() -> None:
    reached = {"gateway"}
    for caller in (*SERVICES, *SERVICES):
        reached |= set(CALLS[caller]) if caller in reached else set()
    assert reached == {*SERVICES, *STORES}
    assert all(caller != callee for caller, callee in edges())
