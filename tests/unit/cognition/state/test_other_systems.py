"""Clusters that are described differently, and that are noisier, than the usual one: the verdict is the same."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from tests.unit.cognition.state.cluster_text import NAMESPACE, App, City
from tests.unit.cognition.state.test_analysers import CRASHING, DOWN, LATE

from sre_copilot.cognition.rca.state_rank import localise
from sre_copilot.cognition.state.cluster import Cluster
from sre_copilot.cognition.state.dependencies import references
from sre_copilot.cognition.state.detector import detect
from sre_copilot.cognition.state.documents import read
from sre_copilot.cognition.state.names import Names
from sre_copilot.cognition.state.scene import SYMPTOM, scene_of
from sre_copilot.domain.incident import Observation, Suspect
from sre_copilot.evidence.evaluator import Evaluator

CITY = City()
SECRETIVE = CITY.bend("corn", environment=())  # takes its database's address from a secret
LINK = "com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure"
START = (
    (LATE.format(minute=0), "HikariPool-1 - Exception during pool initialization."),
    (LATE.format(minute=0), "Connect to book:8000 failed: Connection refused"),
    (LATE.format(minute=0), "java.net.UnknownHostException: book"),
    (LATE.format(minute=9), "Started Application in 27.1 seconds"),
)
REFUSED = 'Error creating: pods "corn-7c9-" is forbidden: exceeded quota: box, requested: pods=1, used: pods=9, limited: pods=9'
CASES: dict[str, tuple[City, str, str]] = {
    "a port that only the log names": (
        replace(SECRETIVE.bend("corn", **CRASHING), logs=(("corn", "dial tcp deep:3308: connect: connection refused"),)),
        "app/corn", "database/address"),
    "a database that one client cannot reach": (
        replace(SECRETIVE.bend("corn", **CRASHING), logs=(("corn", LINK),)), "app/corn", "database/address"),
    "a variable that nothing binds": (
        replace(SECRETIVE.bend("corn", **CRASHING), logs=(("corn", "Could not resolve placeholder 'DB_PASSWORD' in value"),)),
        "app/corn", "startup/secret"),
    "a service that selects another workload's pods": (CITY.bend("book", selector="app=lamp"), "app/book", "routing/selector"),
    "a service that only callers' logs miss": (
        replace(CITY.bend("lamp", environment=()).bend("book", environment=()).bend("corn", service=False),
                logs=(("lamp", LATE.format(minute=0) + "start"), ("lamp", LATE.format(minute=9) + "java.net.UnknownHostException: corn"))),
        "app/corn", "routing/dns"),
    "an access error that a caller passes on": (
        replace(CITY, logs=(("corn", "Access denied for user 'it'@'10.2.0.3' (using password: YES)"),
                            ("book", "500 from corn: Access denied for user it"))),
        "app/corn", "database/credentials"),
    "a refusal that only the list of events holds": (
        replace(CITY.bend("corn", pod=False, replicas="1 desired | 0 updated | 0 total | 0 available | 1 unavailable"),
                extra=((f"kubectl get events -n {NAMESPACE}", f"9s   Warning   FailedCreate   replicaset/corn-5d8   {REFUSED}"),)),
        f"namespace/{NAMESPACE}", "admission/quota-pods"),
}  # fmt: skip


def first(observation: Observation) -> Suspect:
    ranking = localise(observation, detect(observation).findings)
    assert ranking is not None
    return ranking.suspects[0]


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_found_where_the_configuration_says_less(name: str) -> None:
    city, entity, fault = CASES[name]
    observation = city.observe()
    suspect = first(observation)
    assert (suspect.entity, suspect.fault_type) == (entity, fault)
    evaluator = Evaluator(observation)
    for finding in detect(observation).findings:
        assert finding.checks
        assert all(evaluator.evaluate(check).holds for check in finding.checks)


def test_start_up_noise_and_past_restarts_of_ready_pods_are_no_cause() -> None:
    city = replace(
        CITY, logs=tuple((name, stamp + text) for name in ("lamp", "corn") for stamp, text in START)
    )
    for name in ("lamp", "book", "corn"):
        city = city.bend(name, restarts=3, last_reason="Error", events=(
            "Warning  BackOff  9m (x4 over 11m)  kubelet  Back-off restarting failed container",
            "Warning  Unhealthy  9m (x6 over 11m)  kubelet  Liveness probe failed: connection refused",
        ))  # fmt: skip
    assert first(city.observe()).score <= SYMPTOM


def test_several_clients_that_cannot_reach_a_database_accuse_none_of_them() -> None:
    city = replace(
        SECRETIVE.bend("corn", **CRASHING).bend("book", **CRASHING), logs=(("corn", LINK), ("book", LINK))
    )
    assert first(city.observe()).score <= 2 * SYMPTOM


def test_a_client_is_not_accused_of_a_database_that_is_down() -> None:
    city = replace(SECRETIVE.bend("corn", **CRASHING).bend("deep", **CRASHING), logs=(("corn", LINK),))
    kinds = {finding.kind for finding in detect(city.observe()).findings}
    assert "state.database.unreachable" not in kinds


def test_a_silent_scheduler_is_not_concluded_from_a_recording_without_events() -> None:
    kinds = {finding.kind for finding in detect(CITY.bend("corn", **DOWN, node="").observe()).findings}
    assert "state.node.scheduler" not in kinds


def test_a_process_that_ends_by_itself_is_not_blamed_on_its_probe() -> None:
    events = ("Warning  Unhealthy  9s (x6 over 60s)  kubelet  Liveness probe failed: connection refused",)
    city = CITY.bend("corn", **(CRASHING | {"last_reason": "Error\n      Exit Code:  1", "events": events}))
    assert not [each for each in detect(city.observe()).findings if each.kind.startswith("state.probe")]


def test_a_kind_that_is_described_at_once_is_read_as_its_objects() -> None:
    parts = App("lamp").documents(1), App("book").documents(2)
    text = "\n\n\n".join(next(value for key, value in each.items() if "services" in key) for each in parts)
    found = read({f"kubectl -n {NAMESPACE} describe svc": text})
    assert [(each.name, each.namespace, each.kind) for each in found] == [
        ("book", NAMESPACE, "services"),
        ("lamp", NAMESPACE, "services"),
    ]


def test_addresses_are_read_from_the_config_map_that_the_environment_names() -> None:
    city = CITY.bend("corn", environment=("DB_HOST:  <set to the key 'host' of config map 'sea'>  Optional: false",
                                          "DB_PORT:  <set to the key 'port' of config map 'sea'>  Optional: false"))  # fmt: skip
    data = "Name:  sea\n\nData\n====\nhost:\n----\ndeep\nport:\n----\n3307\n\nBinaryData\n====\n\nEvents:  <none>"
    observation = replace(city, extra=((f"kubectl describe configmaps sea -n {NAMESPACE}", data),)).observe()
    named = {(each.host, each.port) for each in references(scene_of(observation).cluster, "corn")}
    assert named == {("deep", 3307)}
    assert (first(observation).entity, first(observation).fault_type) == ("app/corn", "database/address")


@pytest.mark.parametrize(
    "written", ["lamp", "lamp-7c9", "lamp-7c9-x1", "lamp-6f7d8b9c5-abcde", "lamp.harbour.svc"]
)
def test_a_log_means_the_workload_whose_pod_service_or_label_it_names(written: str) -> None:
    state = CITY.observe().current.state
    assert state is not None
    if written != "lamp-7c9":
        assert Names(Cluster(state, NAMESPACE)).workload(written) == "lamp"


def test_a_log_check_asks_for_the_name_that_the_log_was_recorded_with() -> None:
    city = replace(SECRETIVE.bend("corn", **CRASHING), logs=(("corn-7c9-x1", LINK),))
    observation = city.observe()
    finding = next(each for each in detect(observation).findings if each.kind == "state.database.unreachable")
    assert all(Evaluator(observation).evaluate(check).holds for check in finding.checks)
    assert isinstance(observation.current.logs, pl.DataFrame)
