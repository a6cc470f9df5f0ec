"""An invented shop with an invented fault: everything that a report can show, hostile text included."""

from __future__ import annotations

import polars as pl
from tests.unit.incidents.report.example_tables import (
    AFTER,
    CALLS,
    HOSTILE,
    ONSET,
    WINDOW,
    logs,
    metrics,
    traces,
    transactions,
)

from sre_copilot.domain.evidence import Check, Finding, Gap, Message, Query, Refutation
from sre_copilot.domain.incident import Complaint, Diagnosis, Incident, Observation, Outcome, Suspect
from sre_copilot.domain.signals import Alert, Change, Telemetry, Window
from sre_copilot.domain.topology import Topology
from sre_copilot.incidents.report import add

SENTENCES = {
    "example.level": {
        "en": "{metric} of {entity} is at {value:.0f} %, {factor:.1f} times its own median",
        "zh": "{entity} 的 {metric} 为 {value:.0f} %，是其自身中位数的 {factor:.1f} 倍",
    },
    "example.gap": {
        "en": "Calls from {caller} to {entity} spend {value:.0f} ms between the two, normally {normal:.0f} ms",
        "zh": "{caller} 调用 {entity} 时在两者之间耗时 {value:.0f} 毫秒，平时为 {normal:.0f} 毫秒",
    },
    "example.vanished": {
        "en": "{entity} stopped writing “{template}”",
        "zh": "{entity} 不再输出“{template}”",
    },
    "example.appeared": {"en": "{entity} began to write “{template}”", "zh": "{entity} 开始输出“{template}”"},
    "example.slow": {
        "en": "{entity} takes {factor:.1f} times as long as before",
        "zh": "{entity} 的耗时是此前的 {factor:.1f} 倍",
    },
    "example.state": {
        "en": "A container of {entity} was killed {count} times",
        "zh": "{entity} 的容器被终止 {count} 次",
    },
    "example.failing": {"en": "Orders fail: {value:.0f} % succeed", "zh": "订单失败：成功率为 {value:.0f} %"},
    "example.unseen": {
        "en": "No spans before {start_at}: {modality} cannot be compared with normal time.",
        "zh": "{start_at} 之前没有跨度：无法与正常时段的{modality}对比。",
    },
    "example.reason": {
        "en": "{findings} findings from {kinds} kinds of telemetry point to {entity}.",
        "zh": "来自 {kinds} 类遥测数据的 {findings} 条发现指向 {entity}。",
    },
    "example.step": {
        "en": "Give {entity} more CPU and restart it.",
        "zh": "为 {entity} 增加 CPU 配额并重启。",
    },
    "example.step.verify": {
        "en": "Check that the latency of {entity} returns to its expected band.",
        "zh": "确认 {entity} 的延迟恢复到预期范围。",
    },
}
add(SENTENCES)


def where(**pairs: str) -> tuple[tuple[str, str], ...]:
    """Conditions of a query."""
    return tuple(pairs.items())


def hot(entity: str, metric: str = "cpu_usage(%)", weight: float = 4.2) -> Finding:
    """CPU far above its own median."""
    query = Query(source="metrics", measure="value", where=where(service=entity, metric=metric), window=AFTER)
    before = Query(
        source="metrics",
        measure="value",
        where=query.where,
        window=Window(WINDOW.start, ONSET),
        origin="incident",
    )
    return Finding(
        kind="example.level",
        entity=entity,
        modality="metrics",
        weight=weight,
        params=(("metric", metric), ("value", 92.0), ("factor", 4.3)),
        checks=(
            Check(query=query, aggregate="p90", relation=">=", bound=80.0),
            Check(query=query, aggregate="median", relation=">=", bound=2.0, against=before, combine="ratio"),
        ),
        fault_type="resource/cpu",
        window=AFTER,
    )


def slow_edge(caller: str, callee: str, weight: float = 3.1) -> Finding:
    """The gap between a caller's and its callee's span grows."""
    pair = where(caller=caller, callee=callee)
    query = Query(source="traces", measure="gap_ms", where=pair, window=AFTER)
    reference = Query(source="traces", measure="gap_ms", where=pair, origin="reference")
    return Finding(
        kind="example.gap",
        entity=callee,
        modality="traces",
        weight=weight,
        params=(("caller", caller), ("value", 139.7), ("normal", 4.0)),
        checks=(
            Check(query=query, aggregate="median", relation=">=", bound=60.0),
            Check(
                query=query, aggregate="median", relation=">=", bound=10.0, against=reference, combine="ratio"
            ),
        ),
        fault_type="network/delay",
        window=Window(ONSET + 4, ONSET + 180),
    )


def vanished(entity: str, template: str, weight: float = 2.6) -> Finding:
    """A statement is no longer written."""
    text = where(service=entity, contains=template)
    query = Query(source="logs", measure="rows", where=text, window=Window(ONSET + 20, ONSET + 300))
    before = Query(source="logs", measure="rows", where=text, window=Window(ONSET - 300, ONSET))
    return Finding(
        kind="example.vanished",
        entity=entity,
        modality="logs",
        weight=weight,
        params=(("template", template),),
        checks=(
            Check(query=query, aggregate="count", relation="==", bound=0),
            Check(query=before, aggregate="count", relation=">=", bound=200),
        ),
        fault_type="code/missing-step",
        window=Window(ONSET + 20, ONSET + 300),
        lines=("09:20:58 charged card of order 4711", HOSTILE),
    )


def appeared(entity: str, template: str) -> Finding:
    """A statement is new."""
    query = Query(source="logs", measure="rows", where=where(service=entity, contains=template), window=AFTER)
    return Finding(
        kind="example.appeared",
        entity=entity,
        modality="logs",
        weight=1.7,
        params=(("template", template),),
        checks=(Check(query=query, aggregate="rate", relation=">", bound=0.1),),
        window=Window(ONSET + 21, ONSET + 300),
        lines=(f"库存不足：订单 996 {HOSTILE}",),
    )


def failing() -> Finding:
    """Fewer orders succeed."""
    query = Query(
        source="transactions", measure="success_rate", where=where(service="checkout"), window=AFTER
    )
    return Finding(
        kind="example.failing",
        entity="checkout",
        modality="transactions",
        weight=0.9,
        params=(("value", 65.0),),
        checks=(Check(query=query, aggregate="mean", relation="<", bound=0.9),),
        window=Window(ONSET + 60, ONSET + 300),
    )


def killed(entity: str) -> Finding:
    """The cluster says so in a line of text: nothing to draw."""
    query = Query(
        source="state", measure="rows", where=where(key="kubectl get pods", line=f"{entity}-0 0/1 OOMKilled")
    )
    return Finding(
        kind="example.state",
        entity=entity,
        modality="state",
        weight=1.2,
        params=(("count", 3),),
        checks=(Check(query=query, aggregate="count", relation=">=", bound=1),),
        fault_type="resource/out-of-memory",
        lines=("NAME         READY  STATUS     RESTARTS", f"{entity}-0   0/1    OOMKilled  3", HOSTILE),
    )


def incident(**changes: object) -> Incident:
    """An alert on the storefront and a complaint in words."""
    facts: dict[str, object] = {
        "id": "2026-03-01-checkout-slow",
        "system": "shop",
        "namespace": "prod",
        "complaint": Complaint(
            text="Customers say that paying takes forever. 顾客反映付款很慢。",
            entity="storefront",
            metric="latency_p95",
            at=ONSET + 95,
        ),
        "onset": ONSET,
        "window": WINDOW,
        "other_fault_times": (WINDOW.start + 120,),
    }
    return Incident(**{**facts, **changes})  # type: ignore[arg-type]


def observation(**changes: object) -> Observation:
    """What was recorded of the shop."""
    parts: dict[str, object] = {
        "incident": incident(),
        "current": Telemetry(
            metrics=metrics(),
            logs=logs(),
            traces=traces(),
            transactions=transactions(),
            alerts=(
                Alert("CheckoutSlow", entity="checkout", window=Window(ONSET + 130, ONSET + 500)),
                Alert(HOSTILE, entity=HOSTILE, window=Window(ONSET + 140, ONSET + 500)),
            ),
            changes=(
                Change(ONSET - 90000, "ledger", "deployment", "a day earlier: not shown"),
                Change(ONSET - 1200, "payments", "deployment", "v2.14.0 → v2.15.0"),
                Change(ONSET - 600, "搜索服务", "config", f"开启新词典 {HOSTILE}"),
            ),
        ),
        "reference": Telemetry(
            traces=traces(11).with_columns(
                pl.col("start_ns") - 86_400_000_000_000, pl.col("duration_us").clip(0, 36_000)
            )
        ),
        "topology": Topology.of((*CALLS, ("gateway", HOSTILE))),
    }
    return Observation(**{**parts, **changes})  # type: ignore[arg-type]


def findings() -> tuple[Finding, ...]:
    """All findings, in no order."""
    return (
        hot(HOSTILE, weight=0.4),
        slow_edge("checkout", "payments"),
        failing(),
        hot("payments"),
        appeared("payments", "库存不足"),
        vanished("payments", "charged card of order"),
        killed("payments"),
    )


def suspects(found: tuple[Finding, ...]) -> tuple[Suspect, ...]:
    """Payments leads; everything upstream of it suffers."""

    def ids(entity: str) -> tuple[str, ...]:
        return tuple(finding.id for finding in found if finding.entity == entity)

    return (
        Suspect(
            entity="payments",
            score=9.4,
            fault_type="resource/cpu",
            finding_ids=ids("payments"),
            path=("payments", "checkout", "storefront"),
        ),
        Suspect(
            entity="checkout", score=3.2, fault_type="degradation/availability", finding_ids=ids("checkout")
        ),
        Suspect(entity="storefront", score=1.1),
        Suspect(entity="搜索服务", score=0.8, fault_type="code/slow"),
        Suspect(entity=HOSTILE, score=0.4, finding_ids=ids(HOSTILE)),
        Suspect(entity="cart", score=0.3),
        Suspect(entity="ledger", score=0.0),
    )


def diagnosis(**changes: object) -> Diagnosis:
    """The CPU of payments is exhausted."""
    found = findings()
    false = hot("cart")
    second = vanished("搜索服务", f"index {HOSTILE}")
    parts: dict[str, object] = {
        "incident": incident(),
        "outcome": Outcome.FAULT,
        "probability": 0.93,
        "suspects": suspects(found),
        "findings": (*found, false),
        "refuted": (
            Refutation(finding=false, check=false.checks[0], observed=19.2),
            Refutation(finding=second, check=second.checks[1], observed=None),
        ),
        "gaps": (
            Gap(
                modality="traces",
                message=Message(
                    key="example.unseen", params=(("start_at", ONSET - 120), ("modality", "traces"))
                ),
            ),
        ),
        "reasons": (
            Message(key="example.reason", params=(("findings", 5), ("kinds", 4), ("entity", "payments"))),
        ),
        "next_steps": (
            Message(key="example.step", params=(("entity", "payments"),)),
            Message(key="example.step.verify", params=(("entity", "checkout"),)),
        ),
    }
    return Diagnosis(**{**parts, **changes})  # type: ignore[arg-type]


def observed(of: Diagnosis) -> dict[str, tuple[float | None, ...]]:
    """Values that an evaluator would have measured."""
    values = {
        "example.level": (93.4, 4.28),
        "example.gap": (139.7, 33.2),
        "example.vanished": (0.0, 271.0),
        "example.appeared": (0.38,),
        "example.failing": (0.65,),
        "example.state": (1.0,),
    }
    return {finding.id: values[finding.kind] for finding in of.findings}


def large_topology(services: int = 46) -> Topology:
    """A tree with cross calls, in which the shop of the example is a part."""
    edges = [*CALLS]
    names = [f"service-{number:02d}" for number in range(services - len({e for edge in CALLS for e in edge}))]
    for at, name in enumerate(names):
        edges.append((names[at // 3] if at else "gateway", name))
        if at % 4 == 0:
            edges.append((name, "cart"))
        if at % 7 == 3:
            edges.append((name, "payments"))
    return Topology.of(edges)
