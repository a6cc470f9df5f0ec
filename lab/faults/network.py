"""The link into a service is slow, or resets connections; the service itself is well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab.faults.fault import Fault, Scene
from lab.layout import SERVICES

DELAY = {"delay_s": 0.15, "jitter_s": 0.05}  # each way: 0.3-0.4 s for a request, ten times a normal one
RESETS = {"reset_share": 0.6}


@contextmanager
def _delay(scene: Scene) -> Iterator[None]:
    scene.shop.links({scene.service: dict(DELAY)})
    try:
        yield
    finally:
        scene.shop.links({})


@contextmanager
def _reset(scene: Scene) -> Iterator[None]:
    scene.shop.links({scene.service: dict(RESETS)})
    try:
        yield
    finally:
        scene.shop.links({})


FAULTS = (
    Fault(
        "link-delay", "network/delay", ("inventory", *SERVICES[1:]),
        "the TCP link into the service delays every message by 0.15-0.2 s each way",
        "client spans into the service last 0.3-0.4 s longer than its own server spans, which stay as they were",
        _delay,
    ),
    Fault(
        "link-reset", "network/reset", ("cart", *SERVICES[1:]),
        "the TCP link into the service answers six of ten messages with RST",
        "its callers log ReadError; client spans fail without a server span; the service sees fewer requests, some broken off (499), and no error of its own",
        _reset,
    ),
)  # fmt: skip
