"""The cart: items of a customer, kept in Redis."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request

from lab.shop import telemetry
from lab.shop.runtime import Service


def build(shop: Service) -> None:
    """Register the routes of the cart."""

    @shop.endpoint("POST", "/items")
    async def add(request: Request) -> dict[str, Any]:
        item = await request.json()
        if not shop.step(item):
            return {"items": 0}
        count = await shop.redis("RPUSH", f"cart:{item['customer']}", json.dumps(item))
        telemetry.log("INFO", f"added {item['sku']} to the cart of customer {item['customer']}")
        return {"items": count}

    @shop.endpoint("GET", "/items/{customer}")
    async def items(request: Request) -> dict[str, Any]:
        customer = request.path_params["customer"]
        found = [json.loads(item) for item in await shop.redis("LRANGE", f"cart:{customer}", 0, -1)]
        telemetry.log("INFO", f"read {len(found)} items of customer {customer}")
        return {"items": found}

    @shop.endpoint("DELETE", "/items/{customer}")
    async def clear(request: Request) -> dict[str, Any]:
        await shop.redis("DEL", f"cart:{request.path_params['customer']}")
        return {"items": 0}
