"""What models cost, counted: Prometheus metrics that are added to a registry."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from sre_copilot.llm.speaking import Usage


class ModelMetrics:
    """Tokens, money, time and outcome of calls, by the name that the configuration gives a model."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        name = "sre_copilot_llm_"
        into = registry or CollectorRegistry()
        self.tokens = Counter(
            f"{name}tokens", "Tokens sent to and received from models", ["model", "kind"], registry=into
        )
        self.cost = Counter(f"{name}cost_usd", "Money that models cost, by the price table", registry=into)
        self.calls = Counter(f"{name}calls", "Calls of models", ["model", "outcome"], registry=into)
        self.seconds = Histogram(
            f"{name}call_duration_seconds",
            "Time that a call of a model took",
            ["model"],
            buckets=(0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120),
            registry=into,
        )

    def count(self, model: str, usage: Usage, *, outcome: str) -> None:
        """Count one call."""
        self.calls.labels(model=model, outcome=outcome).inc()
        self.seconds.labels(model=model).observe(usage.seconds)
        self.tokens.labels(model=model, kind="input").inc(usage.input_tokens)
        self.tokens.labels(model=model, kind="output").inc(usage.output_tokens)
        self.cost.inc(usage.cost)
