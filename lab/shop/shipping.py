"""The shipping: prints labels onto its own volume."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from fastapi import Request

from lab.shop import telemetry
from lab.shop.runtime import Service


def build(shop: Service) -> None:
    """Register the routes of the shipping."""
    labels = Path(shop.configuration.folder) / "volume" / "labels.jsonl"

    @shop.endpoint("POST", "/labels")
    async def label(request: Request) -> dict[str, Any]:
        order = await request.json()
        telemetry.log("INFO", f"packing {len(order['skus'])} products of order {order['order']}")
        if not shop.step(order):
            return {"status": "accepted"}
        with labels.open("a", encoding="utf-8") as file:
            file.write(json.dumps(order) + "\n")
            file.flush()
            os.fsync(file.fileno())
        telemetry.log("INFO", f"label printed for order {order['order']}")
        return {"tracking": f"t-{order['order']}"}
