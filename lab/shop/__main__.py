"""Runs one service of the shop: `python -m lab.shop NAME`."""

from __future__ import annotations

import asyncio
import importlib
import os
import ssl
import sys
import threading
import time
from pathlib import Path

import uvicorn
from prometheus_client import Gauge, start_http_server

from lab.certificates import valid_until
from lab.control import on_hangup, own_release
from lab.layout import CALLS, SECURE, Configuration, own_host
from lab.shop import telemetry
from lab.shop.defects import Defects
from lab.shop.runtime import POOL_SIZE, Service

THREAD_STACK_BYTES = (
    512 * 1024
)  # small, so that metrics can be read even when the address space is nearly used up


async def run(name: str) -> None:
    """Build the service, publish its metrics and answer requests until the process is ended."""
    configuration = Configuration.from_environment()
    shop = Service(name, configuration)
    importlib.import_module(f"lab.shop.{name}").build(shop)
    if "postgres" in CALLS[name]:
        await shop.pool.open()
        _publish_pool(shop)
    if name == "shipping":
        _publish_volume(Path(configuration.folder) / "volume")
    _follow_release(shop)
    start_http_server(configuration.metrics_ports[name], own_host())
    telemetry.log("INFO", f"{name} {shop.release.version} ready")
    await _serve(shop)


def _follow_release(shop: Service) -> None:
    defects = Defects(shop)
    shop.scratch = defects.scratch

    def reload() -> None:
        before, shop.release = shop.release, own_release(shop.configuration.folder, shop.name)
        if before.version != shop.release.version:
            telemetry.log("INFO", f"{shop.name} {shop.release.version} ready")
        if before.defects != shop.release.defects:
            defects.react()

    on_hangup(reload)
    defects.react()


async def _serve(shop: Service) -> None:
    tls = Path(shop.configuration.folder) / "tls"
    secure = {"ssl_certfile": tls / f"{SECURE}.pem", "ssl_keyfile": str(tls / f"{SECURE}.key")}
    settings = uvicorn.Config(
        shop.app,
        host=own_host(),
        port=shop.configuration.ports[shop.name],
        log_config=None,
        access_log=False,
        timeout_keep_alive=30,  # longer than a client keeps an idle connection, so that none is closed under a request
        **(secure if shop.name == SECURE else {}),  # type: ignore[arg-type]
    )
    settings.load()
    renewal = asyncio.create_task(_renew(settings.ssl, tls)) if settings.ssl else None
    await uvicorn.Server(settings).serve()
    if renewal:
        renewal.cancel()


async def _renew(context: ssl.SSLContext, tls: Path) -> None:
    """Take up a new certificate as soon as its file is replaced, and publish how long it is still valid."""
    left = Gauge("tls_certificate_seconds_left", "Time until the certificate expires")
    path, seen = tls / f"{SECURE}.pem", 0.0
    end = 0.0
    while True:
        if (changed := path.stat().st_mtime) != seen:
            seen = changed
            context.load_cert_chain(path, tls / f"{SECURE}.key")
            end = valid_until(path)
        left.set(end - time.time())
        await asyncio.sleep(1)


def _publish_pool(shop: Service) -> None:
    def read(key: str) -> float:
        return float(shop.pool.get_stats().get(key, 0))

    in_use = Gauge("db_pool_in_use", "Connections that are lent out")
    in_use.set_function(lambda: read("pool_size") - read("pool_available"))
    Gauge("db_pool_max", "Connections that the pool may hold").set(POOL_SIZE)
    Gauge("db_pool_waiting", "Requests that wait for a connection").set_function(
        lambda: read("requests_waiting")
    )


def _publish_volume(volume: Path) -> None:
    def used() -> float:
        facts = os.statvfs(volume)
        return 1 - facts.f_bavail / facts.f_blocks

    Gauge("disk_used_ratio", "Share of the volume that is used").set_function(used)


if __name__ == "__main__":
    threading.stack_size(THREAD_STACK_BYTES)
    asyncio.run(run(sys.argv[1]))
