"""Storing samples by the remote write protocol of Prometheus, which VictoriaMetrics understands as well.

The body is a protobuf message in a snappy block. Of snappy only literals are written: that is a valid block, and what is sent here never leaves the machine.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

import httpx

Sample = tuple[float, float]
Series = tuple[Mapping[str, str], Sequence[Sample]]
"""Labels with `__name__`, and samples (epoch s, value)."""

_LITERAL = 1 << 16  # bytes of one literal; its length is written in two
_AT_ONCE = 5_000  # samples of one request


def remote_write(url: str, series: Iterable[Series]) -> None:
    """Store samples in the order in which they are given.

    Raises
    ------
    RuntimeError : with the server's words when it does not take them
    """
    headers = {
        "content-encoding": "snappy",
        "content-type": "application/x-protobuf",
        "x-prometheus-remote-write-version": "0.1.0",
    }
    with httpx.Client(base_url=url, trust_env=False, timeout=30.0, headers=headers) as client:
        for labels, samples in series:
            for begin in range(0, len(samples), _AT_ONCE):
                body = encode([(labels, samples[begin : begin + _AT_ONCE])])
                response = client.post("/api/v1/write", content=snappy_block(body))
                if not response.is_success:
                    raise RuntimeError(
                        f"remote write answered {response.status_code}: {response.text.strip()}"
                    )


def encode(series: Iterable[Series]) -> bytes:
    """A `WriteRequest` in protobuf."""
    return b"".join(_part(1, _time_series(labels, samples)) for labels, samples in series)


def snappy_block(content: bytes) -> bytes:
    """Content as a snappy block of literals."""
    pieces = [content[i : i + _LITERAL] for i in range(0, len(content), _LITERAL)]
    literals = (b"\xf4" + struct.pack("<H", len(piece) - 1) + piece for piece in pieces)
    return _varint(len(content)) + b"".join(literals)


def _time_series(labels: Mapping[str, str], samples: Sequence[Sample]) -> bytes:
    names = (_part(1, _text(1, name) + _text(2, labels[name])) for name in sorted(labels))
    return b"".join([*names, *(_part(2, _sample(*sample)) for sample in samples)])


def _sample(moment: float, value: float) -> bytes:
    return b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(round(moment * 1000))


def _text(field: int, value: str) -> bytes:
    return _part(field, value.encode())


def _part(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
