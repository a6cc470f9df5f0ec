"""The inventory: stock and reservations in the database."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from lab.shop import telemetry
from lab.shop.runtime import Service


def build(shop: Service) -> None:
    """Register the routes of the inventory."""

    @shop.endpoint("POST", "/stock")
    async def stock(request: Request) -> dict[str, Any]:
        body = await request.json()
        rows = await shop.sql("SELECT sku, amount FROM stock WHERE sku = ANY(%s)", body["skus"])
        telemetry.log("INFO", f"looked up the stock of {len(body['skus'])} products")
        return {"stock": {row["sku"]: row["amount"] for row in rows}}

    @shop.endpoint("POST", "/reservations")
    async def reserve(request: Request) -> dict[str, Any]:
        order = await request.json()
        telemetry.log("INFO", f"reserving {len(order['skus'])} products for order {order['order']}")
        if not shop.step(order):
            return {"status": "accepted"}
        await shop.sql("UPDATE stock SET amount = amount - 1 WHERE sku = ANY(%s)", order["skus"])
        telemetry.log("INFO", f"stock reserved for order {order['order']}")
        return {"reservation": f"r-{order['order']}"}
