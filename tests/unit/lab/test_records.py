"""Spans, log lines, certificates and releases are read as they were written."""

import shutil
import time
from pathlib import Path

import pytest

pytest.importorskip("opentelemetry.proto", reason="the `lab` extra is not installed")

from lab.certificates import create_authority, issue, valid_until
from lab.changes import next_version
from lab.collector import decode
from lab.control import Release, read_release, write_release
from lab.loglines import postgres_line, redis_line
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def test_a_span_keeps_its_parent_kind_and_status() -> None:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    name = resource.resource.attributes.add()
    name.key, name.value.string_value = "service.name", "cart"
    span = resource.scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.parent_span_id = b"\x01" * 16, b"\x02" * 8, b"\x03" * 8
    span.kind, span.status.code, span.name = span.SPAN_KIND_CLIENT, 2, "GET redis"
    span.start_time_unix_nano, span.end_time_unix_nano = 1_000_000, 3_500_000
    (row,) = decode(request.SerializeToString())
    assert row == {
        "trace_id": "01" * 16, "span_id": "02" * 8, "parent_id": "03" * 8, "service": "cart", "instance": "",
        "operation": "GET redis", "start_ns": 1_000_000, "duration_us": 2500, "kind": "client", "status": "error",
    }  # fmt: skip


def test_lines_of_postgres_carry_time_level_and_message() -> None:
    found = postgres_line(
        "2026-01-02 03:04:05.678 UTC [12] ERROR:  canceling statement due to statement timeout"
    )
    assert found is not None
    assert found[0].isoformat() == "2026-01-02T03:04:05.678000+00:00"
    assert found[1:] == ("ERROR", "canceling statement due to statement timeout")
    assert postgres_line("\tcontinued") is None


def test_lines_of_redis_carry_level_and_message_and_its_banner_is_left_out() -> None:
    found = redis_line("77:M 02 Jan 2026 03:04:05.678 # Server initialized")
    assert found is not None
    assert found[1:] == ("WARNING", "Server initialized")
    assert redis_line("  `-._    _.-'") is None


def test_a_certificate_ends_when_it_was_told_to(tmp_path: Path) -> None:
    if not shutil.which("openssl"):
        pytest.skip("no openssl command")
    create_authority(tmp_path)
    for end in (int(time.time()) + 100, int(time.time()) - 100):
        issue(tmp_path, "cart", valid_until=end)
        assert valid_until(tmp_path / "cart.pem") == end


def test_a_release_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_release(tmp_path, "cart", Release("1.2.3", ("skips",)))
    assert read_release(tmp_path, "cart") == Release("1.2.3", ("skips",))


def test_the_next_version_counts_up() -> None:
    assert next_version("2.3.9") == "2.3.10"
