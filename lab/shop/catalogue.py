"""The catalogue: products from the database, with the stock that the inventory knows of."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from lab.shop import telemetry
from lab.shop.runtime import Service


def build(shop: Service) -> None:
    """Register the routes of the catalogue."""

    @shop.endpoint("GET", "/products")
    async def products(_: Request) -> dict[str, Any]:
        rows = await shop.sql("SELECT sku, name, price FROM products ORDER BY random() LIMIT 12")
        if not shop.step(rows[0]):
            return {"products": rows}
        stock = await shop.call("inventory", "POST", "/stock", {"skus": [row["sku"] for row in rows]})
        telemetry.log("INFO", f"priced {len(rows)} products, {len(stock['stock'])} with stock")
        return {"products": [{**row, "stock": stock["stock"].get(row["sku"], 0)} for row in rows]}
