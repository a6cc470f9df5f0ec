"""Log files as a source: formats, encodings, the past."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.unit.perception.log_files import follower, keys, stamp, texts, whole

from sre_copilot.domain.signals import Window
from sre_copilot.perception.files import FilesSettings, FilesSource
from sre_copilot.perception.lines import file_history
from sre_copilot.perception.source import Reading
from sre_copilot.testing.source_contract import SourceContract


class System:
    """A folder of log files; it has no pages."""

    url = ""
    page = 0

    def __init__(self, folder: Path) -> None:
        self.file = folder / "shop.log"

    def store(self, times: Sequence[int]) -> None:
        with self.file.open("a") as file:
            file.writelines(f"{stamp(t)} INFO line\n" for t in times)

    def source(self, **settings: Any) -> FilesSource:
        return FilesSource(FilesSettings(**{"paths": [str(self.file)], **settings}))

    def times(self, reading: Reading) -> list[int]:
        return [ts // 10**9 for ts in texts(reading, "ts_ns")]


class TestContract(SourceContract):
    """What every source must keep to."""

    @contextmanager
    def system(self, folder: Path) -> Iterator[System]:
        system = System(folder)
        system.file.touch()
        yield system


ROWS = {
    "plain": ("2024-03-05 10:11:12,123 WARN slow", "2024-03-05T10:11:12.123", "WARN"),
    "json": ('{"ts":1709633472.123,"level":"error","msg":"broke"}', "2024-03-05T10:11:12.123", "error"),
    "logfmt": ('time="2024-03-05T10:11:12.123Z" level=info msg="a b"', "2024-03-05T10:11:12.123", "info"),
    "access": ('10.0.0.1 - - [05/Mar/2024:11:11:12 +0100] "GET / HTTP/1.1" 502 17', "2024-03-05T10:11:12", "error"),
    "apache error": ("[Tue Mar 05 10:11:12.123456 2024] [core:error] [pid 1] no", "2024-03-05T10:11:12.123456", "error"),
    "nginx error": ("2024/03/05 10:11:12 [crit] 7#7: *1 no", "2024-03-05T10:11:12", "crit"),
    "syslog": ("<11>Mar  5 10:11:12 node-1 sshd[7]: refused", "2024-03-05T10:11:12", "error"),
    "syslog 5424": ("<14>1 2024-03-05T10:11:12.123Z node-1 app 7 - - hi", "2024-03-05T10:11:12.123", "info"),
    "klog": ("E0305 10:11:12.123456       1 main.go:1] no", "2024-03-05T10:11:12.123456", "ERROR"),
    "tomcat": ("05-Mar-2024 10:11:12.123 SEVERE [main] no", "2024-03-05T10:11:12.123", "SEVERE"),
    "xml": ('<event time="2024-03-05T10:11:12.123Z" level="error"><message>no</message></event>', "2024-03-05T10:11:12.123", "error"),
    "level first": ("ERROR [2024-03-05 10:11:12.123] no", "2024-03-05T10:11:12.123", "ERROR"),
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(ROWS))
def test_the_usual_formats_are_read(tmp_path: Path, kind: str) -> None:
    line, when, level = ROWS[kind]
    (tmp_path / "a.log").write_text(line + "\n")
    os.utime(tmp_path / "a.log", (1709700000, 1709700000))
    reading = whole(tmp_path)
    assert texts(reading) == [line]
    expected = round(datetime.fromisoformat(when).replace(tzinfo=UTC).timestamp() * 10**6) * 1000
    assert texts(reading, "ts_ns") == [expected]
    assert texts(reading, "level") == [level]


def test_times_without_a_zone_are_of_the_zone_that_is_set(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("2024-03-05 10:00:00 x\n2024-03-05T10:00:00Z y\n")
    reading = whole(tmp_path, timezone="Asia/Shanghai")
    first, second = texts(reading, "ts_ns")
    assert texts(reading) == ["2024-03-05 10:00:00 x", "2024-03-05T10:00:00Z y"]
    assert second - first == 8 * 3600 * 10**9


def test_a_stack_trace_is_one_event(tmp_path: Path) -> None:
    java = "2024-03-05 10:00:00 ERROR no\njava.lang.Error: x\n\tat a.B(C.java:1)\nCaused by: y\n\t... 3 more"
    python = "2024-03-05 10:00:01 ERROR no\nTraceback (most recent call last):\n  File 'a'\nValueError: b"
    (tmp_path / "a.log").write_text(f"{java}\n{python}\n2024-03-05 10:00:02 INFO fine\n")
    found = texts(whole(tmp_path, event_start=r"^\d{4}-"))
    assert found == [java, python, "2024-03-05 10:00:02 INFO fine"]
    assert texts(whole(tmp_path))[-2:] == found[-2:]


def test_records_of_an_xml_document_are_events(tmp_path: Path) -> None:
    text = """<?xml version="1.0"?>
<events xmlns:log4j="http://jakarta.apache.org/log4j/">
<log4j:event logger="shop" timestamp="1709632800123" level="ERROR" thread="main">
  <log4j:message><![CDATA[no <money>]]></log4j:message>
</log4j:event>
<log4j:event logger="shop" timestamp="1709632801123" level="INFO" thread="main"><log4j:message>ok</log4j:message></log4j:event>
</events>
"""
    (tmp_path / "a.log").write_text(text)
    reading = whole(tmp_path)
    assert texts(reading, "level") == ["ERROR", "INFO"]
    assert texts(reading, "ts_ns") == [1709632800123 * 10**6, 1709632801123 * 10**6]
    assert "no <money>" in texts(reading)[0]


def test_a_bomb_of_entities_is_a_line_and_no_harm(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    (tmp_path / "a.log").write_text(f"2024-03-05 10:00:00 start\n{bomb}\n")
    assert texts(whole(tmp_path))[-1] == bomb


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030", "latin-1"])
def test_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    word = "naïve" if encoding == "latin-1" else "支付失败"
    (tmp_path / "a.log").write_bytes(f"2024-03-05 10:00:00 {word}\n2024-03-05 10:00:01 x\n".encode(encoding))
    given = "auto" if encoding.startswith("utf") else encoding
    source = follower(tmp_path, encoding=given)
    assert texts(source.poll()) == [f"2024-03-05 10:00:00 {word}", "2024-03-05 10:00:01 x"]


def test_bytes_that_are_no_text_stay_visible(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"2024-03-05 10:00:00 \xff\xfe broken\n")
    assert texts(whole(tmp_path)) == ["2024-03-05 10:00:00 \\xff\\xfe broken"]


def test_service_and_instance_come_from_the_line_the_path_or_the_name(tmp_path: Path) -> None:
    (tmp_path / "pod-7").mkdir()
    (tmp_path / "pod-7" / "cart.log").write_text('2024-03-05 10:00:00 a\n{"ts":1709632801,"service":"pay"}\n')
    reading = whole(tmp_path / "pod-7", path_fields="/(?P<instance>pod-[0-9]+)/")
    assert texts(reading, "service") == ["cart", "pay"]
    assert texts(reading, "instance") == ["pod-7", "pod-7"]


def test_a_line_without_a_time_has_that_of_the_line_before(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("first\n2024-03-05 10:00:00 second\nthird\n")
    reading = whole(tmp_path)
    assert texts(reading) == ["2024-03-05 10:00:00 second", "third"]
    assert len(set(texts(reading, "ts_ns"))) == 1
    assert keys(reading) == ["gap.logs_untimed"]


def test_rules_keep_and_leave_out_events(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(
        "".join(f"2024-03-05 10:00:0{i} {w}\n" for i, w in enumerate(["x", "y", "z"]))
    )
    assert [t[-1] for t in texts(whole(tmp_path, keywords=["X", "Z"], exclude=["z$"]))] == ["x"]


def test_rotated_and_packed_files_belong_to_the_past(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("2024-03-05 10:00:03 d\n")
    (tmp_path / "a.log.1").write_text("2024-03-05 10:00:02 c\n")
    (tmp_path / "a.log.2.gz").write_bytes(gzip.compress(b"2024-03-05 10:00:01 b\n"))
    (tmp_path / "a-2024-03-04.log").write_text("2024-03-05 10:00:00 a\n")
    (tmp_path / "b.log").write_text("2024-03-05 10:00:00 other\n")
    reading = whole(tmp_path / "a.log")
    assert [text[-1] for text in texts(reading)] == ["a", "b", "c", "d"]
    assert set(texts(reading, "service")) == {"a"}


def test_of_a_long_file_the_part_that_matters_is_found(tmp_path: Path) -> None:
    start = 1_709_632_800
    with (tmp_path / "a.log").open("w") as file:
        file.writelines(f"{stamp(start + i)} INFO {'x' * 600} {i}\n" for i in range(20_000))
    source = FilesSource(FilesSettings(paths=[str(tmp_path / "a.log")]))
    begun = time.monotonic()
    reading = source.read(Window(start + 18_000, start + 18_010))
    assert [int(text.split()[-1]) for text in texts(reading)] == list(range(18_000, 18_010))
    assert time.monotonic() - begun < 5


def test_no_file_is_a_gap_and_health_says_what_to_do(tmp_path: Path) -> None:
    source = follower(tmp_path)
    assert keys(source.poll()) == ["gap.logs_no_file"]
    health = source.health()
    assert not health.ok
    assert "paths" in health.remedy


def test_an_expression_over_the_path_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no regular expression"):
        FilesSettings(paths=["x"], path_fields="(")
    with pytest.raises(ValueError, match="no zone"):
        FilesSettings(paths=["x"], timezone="Mars/Olympus")
    with pytest.raises(ValueError, match="no encoding"):
        FilesSettings(paths=["x"], encoding="klingon")


def test_a_pipe_or_a_folder_of_a_rotated_name_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("2024-03-05 10:00:00 x\n")
    os.mkfifo(tmp_path / "a.log.1")
    (tmp_path / "a.log.2").mkdir()
    reading = whole(tmp_path / "a.log")
    assert texts(reading) == ["2024-03-05 10:00:00 x"]
    assert keys(reading) == []


def test_a_packed_file_that_is_made_to_be_enormous_is_left_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_history, "MOST_UNPACKED", 2**22)
    (tmp_path / "a.log.1.gz").write_bytes(gzip.compress(bytes(2**25)))
    (tmp_path / "a.log").write_text("2024-03-05 10:00:00 x\n")
    assert "gap.logs_unreadable" in keys(whole(tmp_path / "a.log"))
