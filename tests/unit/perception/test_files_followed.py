"""Following log files through rotation, truncation, packing and restarts."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import threading
import time
from pathlib import Path

import pytest
from tests.unit.perception.log_files import Clock, follower, keys, texts

from sre_copilot.perception.files import FilesSettings, FilesSource
from sre_copilot.perception.lines.rows import Followed
from sre_copilot.perception.source import Reading


def test_what_is_there_at_the_first_poll_is_not_new(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("2024-03-05 10:00:00 old\n2024-03-05 10:00:01 ha")
    source = follower(tmp_path, start_at="end")
    assert isinstance(source, Followed)
    assert texts(source.poll()) == []
    with log.open("a") as file:
        file.write("lf\n2024-03-05 10:00:02 new\n")
    assert texts(source.poll()) == ["2024-03-05 10:00:01 half", "2024-03-05 10:00:02 new"]
    assert texts(source.poll()) == []


def test_half_a_line_is_left_until_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    source = follower(tmp_path)
    log.write_text("2024-03-05 10:00:00 on")
    assert texts(source.poll()) == []
    with log.open("a") as file:
        file.write("e\n2024-03-05 10:00:01 tw")
    assert texts(source.poll()) == ["2024-03-05 10:00:00 one"]
    with log.open("a") as file:
        file.write("o\n")
    assert texts(source.poll()) == ["2024-03-05 10:00:01 two"]


def test_a_stack_trace_that_is_being_written_is_not_torn(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    source = FilesSource(FilesSettings(paths=[str(log)], start_at="beginning"))
    log.write_text("2024-03-05 10:00:00 ERROR no\n\tat a.B(C.java:1)\n")
    assert texts(source.poll()) == []
    with log.open("a") as file:
        file.write("\tat d.E(F.java:2)\n2024-03-05 10:00:01 fine\n")
    assert texts(source.poll()) == ["2024-03-05 10:00:00 ERROR no\n\tat a.B(C.java:1)\n\tat d.E(F.java:2)"]


def write(path: Path, *numbers: int) -> None:
    with path.open("a") as file:
        file.writelines(f"2024-03-05 10:00:00.{n:06} line {n}\n" for n in numbers)
    old = time.time() - 60
    os.utime(path, (old, old))


def numbers_of(*readings: Reading) -> list[int]:
    return [int(text.split()[-1]) for reading in readings for text in texts(reading)]


def test_a_renamed_file_is_read_to_its_end(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    source = follower(tmp_path)
    write(log, 1, 2)
    first = source.poll()
    write(log, 3)
    log.rename(tmp_path / "a.log.1")
    write(log, 4)
    assert numbers_of(first, source.poll(), source.poll()) == [1, 2, 3, 4]


def test_a_log_that_is_not_written_anew_after_rotation_is_read_to_its_end(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    source = follower(tmp_path)
    write(log, 1)
    first = source.poll()
    write(log, 2)
    log.rename(tmp_path / "a.log.1")
    assert numbers_of(first, source.poll(), source.poll()) == [1, 2]


def test_several_rotations_between_two_polls_lose_nothing(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    source = follower(tmp_path)
    write(log, 1)
    first = source.poll()
    write(log, 2)
    log.rename(tmp_path / "a.log.2")
    write(log, 3)
    log.rename(tmp_path / "a.log.1")
    write(log, 4)
    assert sorted(numbers_of(first, source.poll(), source.poll())) == [1, 2, 3, 4]


def test_a_file_that_is_packed_after_rotation_is_not_read_again(tmp_path: Path) -> None:
    log, packed = tmp_path / "a.log", tmp_path / "a.log.1.gz"
    source = follower(tmp_path)
    write(log, 1, 2)
    first = source.poll()
    write(log, 3)
    packed.write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    write(log, 4)
    assert sorted(numbers_of(first, source.poll(), source.poll())) == [1, 2, 3, 4]


def test_a_file_that_is_copied_and_truncated_loses_nothing(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    source = follower(tmp_path)
    write(log, 1, 2)
    first = source.poll()
    write(log, 3)
    shutil.copy(log, tmp_path / "a.log.1")
    copied = source.poll()
    write(log, 4)
    shutil.copy(log, tmp_path / "a.log.1")
    os.truncate(log, 0)
    write(log, 5)
    assert numbers_of(first, copied) == [1, 2, 3]
    assert numbers_of(source.poll(), source.poll()) == [4, 5]


def test_a_truncation_without_a_copy_is_a_gap(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    source = follower(tmp_path)
    write(log, 1, 2, 3)
    source.poll()
    os.truncate(log, 0)
    write(log, 4)
    reading = source.poll()
    assert keys(reading) == ["gap.logs_truncated"]
    assert numbers_of(reading) == [4]


def test_a_new_process_reads_on_where_the_last_one_stopped(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    first = follower(tmp_path)
    write(log, 1, 2)
    seen = first.poll()
    position = json.loads(json.dumps(first.position()))
    write(log, 3)
    log.rename(tmp_path / "a.log.1")
    write(log, 4)
    second = follower(tmp_path)
    second.resume(position)
    assert sorted(numbers_of(seen, second.poll(), second.poll())) == [1, 2, 3, 4]


def test_more_than_one_poll_reads_comes_with_the_next(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path / f"{name}.log", *range(2000))
    source = follower(tmp_path, max_poll_bytes=65_536)
    polls = [source.poll() for _ in range(4)]
    assert keys(polls[0]) == ["gap.logs_behind"]
    assert sorted(numbers_of(*polls)) == sorted(list(range(2000)) * 3)


def test_an_endless_line_is_cut_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(f"2024-03-05 10:00:00 {'x' * 5_000_000}\n2024-03-05 10:00:01 next\n")
    found = texts(follower(tmp_path, max_line_chars=1000).poll())
    assert found[-1] == "2024-03-05 10:00:01 next"
    assert found[0].endswith("more)")
    assert max(map(len, found)) < 1100


class Writer(threading.Thread):
    """Writes numbered lines, in pieces, while it rotates the file in all ways."""

    def __init__(self, folder: Path, *, seed: int, lines: int) -> None:
        super().__init__(daemon=True)
        self.log = folder / "a.log"
        self.lines = lines
        self.random = random.Random(seed)  # noqa: S311 - rotations, not secrets
        self.generation = 0

    def run(self) -> None:
        for number in range(self.lines):
            text = f"2024-03-05 10:00:00.{number:06} line {number}\n"
            cut = self.random.randrange(len(text))
            with self.log.open("a") as file:
                file.write(text[:cut])
                file.flush()
                file.write(text[cut:])
            if self.random.random() < 0.02:
                self.rotate()
            if self.random.random() < 0.05:
                time.sleep(0.002)

    def rotate(self) -> None:
        self.generation += 1
        target = self.log.with_name(f"a.log.{self.generation}")
        manner = self.random.choice(["rename", "copy and truncate", "pack"])
        if manner == "rename":
            self.log.rename(target)
        elif manner == "copy and truncate":
            shutil.copy(self.log, target)
            os.truncate(self.log, 0)
        else:
            content = self.log.read_bytes()
            self.log.rename(target)
            with gzip.open(f"{target}.gz", "wb") as packed:
                packed.write(content)
            target.unlink()
        if self.generation == 1:
            self.log.touch()


@pytest.mark.parametrize("seed", range(3))
def test_no_line_is_lost_or_doubled_while_another_process_writes_and_rotates(
    tmp_path: Path, seed: int
) -> None:
    source = FilesSource(FilesSettings(paths=[str(tmp_path / "a.log")], start_at="beginning"))
    writer = Writer(tmp_path, seed=seed, lines=1500)
    writer.start()
    readings = []
    while writer.is_alive():
        readings.append(source.poll())
        again = FilesSource(source.settings)
        again.resume(json.loads(json.dumps(source.position())))
        source = again
    time.sleep(1.1)
    later = FilesSource(source.settings, clock=Clock())
    later.resume(source.position())
    readings += [later.poll(), later.poll()]
    assert sorted(numbers_of(*readings)) == list(range(1500))
