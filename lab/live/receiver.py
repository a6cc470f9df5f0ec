"""Whoever is told: a webhook on loopback that keeps every message it gets in a file, for the commands that come later."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sre_copilot.testing.receivers import Received, ReceiverLog, http_receiver

EVERY_S = 0.5


@contextmanager
def receiving(file: Path) -> Iterator[str]:
    """Take messages while the context is open; yields the address."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    ended = threading.Event()
    with http_receiver("webhook") as people:
        keeper = threading.Thread(target=_keep, args=(people, file, ended), daemon=True)
        keeper.start()
        try:
            yield people.url
        finally:
            ended.set()
            keeper.join(2)


def messages(file: Path, *, since: float = 0.0) -> list[dict[str, Any]]:
    """Messages that came since a time, each key once, the first first."""
    lines = file.read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    return [each for each in found if each["at"] >= since and each["new"]]


def _keep(people: ReceiverLog, file: Path, ended: threading.Event) -> None:
    kept = 0
    while True:
        last = ended.wait(EVERY_S)
        fresh = people.all[kept:]
        if fresh:
            kept += len(fresh)
            with file.open("a", encoding="utf-8") as out:
                out.writelines(json.dumps(_line(each)) + "\n" for each in fresh)
        if last:
            return


def _line(received: Received) -> dict[str, Any]:
    body = received.document
    return {"at": received.at, "new": received.new, "key": received.key, "body": body}
