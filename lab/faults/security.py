"""A certificate that expires: nobody changes anything, its time is over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from lab import certificates
from lab.faults.fault import Fault, Scene
from lab.layout import SECURE


def _issue_short(scene: Scene) -> None:
    certificates.issue(scene.shop.folder / "tls", SECURE, valid_until=scene.at)


def _renew(scene: Scene) -> None:
    certificates.issue(scene.shop.folder / "tls", SECURE, valid_until=time.time() + certificates.LIFE_S)


@contextmanager
def _wait(_: Scene) -> Iterator[None]:
    yield


FAULTS = (
    Fault(
        "certificate-expired", "security/certificate", (SECURE,),
        "the service's TLS certificate ends in the middle of the recording",
        "tls_certificate_seconds_left falls below 0, its callers log `certificate has expired`, it gets no request any more",
        _wait,
        _issue_short,
        _renew,
    ),
)  # fmt: skip
