"""The entry: what customers of all channels talk to."""

from __future__ import annotations

import time
from typing import Any

from fastapi import Request

from lab.shop import telemetry
from lab.shop.runtime import Service


def build(shop: Service) -> None:
    """Register the routes of the gateway."""

    @shop.endpoint("GET", "/products")
    async def products(_: Request) -> dict[str, Any]:
        page = await shop.call("catalogue", "GET", "/products")
        telemetry.log("INFO", f"served a page of {len(page['products'])} products")
        return page

    @shop.endpoint("POST", "/cart")
    async def add(request: Request) -> dict[str, Any]:
        item = await request.json()
        return await shop.call("cart", "POST", "/items", item)

    @shop.endpoint("POST", "/orders")
    async def order(request: Request) -> dict[str, Any]:
        body = await request.json()
        channel = body["channel"]
        started, outcome, amount = time.perf_counter(), "failed", 0.0
        try:
            answer = await shop.call("checkout", "POST", "/orders", body)
            if answer["complete"]:
                outcome, amount = "completed", answer["amount"]
            return answer
        finally:
            telemetry.ORDERS.labels(channel, outcome).inc()
            telemetry.AMOUNT.labels(channel).inc(amount)
            telemetry.ORDER_SECONDS.labels(channel).inc(time.perf_counter() - started)
            telemetry.log("INFO", f"order of customer {body['customer']} by {channel} {outcome}")
