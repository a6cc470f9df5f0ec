"""Zabbix by its JSON-RPC API: history of numeric items, and hourly trends where the history is no longer kept.

Numbers arrive as the agents sent them, at their own times; `read` returns them so, `series` puts them on a grid. Written for 6.4 and later,
where the token travels in a header; to older ones, down to 5.4, it is given in the request.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from sre_copilot.domain.evidence import Gap, Message
from sre_copilot.domain.series import SeriesBlock
from sre_copilot.domain.signals import Modality, Telemetry, Window
from sre_copilot.errors import SourceAnswerError, SourceError
from sre_copilot.perception.blocks import COLUMNS, block_of
from sre_copilot.perception.http import HttpSettings
from sre_copilot.perception.http_answers import understood
from sre_copilot.perception.masking import Masker
from sre_copilot.perception.source import Asked, Health, Reading
from sre_copilot.perception.zabbix_rpc import ZabbixRpc

_FLOAT, _UNSIGNED = 0, 3
_HOUR = 3600
_KNOWN_NAMES: Mapping[str, str] = {
    "system.cpu.util": "cpu_usage_percent",
    "vm.memory.utilization": "memory_usage_percent",
    "vm.memory.util": "memory_usage_percent",
    "system.cpu.load[all,avg1]": "load_1m",
    "system.cpu.load[percpu,avg1]": "load_per_cpu",
    "icmpping": "up",
    "icmppingsec": "ping_latency_seconds",
    "agent.ping": "up",
}
"""Keys of Zabbix's own templates that mean what a metric of the built-in catalogue means; others keep their key as name."""


class ZabbixSettings(HttpSettings):
    """Zabbix; `url` is that of the frontend, as a browser opens it, and `bearer_token` an API token (Users > API tokens)."""

    host_groups: tuple[str, ...] = ()
    """Names of the host groups to read; all that the token may see when empty."""
    keys: tuple[str, ...] = ("system.cpu.*", "vm.memory.*", "vfs.fs.*pused*", "vfs.dev.*", "net.if.*", "icmpping*", "proc.*", "net.tcp.service*", "web.test.*", "agent.ping")  # fmt: skip
    """Keys of the items to read, with `*` for anything."""
    service_tag: str = "service"
    """Host tag that names the service; the host's own name where it has none."""
    names: dict[str, str] = Field(default_factory=dict)
    """Item key -> name of the metric, best with its unit; adds to the keys of Zabbix's own templates."""
    max_items: int = Field(default=20_000, ge=1)
    """Most items; more are an error, never silently a part of them."""
    items_at_once: int = Field(default=200, ge=1)
    """Items of one request for history: a frontend answers from PHP, in memory."""
    page: int = Field(default=20_000, ge=2)
    """Most values of one answer; what gives more is asked in shorter stretches of time."""
    trends: bool = True
    """Fall back to the hourly averages of items whose history is no longer kept."""

    @model_validator(mode="after")
    def _check_token(self) -> Self:
        if self.username or self.password:
            raise ValueError("username and password: Zabbix is read with an API token; set bearer_token")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One numeric item."""

    id: str
    service: str
    instance: str
    metric: str
    value_type: int


class ZabbixSource:
    """Reads the items of one Zabbix."""

    Settings: ClassVar[type[ZabbixSettings]] = ZabbixSettings
    modalities: ClassVar[tuple[Modality, ...]] = ("metrics",)

    def __init__(self, settings: ZabbixSettings) -> None:
        self.settings = settings
        self._masker = Masker(settings)
        self._rpc = ZabbixRpc(settings, name=self.name)

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self.settings.name or "zabbix"

    def read(self, window: Window) -> Reading:
        """Return the values of the window at the times at which they were taken, in whole seconds."""
        self._rpc.take_asked()  # what health asked meanwhile is no part of this reading
        with understood(self.name, self._rpc.path):
            table, trends, lost = self._values(window)
        return Reading(
            telemetry=Telemetry(metrics=self._masker(table, inside_of="metric")),
            gaps=(*self._trend_gap(trends), *(self._lost_gap(lost) if lost else ())),
            asked=tuple(
                Asked(source=self.name, text=text, target=self._rpc.target, window=window, rows=table.height)
                for text in self._rpc.take_asked()
            ),
        )

    def _values(self, window: Window) -> tuple[pl.DataFrame, list[dict[str, Any]], int]:
        """The table, the hourly averages in it, and how many values are no numbers."""
        items = self.items()
        rows = [row for batch in self._batches(items) for row in self._history(batch, window)]
        seen = {row["itemid"] for row in rows}
        old = [item for item in items if item.id not in seen] if self.settings.trends else []
        trends = [row for batch in self._batches(old) for row in self._trends(batch, window)]
        table, lost = _table(items, [*rows, *trends])
        return table, trends, lost

    def series(self, window: Window, *, step_seconds: int) -> SeriesBlock:
        """Return the values on a grid, of several in one cell the latest."""
        metrics = self.read(window).telemetry.metrics
        return block_of(metrics if metrics is not None else pl.DataFrame(), window, step_seconds=step_seconds)

    def items(self) -> list[Item]:
        """The numeric items that are configured, of hosts that are monitored."""
        found = self._rpc.call("item.get", self._selection())
        if len(found) > self.settings.max_items:
            raise SourceAnswerError(
                self.name,
                f"{len(found)} items and more fit, max_items is {self.settings.max_items}",
                remedy="narrow keys or host_groups, or raise max_items",
            )
        return [self._item(each) for each in found]

    def health(self) -> Health:
        """Ask for the version, which needs no token, and then for a host, which does."""
        try:
            version, skew = self._rpc.version_and_skew()
            with understood(self.name, self._rpc.path):
                hosts = int(self._rpc.call("host.get", {"countOutput": True, "monitored_hosts": True}))
        except SourceError as error:
            return Health(source=self.name, ok=False, problem=error.problem, remedy=error.remedy)
        problem = "" if hosts else "the token sees no monitored host"
        remedy = "" if hosts else "give the token's user read rights on the host groups"
        return Health(
            source=self.name,
            ok=True,
            version=version,
            clock_skew_seconds=skew,
            permissions=(f"{'+' if hosts else '-'}read hosts",),
            problem=problem,
            remedy=remedy,
        )

    def close(self) -> None:
        """Close connections."""
        self._rpc.close()

    def _selection(self) -> dict[str, Any]:
        chosen: dict[str, Any] = {
            "output": ["itemid", "key_", "value_type", "units"],
            "selectHosts": ["host", "name"],
            "filter": {"value_type": [_FLOAT, _UNSIGNED]},
            "search": {"key_": list(self.settings.keys)},
            "searchWildcardsEnabled": True,
            "searchByAny": True,
            "monitored": True,
            "sortfield": "itemid",
            "limit": self.settings.max_items + 1,
        }
        if self.settings.host_groups:
            chosen["groupids"] = self._groups()
        return chosen

    def _groups(self) -> list[str]:
        names = list(self.settings.host_groups)
        found = self._rpc.call("hostgroup.get", {"output": ["groupid", "name"], "filter": {"name": names}})
        absent = sorted(set(names) - {group["name"] for group in found})
        if absent:
            raise SourceAnswerError(
                self.name,
                f"no host group {', '.join(absent)}",
                remedy="check host_groups, and that the token may read them",
            )
        return [group["groupid"] for group in found]

    def _item(self, entry: Mapping[str, Any]) -> Item:
        host = entry["hosts"][0]
        key = entry["key_"]
        names = {**_KNOWN_NAMES, **self.settings.names}
        service = self._services().get(host["hostid"]) if self.settings.service_tag else None
        return Item(
            id=entry["itemid"],
            service=service or host["host"],
            instance=host["host"] if service else "",
            metric=names.get(key, key),
            value_type=int(entry["value_type"]),
        )

    def _services(self) -> dict[str, str]:
        """Host -> value of its service tag; asked once for each reading of items."""
        return self._rpc.host_tags(self.settings.service_tag)

    def _batches(self, items: Sequence[Item]) -> Iterator[list[Item]]:
        """Items of one type, so many as one request asks for: history is kept by type."""
        for value_type in (_FLOAT, _UNSIGNED):
            chosen = [item for item in items if item.value_type == value_type]
            size = self.settings.items_at_once
            yield from (chosen[i : i + size] for i in range(0, len(chosen), size))

    def _history(self, items: Sequence[Item], window: Window) -> Iterator[dict[str, Any]]:
        first, last = math.ceil(window.start), math.ceil(window.end) - 1
        if first <= last:
            yield from self._stretch(items, first, last)

    def _stretch(self, items: Sequence[Item], first: int, last: int) -> Iterator[dict[str, Any]]:
        """Values of `first <= clock <= last`; in halves (of time, then of items) where an answer was cut."""
        asked = {
            "output": ["itemid", "clock", "value", "ns"],
            "history": items[0].value_type,
            "itemids": [item.id for item in items],
            "time_from": first,
            "time_till": last,
            "sortfield": ["clock"],
            "sortorder": "ASC",
            "limit": self.settings.page,
        }
        rows = self._rpc.call("history.get", asked)
        if len(rows) < self.settings.page or (first == last and len(items) == 1):
            yield from rows
        elif first < last:
            middle = (first + last) // 2
            yield from self._stretch(items, first, middle)
            yield from self._stretch(items, middle + 1, last)
        else:
            half = len(items) // 2
            yield from self._stretch(items[:half], first, last)
            yield from self._stretch(items[half:], first, last)

    def _trends(self, items: Sequence[Item], window: Window) -> Iterator[dict[str, Any]]:
        """Averages of the whole hours that begin in the window."""
        if window.seconds < _HOUR:
            return
        asked = {
            "output": ["itemid", "clock", "value_avg"],
            "itemids": [item.id for item in items],
            "time_from": math.ceil(window.start),
            "time_till": math.ceil(window.end) - 1,
        }
        for row in self._rpc.call("trend.get", asked):
            yield {"itemid": row["itemid"], "clock": row["clock"], "value": row["value_avg"]}

    def _trend_gap(self, trends: Sequence[Mapping[str, Any]]) -> tuple[Gap, ...]:
        items = len({row["itemid"] for row in trends})
        return (_gap("trends", source=self.name, items=items),) if items else ()

    def _lost_gap(self, lost: int) -> tuple[Gap, ...]:
        return (_gap("no_number", source=self.name, metric="Zabbix items", values=lost),)


def _table(items: Sequence[Item], rows: Sequence[Mapping[str, Any]]) -> tuple[pl.DataFrame, int]:
    """The long table of domain.signals, and how many values are no numbers."""
    names = pl.DataFrame(
        {
            "itemid": [item.id for item in items],
            "service": [item.service for item in items],
            "instance": [item.instance for item in items],
            "metric": [item.metric for item in items],
        },
        schema=dict.fromkeys(("itemid", "service", "instance", "metric"), pl.String),
    )
    columns = {
        "itemid": [str(row["itemid"]) for row in rows],
        "ts": [int(row["clock"]) for row in rows],
        "ns": [int(row.get("ns", 0)) for row in rows],
        "value": [str(row["value"]) for row in rows],
    }
    schema = {"itemid": pl.String, "ts": pl.Int64, "ns": pl.Int64, "value": pl.String}
    values = pl.DataFrame(columns, schema=schema).with_columns(pl.col("value").cast(pl.Float64, strict=False))
    usable = values.filter(pl.col("value").is_finite().fill_null(value=False))
    joined = usable.join(names, on="itemid").sort("ts", "service", "metric", "instance", "ns")
    return joined.select(COLUMNS), values.height - usable.height


def _gap(key: str, **params: str | int) -> Gap:
    return Gap(
        modality="metrics", message=Message(key=f"gap.metric_source.{key}", params=tuple(params.items()))
    )
