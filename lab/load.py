"""The customers: requests that arrive at random, with the shape of a day run through in minutes."""

from __future__ import annotations

import asyncio
import math
import random
import threading
import time
from typing import Self

import httpx

from lab.stores import PRODUCTS

DAY_S = 1800.0  # the lab's day: 24 hours pass in half an hour
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


class Load:
    """Sends requests to the entry from a thread of its own while it is entered."""

    def __init__(self, address: str, *, per_second: float = 4.0, seed: int = 0) -> None:
        self.factor = 1.0
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
                rate = self._per_second * daily_shape(hour_of_day(time.time())) * self.factor
                await asyncio.sleep(min(self._random.expovariate(rate), 2.0))
                visit = asyncio.create_task(self._visit(client))
                visits.add(visit)
                visit.add_done_callback(visits.discard)
            await asyncio.gather(*visits)

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
