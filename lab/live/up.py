"""`lab up`: the shop, its Prometheus with a past, and SRE Copilot watching both, until Ctrl-C."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from lab import cluster, releases, stack
from lab.changes import ChangeLog
from lab.layout import ENTRY
from lab.live import acting, copilot, machine, openmetrics, prometheus, receiver, rules, state, stretch
from lab.live.exporter import exporting
from lab.live.spans import searchable
from lab.load import Load
from sre_copilot.testing.servers.real import RealServer, backfill, free_port, missing

WARM_UP_S = 60.0  # processes take their memory and open their connections in the first minute
LEARN_TIMEOUT_S = 300.0
CHANGE_EVERY_S = 300.0  # a harmless one, on the average: a deployment, a setting, a flag
TOKEN = Path("sre-copilot", "data", "token")  # of the first start, in the shop's folder
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What `lab up` is asked for."""

    live_minutes: float = 6.0
    warm_up_seconds: float = WARM_UP_S
    reuse: bool = False
    interval: int = 10
    port: int = 8000
    days: int = 7
    every: int = 10
    serve: bool = True
    per_second: float = 4.0
    seed: int = 0
    kubernetes: bool = False
    """Run the services as pods of a cluster instead of under supervisor."""
    autonomy: bool = False
    """Give SRE Copilot hands, and let it use them without a person."""


@contextmanager
def up(wanted: Wanted, say: Say) -> Iterator[state.State]:
    """Run everything while the context is open.

    Raises
    ------
    ValueError : Prometheus is not installed
    """
    if reason := missing("prometheus", "promtool"):
        raise ValueError(f"{reason}; install it: apt-get install prometheus")
    with ExitStack() as opened:
        shop = opened.enter_context(cluster.running(say) if wanted.kubernetes else stack.running(say))
        cluster_url = shop.url if isinstance(shop, cluster.ClusterShop) else ""
        opened.enter_context(
            Load(
                shop.configuration.address(ENTRY),
                per_second=wanted.per_second,
                seed=wanted.seed,
                steady=True,
                folder=shop.folder,
            )
        )
        jaeger = opened.enter_context(searchable(shop.collector))
        wanted = replace(wanted, port=wanted.port or free_port())
        rules_file = shop.folder / "prometheus-rules.yml"
        rules_file.write_text(rules.rules_text(), encoding="utf-8")
        config = prometheus.configuration_text(
            shop.configuration,
            opened.enter_context(exporting(shop.configuration)),
            rules.sending(wanted.port, str(rules_file), str(shop.folder / TOKEN)) if wanted.serve else None,
            pods=bool(cluster_url),
        )
        port = free_port()
        with prometheus.running(shop.folder / "prometheus", config, port=port) as first:
            seen = _seen(first, wanted, say)
        _remember(seen, shop.folder / "prometheus", wanted, say)
        metrics = opened.enter_context(prometheus.running(shop.folder / "prometheus", config, port=port))
        found = state.State(
            pid=os.getpid(),
            shop_folder=str(shop.folder),
            prometheus_url=metrics.url,
            jaeger_url=jaeger,
            cluster_url=cluster_url,
        )
        if wanted.autonomy and not cluster_url:
            opened.enter_context(releases.delivering(shop))
        if wanted.serve:
            file = shop.folder / "told.jsonl"
            found = replace(found, receiver_file=str(file))
            people = opened.enter_context(receiver.receiving(file))
            reach = _reach(shop, cluster_url, opened) if wanted.autonomy else None
            found = opened.enter_context(_watched(found, wanted, people, say, reach=reach))
            opened.enter_context(_changing(shop, found, wanted.seed))
        found.write()
        opened.callback(state.forget)
        yield found


def _reach(shop: stack.Shop, cluster_url: str, opened: ExitStack) -> acting.Reach:
    """The ways to repair the shop, as long as `opened` lasts."""
    port = opened.enter_context(machine.reachable(shop.folder)).port
    return acting.Reach(
        shop=shop.folder, cluster=cluster_url, ssh_port=port, database=shop.configuration.database
    )


def _seen(server: RealServer, wanted: Wanted, say: Say) -> stretch.Stretch:
    """The live stretch: of now, or the last one that was kept. Both end with the shop warmed up."""
    kept = state.work_folder() / "stretch.npz"
    _wait(wanted.warm_up_seconds, "warming up", say)
    if wanted.reuse and kept.exists():
        say(f"using the live stretch that lies in {kept}")
        return stretch.Stretch.load(kept)
    _wait(60 * wanted.live_minutes, "living: what is scraped now becomes the past", say)
    now = time.time() - 1  # what was scraped a moment ago may not be stored yet
    found = prometheus.scraped(server.url, start=now - 60 * wanted.live_minutes, end=now)
    found.save(kept)
    return found


def _remember(seen: stretch.Stretch, folder: Path, wanted: Wanted, say: Say) -> None:
    """Give Prometheus a past, while it is not running."""
    blocks = wanted.days * 86_400 // stretch.BLOCK_S
    say(
        f"resampling {wanted.days} days from {seen.width * seen.step_seconds / 60:.1f} minutes of live samples"
        f" ({len(seen.series)} series): {blocks} blocks of {stretch.BLOCK_S} s drawn with seed {wanted.seed}; counters"
        " go on by the increments that were seen, nothing is invented"
    )
    text = folder / "past.txt"
    began = time.monotonic()
    samples = openmetrics.write(
        text,
        stretch.past(seen, end=_first_sample(folder), days=wanted.days, every=wanted.every, seed=wanted.seed),
    )
    backfill(text, folder / "data")
    text.unlink()
    say(f"{samples:,} samples in blocks after {time.monotonic() - began:.0f} s")


def _first_sample(folder: Path) -> int:
    """A minute before Prometheus was started for the first time, so that past and present do not overlap."""
    return int((folder / "prometheus.yml").stat().st_mtime) // 60 * 60 - 60


@contextmanager
def _watched(
    found: state.State, wanted: Wanted, people: str, say: Say, *, reach: acting.Reach | None
) -> Iterator[state.State]:
    folder = Path(found.shop_folder) / "sre-copilot"
    settings = copilot.configuration(
        folder,
        shop=Path(found.shop_folder),
        prometheus=found.prometheus_url,
        jaeger=found.jaeger_url,
        interval=wanted.interval,
        days=wanted.days,
        port=wanted.port,
        receiver=people,
        cluster=found.cluster_url,
    )
    if reach:
        settings = acting.with_hands(settings, reach)
    say("starting sre-copilot serve")
    with copilot.serving(folder, settings) as process:
        url = f"http://127.0.0.1:{settings['server']['port']}"
        token = folder / "data" / "token"
        until, began = time.monotonic() + LEARN_TIMEOUT_S, time.monotonic()
        while not _learned(copilot.Interface(url, token)):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(
                    f"sre-copilot did not learn: {(folder / 'serve.out').read_text(encoding='utf-8')[-1500:]}"
                )
            time.sleep(1)
        say(f"learned, and ticking, after {time.monotonic() - began:.0f} s")
        yield replace(found, serve_url=url, token_file=str(token), log_file=str(folder / "serve.log"))


def _learned(interface: copilot.Interface) -> bool:
    with suppress(httpx.HTTPError, FileNotFoundError):
        return interface.learned()
    return False


@contextmanager
def _changing(shop: stack.Shop, found: state.State, seed: int) -> Iterator[None]:
    """Harmless changes now and then, told to the webhook as a pipeline would."""
    log = ChangeLog(shop, random.Random(seed), tell=telling(found))
    ended = threading.Event()

    def change() -> None:
        while not ended.wait(log.random.expovariate(1 / CHANGE_EVERY_S)):
            log.harmless()

    threading.Thread(target=change, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def telling(found: state.State) -> Callable[[dict[str, object]], None]:
    """Posts changes to the webhook of a running lab; without `serve` there is nobody to tell."""
    if not found.serve_url:
        return lambda _: None
    interface = copilot.Interface(found.serve_url, Path(found.token_file))

    def tell(change: dict[str, object]) -> None:
        with suppress(
            httpx.HTTPError, FileNotFoundError
        ):  # a change that cannot be told is as good as untold
            interface.tell(change)

    return tell


def _wait(seconds: float, doing: str, say: Say) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        say(f"{doing}, {left:.0f} s left")
        time.sleep(min(30.0, left))
