"""The customers: requests that arrive at random, with the shape of a day run through in minutes."""

from __future__ import annotations

import asyncio
import json
import math
import random
import threading
import time
from pathlib import Path
from typing import Protocol, Self

import httpx

from lab import control
from lab.stores import PRODUCTS

DAY_S = 1800.0  # the lab's day: 24 hours pass in half an hour
PROCESS = "customers"  # under which name they are controlled
CHANNELS = ("web", "app", "partner")
CHANNEL_SHARES = (0.55, 0.35, 0.10)
BROWSE, ADD = 0.45, 0.2  # of all visits; the rest fill a cart and order


def daily_shape(hour: float) -> float:
    """Load relative to the mean of the day at an hour (0-24): low at night, one hump at noon and a higher one at night-fall."""
    noon = math.exp(-0.5 * (_apart(hour, 12.5) / 2.5) ** 2)
    evening = math.exp(-0.5 * (_apart(hour, 20.0) / 2.0) ** 2)
    return 0.76 + 0.45 * noon + 0.60 * evening


def _apart(hour: float, other: float) -> float:
    distance = abs(hour - other) % 24
    return min(distance, 24 - distance)


def hour_of_day(seconds: float, *, day_s: float = DAY_S) -> float:
    """The lab's hour of the day at an epoch second."""
    return seconds % day_s / day_s * 24


class Customers(Protocol):
    """The customers, as a fault can reach them."""

    factor: float


class DistantLoad:
    """The customers of a shop that another process runs: told by a control file in the shop's folder."""

    def __init__(self, folder: Path) -> None:
        self._path = control.path_of(folder, PROCESS)

    @property
    def factor(self) -> float:
        """How many times as many come as usually."""
        return told(self._path)

    @factor.setter
    def factor(self, times: float) -> None:
        control.write(self._path, {"factor": times})


def told(path: Path) -> float:
    """What a control file says; without one as many as usually."""
    return float(json.loads(path.read_text(encoding="utf-8"))["factor"]) if path.exists() else 1.0


class Load:
    """Sends requests to the entry from a thread of its own while it is entered.

    `steady` customers know no day: a past that is made of minutes cannot know one either. In `folder` other processes may leave a `factor`.
    """

    def __init__(
        self,
        address: str,
        *,
        per_second: float = 4.0,
        seed: int = 0,
        steady: bool = False,
        folder: Path | None = None,
    ) -> None:
        self.factor = 1.0
        self._steady = steady
        self._told = control.path_of(folder, PROCESS) if folder else None
        self._address = address
        self._per_second = per_second
        self._random = random.Random(seed)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(15)

    async def _run(self) -> None:
        visits: set[asyncio.Task[None]] = set()
        async with httpx.AsyncClient(base_url=self._address, timeout=6.0) as client:
            while not self._ended.is_set():
                rate = self._rate()
                await asyncio.sleep(min(self._random.expovariate(rate), 2.0))
                visit = asyncio.create_task(self._visit(client))
                visits.add(visit)
                visit.add_done_callback(visits.discard)
            await asyncio.gather(*visits)

    def _rate(self) -> float:
        shape = 1.0 if self._steady else daily_shape(hour_of_day(time.time()))
        told_elsewhere = told(self._told) if self._told else 1.0
        return self._per_second * shape * self.factor * told_elsewhere

    async def _visit(self, client: httpx.AsyncClient) -> None:
        customer = f"c{self._random.randrange(100_000):05d}"
        channel = self._random.choices(CHANNELS, CHANNEL_SHARES)[0]
        draw = self._random.random()
        try:
            if draw < BROWSE:
                await client.get("/products")
                return
            for _ in range(1 if draw < BROWSE + ADD else self._random.randint(1, 2)):
                await client.post("/cart", json=self._item(customer))
            if draw >= BROWSE + ADD:
                await client.post("/orders", json={"customer": customer, "channel": channel})
        except httpx.TransportError:
            return  # a customer who gave up; the gateway has counted what it saw

    def _item(self, customer: str) -> dict[str, str | float]:
        number = self._random.randint(1, PRODUCTS)
        return {"customer": customer, "sku": f"sku-{number}", "price": float(5 + (number * 37) % 90)}
