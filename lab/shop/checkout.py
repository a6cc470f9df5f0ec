"""The checkout: turns a cart into an order by calling everybody who has a part in it."""

from __future__ import annotations

import itertools
import time
from typing import Any

from fastapi import Request

from lab.shop import telemetry
from lab.shop.runtime import Service

PARTS = ("reservation", "receipt", "tracking", "message")


def build(shop: Service) -> None:
    """Register the routes of the checkout."""
    numbers = itertools.count(int(time.time()) % 100_000 * 1000)

    @shop.endpoint("POST", "/orders")
    async def order(request: Request) -> dict[str, Any]:
        body = await request.json()
        customer = body["customer"]
        basket = await shop.call("cart", "GET", f"/items/{customer}")
        order: dict[str, Any] = {
            "order": f"o-{next(numbers)}",
            "customer": customer,
            "amount": round(sum(item["price"] for item in basket["items"]), 2),
            "skus": [item["sku"] for item in basket["items"]],
        }
        parts = await fulfil(shop, order) if shop.step(order) else {}
        await shop.call("cart", "DELETE", f"/items/{customer}")
        missing = [part for part in PARTS if part not in parts]
        if missing or not basket["items"]:
            telemetry.log("WARNING", f"order {order['order']} left open: no {', '.join(missing) or 'items'}")
            return {**order, "complete": False}
        telemetry.log("INFO", f"order {order['order']} completed, {order['amount']:.2f} EUR")
        return {**order, **parts, "complete": True}


async def fulfil(shop: Service, order: dict[str, Any]) -> dict[str, Any]:
    """Reserve, charge, ship and tell the customer; each answer brings one part of the order."""
    parts: dict[str, Any] = {}
    for callee, path in (
        ("inventory", "/reservations"),
        ("payment", "/payments"),
        ("shipping", "/labels"),
        ("notification", "/messages"),
    ):
        parts |= await shop.call(callee, "POST", path, order)
    return parts
