"""What is done by hand on the machines of the shop: once for each key, and taken back."""

from __future__ import annotations

import json
import shutil
import time
import xmlrpc.client
from pathlib import Path

import pytest
from lab import certificates, upkeep
from lab.layout import SECURE, free_ports
from lab.stack import ALREADY_STARTED, _but
from lab.upkeep import NO, NOTHING_DONE, UNKNOWN, YES, main

DO, UNDO = "PLAN-1/s1/do", "PLAN-1/s1/undo"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "labels.jsonl").write_text("kept\n")
    (volume / "core.dump").write_bytes(b"\0" * 5000)
    return tmp_path


def run(shop: Path, *words: str) -> int:
    return main([str(shop), *words])


def said(shop: Path, what: str, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    capsys.readouterr()
    assert run(shop, what, "look") == YES
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_dumps_are_moved_away_and_back_and_nothing_else_is(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = said(shop, "disk", capsys)
    assert before == {"core.dump": 5000}
    assert [run(shop, "disk", "check"), run(shop, "disk", "try")] == [NO, YES]
    assert [run(shop, "disk", "do", DO), run(shop, "disk", "check")] == [YES, YES]
    assert [each.name for each in (shop / "volume").iterdir()] == ["labels.jsonl"]
    assert run(shop, "disk", "do", DO) == YES, "once more changes nothing"
    assert run(shop, "disk", "undo", UNDO) == YES
    assert said(shop, "disk", capsys) == before
    assert not list((shop / "quarantine").rglob("*.dump"))


def test_what_was_written_since_stays_and_a_link_takes_the_place_of_a_dump(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = said(shop, "disk", capsys)
    run(shop, "disk", "do", DO)
    monkeypatch.setattr(upkeep, "room", lambda folder: 4999)
    assert run(shop, "disk", "undo", UNDO) == YES
    assert (shop / "volume" / "core.dump").is_symlink()
    assert said(shop, "disk", capsys) == before
    assert run(shop, "disk", "do", "PLAN-2/s1/do") == YES
    assert not (shop / "volume" / "core.dump").is_symlink()


def test_a_volume_without_dumps_has_nothing_to_be_done(shop: Path) -> None:
    (shop / "volume" / "core.dump").unlink()
    assert [run(shop, "disk", "try"), run(shop, "disk", "check")] == [NOTHING_DONE, YES]


def test_a_copy_that_fails_leaves_nothing_behind(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    assert run(shop, "disk", "do", DO) == UNKNOWN
    assert (shop / "volume" / "core.dump").exists()
    assert not [each for each in (shop / "quarantine").rglob("*") if each.is_file()]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="not installed here: openssl")
def test_a_certificate_is_renewed_the_former_one_kept_and_put_back(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tls = shop / "tls"
    certificates.create_authority(tls)
    certificates.issue(tls, SECURE, valid_until=time.time() - 60)
    (shop / "shop.json").write_text(json.dumps({"ports": {SECURE: free_ports(1)[0]}}))
    before, file = said(shop, "certificate", capsys), (tls / f"{SECURE}.pem").read_bytes()
    assert [run(shop, "certificate", "check"), run(shop, "certificate", "try")] == [NO, YES]
    assert [run(shop, "certificate", "do", DO), run(shop, "certificate", "do", DO)] == [YES, YES]
    assert certificates.valid_until(tls / f"{SECURE}.pem") - time.time() > upkeep.ENOUGH_S
    assert run(shop, "certificate", "check") == UNKNOWN, "nobody serves it"
    assert run(shop, "certificate", "try") == NOTHING_DONE
    assert run(shop, "certificate", "undo", UNDO) == YES
    assert (tls / f"{SECURE}.pem").read_bytes() == file
    assert said(shop, "certificate", capsys) == before


def test_an_undo_of_what_was_never_done_says_so(shop: Path) -> None:
    (shop / "tls").mkdir()
    assert run(shop, "certificate", "undo", UNDO) == UNKNOWN
    assert run(shop, "disk", "undo", UNDO) == YES, "there is nothing to move back"


def test_of_supervisor_only_the_answer_that_it_is_so_already_is_passed_over() -> None:
    with _but(ALREADY_STARTED):
        raise xmlrpc.client.Fault(ALREADY_STARTED, "ALREADY_STARTED: redis")
    with pytest.raises(xmlrpc.client.Fault, match="SPAWN_ERROR"), _but(ALREADY_STARTED):
        raise xmlrpc.client.Fault(50, "SPAWN_ERROR: redis")
