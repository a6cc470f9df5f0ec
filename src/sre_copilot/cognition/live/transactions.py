"""Business transactions of a running system against their profile: volume, success, latency and amount, down to the channel that explains it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sre_copilot.cognition.live.seasonal import MINUTE_S, Seasonal, needed
from sre_copilot.cognition.live.transaction_findings import (
    SEPARATOR,
    WHOLE,
    Now,
    check_of,
    ratio_check_of,
    told_of,
)
from sre_copilot.domain.anomaly import Anomaly
from sre_copilot.domain.evidence import Gap, Message
from sre_copilot.domain.signals import Window

WARM_UP_DAYS = (
    1 / 24
)  # an hour: a rate and a share of successes are known; the time of day counts from the second day on
FEWEST = (
    20.0  # transactions due in a window from which their number, or the share that succeeds, says anything
)
WITNESSES = 200.0  # transactions of one window that speak for themselves: more fail and succeed together
LEAST_LOST = 0.02  # of the successes: fewer are nobody's trouble
LEAST_DROP = 0.3  # of the volume: the daily shape moves it by less
SURGE = 2.0  # times what is due
FACTOR = math.log(1.5)  # change of latency or amount, as a logarithm
NARROW = math.log(1.1)  # standard deviation that a logarithm is granted
EXPLAINS = 0.5  # of a drop: the channel that has more than half of it explains it
_SUMS = 8
COUNT, SUCCESS, LATENCY_N, LATENCY, LATENCY_2, AMOUNT_N, AMOUNT, AMOUNT_2 = range(_SUMS)


class LiveTransactions:
    """Learns volume by time of day and success, latency and amount of each channel, and tells what differs."""

    def __init__(self) -> None:
        self.counts = Seasonal()
        self._sums = np.zeros((0, _SUMS))

    def learn(self, table: pl.DataFrame, window: Window | None = None) -> None:
        """Add a table of the past, stretches in order of time; `window` is what it covers, default from its first to its last row."""
        rows = _with_whole(_usable(table, window))
        if rows.is_empty() and window is None:
            return
        covered = window or _span(rows)
        minutes = rows.group_by("service", "channel", minute=pl.col("ts") // MINUTE_S).agg(
            pl.col("count").sum()
        )
        names = _names(minutes)
        self.counts.learn(
            self.counts.index(names),
            minutes["minute"].to_numpy(),
            minutes["count"].cast(pl.Float64).to_numpy(),
            covered,
        )
        sums = rows.group_by("service", "channel").agg(*_sums())
        places = self.counts.index(_names(sums))
        self._sums = np.concatenate(
            [self._sums, np.zeros((len(self.counts.places) - len(self._sums), _SUMS))]
        )
        np.add.at(self._sums, places, sums.drop("service", "channel").cast(pl.Float64).to_numpy())

    def tick(self, table: pl.DataFrame | None, window: Window) -> list[Anomaly]:
        """Judge one window, most surprising first; `table` None (not recorded) is no judgement, a channel without rows has none."""
        if table is None or self.counts.days < WARM_UP_DAYS:
            return []
        rows = _usable(table, window)
        if rows.is_empty() and not table.is_empty():
            return []  # other times were recorded, this one was not
        now = {each.name: each for each in _now(_with_whole(rows))}
        limit = needed(4 * len(self.counts.places))
        services = sorted({name.partition(SEPARATOR)[0] for name in self.counts.places})
        told = [each for service in services for each in self._service(service, now, window, limit)]
        return sorted(told, key=lambda each: (-each.score, each.entity, each.finding.id))

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What cannot be told yet."""
        if self.counts.days >= WARM_UP_DAYS:
            return ()
        hours = round(self.counts.days * 24, 1)
        message = Message(key="gap.live_transactions_first_hour", params=(("hours", hours),))
        return (Gap(modality="transactions", message=message),)

    def merge(self, other: LiveTransactions) -> None:
        """Add what another learned of other stretches of time; the same time twice would halve every rate."""
        self.counts.merge(other.counts)
        self._sums = np.concatenate(
            [self._sums, np.zeros((len(self.counts.places) - len(self._sums), _SUMS))]
        )
        np.add.at(self._sums, self.counts.index(other.counts.places), other._sums)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays by name, and the rest fit for JSON."""
        arrays, meta = self.counts.state()
        return {**arrays, "sums": self._sums.copy()}, {"counts": meta}

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], meta: dict[str, Any]) -> LiveTransactions:
        """The learned past that a state was taken of."""
        found = cls()
        found.counts, found._sums = Seasonal.of(arrays, meta["counts"]), arrays["sums"].copy()
        return found

    def _service(self, service: str, now: dict[str, Now], window: Window, limit: float) -> Iterator[Anomaly]:
        names = [name for name in self.counts.places if name.startswith(service + SEPARATOR)]
        each = [now.get(name) or Now(service, name.partition(SEPARATOR)[2], 0.0, 0.0) for name in names]
        places = self.counts.index(names)
        yield from self._volume(each, places, window, limit)
        yield from self._success(each, places, window, limit)
        for one, place in zip(each, places.tolist(), strict=True):
            if one.channel != WHOLE:
                yield from self._level(one, place, window, limit, amount=False)
                yield from self._level(one, place, window, limit, amount=True)

    def _volume(
        self, each: Sequence[Now], places: NDArray[np.int64], window: Window, limit: float
    ) -> Iterator[Anomaly]:
        """One drop and one surge of a service, with the channel that has most of it."""
        due = self.counts.expected(places, window)
        seen = np.asarray([one.count for one in each])
        enough = due.mean >= FEWEST
        low = np.where(enough & (seen <= (1 - LEAST_DROP) * due.mean), due.nats_below(seen), 0.0)
        high = np.where(enough & (seen >= SURGE * due.mean), due.nats_above(seen), 0.0)
        for kind, nats, change in (
            ("live.transactions_low", low, due.mean - seen),
            ("live.transactions_high", high, seen - due.mean),
        ):
            if float(nats.max(initial=0.0)) < limit:
                continue
            chosen, share = _explaining(each, change, nats >= limit)
            one, mean = each[chosen], float(due.mean[chosen])
            checks = (check_of(one, "count", "sum", window, measured=one.count, normal=mean),)
            yield told_of(
                kind,
                one,
                window,
                checks=checks,
                metric="count",
                measured=(one.count, mean),
                share=share,
                nats=float(nats.max()),
                limit=limit,
                effect=abs(float(change[chosen])) / mean,
            )

    def _success(
        self, each: Sequence[Now], places: NDArray[np.int64], window: Window, limit: float
    ) -> Iterator[Anomaly]:
        """A fall of the share that succeeds: the likelihood ratio of two binomial shares, each smoothed by half a transaction."""
        count = np.asarray([one.count for one in each])
        success = np.asarray([one.success for one in each])
        learned = self._sums[places]
        before = (learned[:, COUNT] - learned[:, SUCCESS] + 0.5) / (learned[:, COUNT] + 1.0)
        after = (count - success + 0.5) / (count + 1.0)
        divergence = after * np.log(after / before) + (1 - after) * np.log((1 - after) / (1 - before))
        rate = np.asarray([one.rate for one in each])
        enough = (count >= FEWEST) & (learned[:, COUNT] >= FEWEST)
        holds = 1 - rate - before >= LEAST_LOST  # what the check of a finding asks; NaN does not
        fell = enough & (after - before >= LEAST_LOST) & holds
        nats = np.where(fell, np.minimum(count, WITNESSES) * divergence, 0.0)
        if float(nats.max(initial=0.0)) < limit:
            return
        chosen, share = _explaining(each, np.where(holds, (after - before) * count, 0.0), nats >= limit)
        one = each[chosen]
        measured = one.success / max(one.count, 1.0), 1.0 - float(before[chosen])
        yield told_of(
            "live.transactions_failing",
            one,
            window,
            checks=(check_of(one, "success_rate", "mean", window, measured=one.rate, normal=measured[1]),),
            metric="success_rate",
            measured=measured,
            share=share,
            nats=float(nats.max()),
            limit=limit,
            effect=1.0 - measured[0] / measured[1],
        )

    def _level(
        self, one: Now, place: int, window: Window, limit: float, *, amount: bool
    ) -> Iterator[Anomaly]:
        """Latency that rose, or the amount of a transaction that changed, by its logarithm's distance from the learned mean."""
        n, first, second = self._sums[place][
            [AMOUNT_N, AMOUNT, AMOUNT_2] if amount else [LATENCY_N, LATENCY, LATENCY_2]
        ].tolist()  # plain numbers: what is told of them is written as JSON
        value = one.amount if amount else one.latency
        if n < FEWEST or not math.isfinite(value):
            return
        mean = first / n
        spread = max(math.sqrt(max(second / n - mean**2, 0.0)), NARROW)
        distance = value - mean
        nats = (distance / spread) ** 2 / 2
        if nats < limit or (abs(distance) if amount else distance) < FACTOR:
            return
        measured = math.exp(value), math.exp(mean)
        metric = "amount" if amount else "latency_ms"
        yield told_of(
            "live.transactions_amount" if amount else "live.transactions_slow",
            one,
            window,
            checks=(
                ratio_check_of(one, window, measured)
                if amount
                else check_of(one, metric, "median", window, measured=measured[0], normal=measured[1]),
            ),
            metric=metric,
            measured=measured,
            share=1.0,
            nats=nats,
            limit=limit,
            effect=0.0 if amount else 1 - measured[1] / measured[0],
        )


def _explaining(
    each: Sequence[Now], change: NDArray[np.float64], told: NDArray[np.bool_]
) -> tuple[int, float]:
    """The channel that has more than half of a change, else the whole; and its share of the change of all channels."""
    parts = np.asarray(
        [
            0.0 if one.channel == WHOLE else max(float(value), 0.0)
            for one, value in zip(each, change, strict=True)
        ]
    )
    total = parts.sum()
    best = int(np.argmax(parts))
    if total > 0 and parts[best] > EXPLAINS * total:
        return best, float(parts[best] / total)
    whole = next((place for place, one in enumerate(each) if one.channel == WHOLE and told[place]), None)
    chosen = whole if whole is not None else int(np.argmax(np.where(told, parts, -1.0)))
    return chosen, 1.0 if whole is not None else float(parts[chosen] / total) if total > 0 else 1.0


def _usable(table: pl.DataFrame, window: Window | None) -> pl.DataFrame:
    rows = table.filter(pl.all_horizontal(pl.col("ts", "service", "count", "success").is_not_null()))
    if window is not None:
        rows = rows.filter((pl.col("ts") >= window.start) & (pl.col("ts") < window.end))
    return rows.with_columns(pl.col("channel").fill_null(""))


def _with_whole(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, and once more as those of the whole service."""
    return pl.concat([rows, rows.with_columns(pl.lit(WHOLE).alias("channel"))])


def _names(table: pl.DataFrame) -> list[str]:
    return [
        f"{service}{SEPARATOR}{channel}"
        for service, channel in table.select("service", "channel").iter_rows()
    ]


def _logarithms() -> tuple[pl.Expr, pl.Expr]:
    """Of latency, and of amount a transaction; null where there is none."""
    latency = pl.when(pl.col("latency_ms") > 0).then(pl.col("latency_ms").log())
    each = pl.col("amount") / pl.col("count")
    amount = pl.when((pl.col("count") > 0) & (pl.col("amount") > 0)).then(each.log())
    return latency.fill_nan(None), amount.fill_nan(None)


def _sums() -> list[pl.Expr]:
    latency, amount = _logarithms()
    return [
        pl.col("count").sum().alias("c"),
        pl.col("success").sum().alias("s"),
        *(
            part.alias(f"l{at}")
            for at, part in enumerate((latency.count(), latency.sum(), (latency**2).sum()))
        ),
        *(part.alias(f"a{at}") for at, part in enumerate((amount.count(), amount.sum(), (amount**2).sum()))),
    ]


def _now(rows: pl.DataFrame) -> list[Now]:
    latency, _ = _logarithms()
    some = pl.col("count") > 0
    amount = pl.col("amount").cast(pl.Float64)
    complete = (
        amount.is_finite().fill_null(False) | ~some
    ).all()  # a part of the amounts by all transactions would be no amount of one
    each = rows.group_by("service", "channel").agg(
        pl.col("count").sum(),
        pl.col("success").sum(),
        (pl.col("success") / pl.col("count")).filter(some).mean().alias("rate"),
        latency.median().alias("latency"),
        pl.when(complete & (amount.sum() > 0))
        .then((amount.sum() / pl.col("count").sum()).log())
        .alias("amount"),
    )
    known = each.with_columns(pl.col("rate", "latency", "amount").fill_null(math.nan)).sort(
        "service", "channel"
    )
    return [Now(*row) for row in known.iter_rows()]


def _span(rows: pl.DataFrame) -> Window:
    first, last = rows["ts"].min(), rows["ts"].max()
    return Window(float(first), float(last) + MINUTE_S)  # type: ignore[arg-type]
