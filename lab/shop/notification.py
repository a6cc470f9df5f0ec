"""The notification: queues a message to the customer in Redis."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request

from lab.shop import telemetry
from lab.shop.runtime import Service

KEPT = 500  # messages that stay in the queue


def build(shop: Service) -> None:
    """Register the routes of the notification."""

    @shop.endpoint("POST", "/messages")
    async def send(request: Request) -> dict[str, Any]:
        order = await request.json()
        if not shop.step(order):
            return {"status": "accepted"}
        length = await shop.redis("LPUSH", "outbox", json.dumps(order))
        await shop.redis("LTRIM", "outbox", 0, KEPT - 1)
        telemetry.log("INFO", f"message on order {order['order']} queued to customer {order['customer']}")
        return {"message": f"m-{length}"}
