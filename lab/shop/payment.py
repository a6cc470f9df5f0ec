"""The payment: speaks TLS, keeps a ledger in the database."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from lab.shop import telemetry
from lab.shop.runtime import Service


def build(shop: Service) -> None:
    """Register the routes of the payment."""

    @shop.endpoint("POST", "/payments")
    async def pay(request: Request) -> dict[str, Any]:
        order = await request.json()
        telemetry.log("INFO", f"authorising {order['amount']:.2f} EUR for order {order['order']}")
        if not shop.step(order):
            return {"status": "accepted"}
        rows = await shop.sql(
            "INSERT INTO ledger (order_id, amount) VALUES (%s, %s) RETURNING id",
            order["order"],
            order["amount"],
        )
        telemetry.log("INFO", f"charged {order['amount']:.2f} EUR for order {order['order']}")
        return {"receipt": f"p-{rows[0]['id']}"}
