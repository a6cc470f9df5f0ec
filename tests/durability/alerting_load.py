"""What goes wrong while workers are killed: faults that fire until people were told of them, and a background that is told again and again.

A sender does what Alertmanager does: it sends the same again until the answer is 202. So whatever was answered with 202 must be found, and each fault must
have been told once for each time that it began and once for each time that it ended, however often the receiving process died meanwhile.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from sre_copilot.clock import rfc3339
from sre_copilot.testing.receivers import ReceiverLog

WORD = "word-of-the-way-in"
WAY = "/api/v1/intake/load"
AGAIN_S = 1.0  # between two times that the same is told
GIVE_UP_S = 300.0  # for what must be told: far more than all restarts of a run take in a row


@dataclass
class Seen:
    """What a receiver was told of each service: it is read once, however often it is asked for."""

    log: ReceiverLog
    read: int = 0
    states: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    incidents: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, service: str) -> list[str]:
        """States of the messages about a service, in their order, repetitions dropped."""
        with self.lock:
            while self.read < len(self.log.all):
                received = self.log.all[self.read]
                self.read += 1
                if received.new:
                    document = received.document
                    name = str(document["incident"].get("service", ""))
                    self.states[name].append(document["state"])
                    self.incidents[name] = document["incident"]["id"]
            return list(self.states[service])


@dataclass
class Load:
    """All senders; `stop` lets no fault begin any more, and those that go on come to their end."""

    url: str
    seen: Seen
    token: Callable[[], str]
    seed: int
    faults: int = 12
    background: int = 2
    stop: threading.Event = field(default_factory=threading.Event)
    accepted: set[str] = field(default_factory=set)
    """Marks of the alerts whose 202 came."""
    ended: dict[str, int] = field(default_factory=dict)
    """Services whose fault is over, and how often it began."""
    stuck: list[str] = field(default_factory=list)
    """Faults of which something was not told in time."""
    refused: list[str] = field(default_factory=list)
    commands: dict[str, int] = field(default_factory=dict)
    """Idempotency keys of acknowledgements that were answered, with the status."""
    _marks: Iterator[int] = field(default_factory=itertools.count)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin."""
        senders = [self._faults] * self.faults + [self._background] * self.background
        for number, sender in enumerate(senders):
            dice = random.Random(f"{self.seed}/{number}")  # noqa: S311 - instants, no secrets
            thread = threading.Thread(target=sender, args=(number, dice), daemon=True)
            self._threads.append(thread)
            thread.start()

    def finish(self) -> None:
        """Wait until all that was begun has come to its end."""
        self.stop.set()
        for thread in self._threads:
            thread.join(GIVE_UP_S * 3)
            assert not thread.is_alive(), "a sender does not end"

    # -- senders ----------------------------------------------------------------------------------------------------

    def _faults(self, number: int, dice: random.Random) -> None:
        with self._client() as client:
            while not self.stop.is_set():
                self._fault(client, f"service-{next(self._numbers)}", dice)

    def _fault(self, client: httpx.Client, service: str, dice: random.Random) -> None:
        """One fault: it fires until it was told, then it is over until that was told; one in four comes back."""
        for time_of in range(1, 2 + (dice.random() < 0.25)):
            began = time.time()
            if not self._until(client, service, (began, None), times=time_of):
                return
            if dice.random() < 0.3:
                self._acknowledge(client, service, time_of)
            time.sleep(dice.uniform(0.1, 2.5))
            if not self._until(client, service, (began, time.time()), times=time_of):
                return
            self.ended[service] = time_of

    def _until(
        self, client: httpx.Client, service: str, when: tuple[float, float | None], *, times: int
    ) -> bool:
        """Tell that it fires, or that it is over, until people have heard of it so often; whether they did."""
        began, ended = when
        state = "firing" if ended is None else "resolved"
        name = service.replace("service-", "Fault")
        labels = {"alertname": name, "service": service, "severity": "critical"}
        until = time.monotonic() + GIVE_UP_S
        told_at = 0.0
        while self.seen.of(service).count(state) < times:
            if time.monotonic() > until:
                self.stuck.append(f"{service}: {state} was not told {times} times: {self.seen.of(service)}")
                return False
            if time.monotonic() - told_at > AGAIN_S:
                self._send(client, [self._alert(labels, began, ended)])
                told_at = time.monotonic()
            time.sleep(0.03)
        return True

    def _background(self, number: int, dice: random.Random) -> None:
        """Batches of alerts that nobody is woken for; all of them are over at the end."""
        with self._client() as client:
            while not self.stop.is_set():
                names = [(dice.randrange(20), dice.randrange(10)) for _ in range(20)]
                self._send(client, [self._many(number, *each, over=dice.random() < 0.3) for each in names])
                time.sleep(dice.uniform(0.05, 0.3))
            names = list(itertools.product(range(20), range(10)))
            self._send(client, [self._many(number, *each, over=True) for each in names])

    # -- what is sent -----------------------------------------------------------------------------------------------

    def _alert(self, labels: dict[str, str], began: float, ended: float | None) -> dict[str, Any]:
        return {
            "status": "firing" if ended is None else "resolved",
            "labels": labels,
            "annotations": {"mark": f"m{next(self._marks)}x"},
            "startsAt": rfc3339(began),
            "endsAt": rfc3339(ended) if ended is not None else "0001-01-01T00:00:00Z",
        }

    def _many(self, sender: int, kind: int, place: int, *, over: bool) -> dict[str, Any]:
        labels = {
            "alertname": f"Many{kind}",
            "service": f"place-{place}",
            "sender": f"{sender}",
            "severity": "info",
        }
        return self._alert(labels, time.time() - 5, time.time() if over else None)

    def _send(self, client: httpx.Client, alerts: list[dict[str, Any]]) -> None:
        """Until the answer is 202."""
        body = {"version": "4", "groupKey": "load", "status": "firing", "receiver": "load", "alerts": alerts}
        until = time.monotonic() + GIVE_UP_S
        while time.monotonic() < until:
            try:
                answer = client.post(WAY, json=body, headers={"authorization": f"Bearer {WORD}"})
            except httpx.HTTPError:
                time.sleep(0.05)
                continue
            if answer.status_code == 202:
                self.accepted.update(each["annotations"]["mark"] for each in alerts)
                return
            self.refused.append(f"{answer.status_code} {answer.text[:200]}")
            time.sleep(0.1)
        self.stuck.append("alerts were not taken in time")

    def _acknowledge(self, client: httpx.Client, service: str, time_of: int) -> None:
        """As a person does, who presses the button again when no answer came, or that it be tried again."""
        key = f"{service}/{time_of}"
        for _ in range(60):
            headers = {"authorization": f"Bearer {self.token()}", "idempotency-key": key}
            path = f"/api/v1/incidents/{self.seen.incidents[service]}/ack"
            try:
                self.commands[key] = client.post(path, headers=headers, json={}).status_code
                if self.commands[key] != 503:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.5)

    @contextmanager
    def _client(self) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.url, timeout=httpx.Timeout(5.0), trust_env=False) as client:
            yield client
