"""Addresses that only logs name: a database that one client cannot reach, a port that no service has, a name without a service."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from sre_copilot.cognition.state.admission_quota import full_of
from sre_copilot.cognition.state.databases import CONNECTIONS, CREDENTIALS, databases, servers
from sre_copilot.cognition.state.dependencies import references
from sre_copilot.cognition.state.network_log import Failure
from sre_copilot.cognition.state.scene import LIKELY, Scene, app, finding, status
from sre_copilot.cognition.state.services_network import is_database
from sre_copilot.domain.evidence import Finding

# What drivers say when no server answers at an address: Connector/J, libmysqlclient errors 2002 and 2003, libpq, HikariCP at start.
LINK = (
    r"(?i)communications link failure|can't connect to (local )?mysql server|could not connect to server"
    r"|connection to \S+ refused\. check|failed to connect to (the )?(database|mysql|postgres)|exception during pool initialization"
)
_NAMELESS = r"(?i)UnknownHost|name resolution|no such host|name or service not known"
_NAME = re.compile(
    r"(?:UnknownHost\w*: |lookup |ENOTFOUND |EAI_AGAIN |resolve (?:host:? )?|upstream \")([a-z0-9][\w.-]*)"
    r"|([a-z0-9][\w.-]*)(?: could not be resolved|: Name or service not known|: Temporary failure in name)"
)


def analyse(scene: Scene, failures: tuple[Failure, ...]) -> Iterator[Finding]:
    """Findings of all kinds; each speaks only where the recorded configuration names no address."""
    dialled = list(_ports(scene, failures))
    yield from dialled
    yield from _databases(scene, {each.entity for each in dialled})
    yield from _names(scene)


def _ports(scene: Scene, failures: tuple[Failure, ...]) -> Iterator[Finding]:
    """One caller dials a port that a service does not have; several agreeing callers would mean that the service has changed."""
    settled = {
        (each.service, each.port)
        for name in scene.cluster.workloads
        for each in references(scene.cluster, name)
    }
    wrong = [
        each
        for each in failures
        if (service := scene.cluster.services.get(each.target)) is not None
        and each.port
        and each.kind != "name"
        and each.port not in {port.port for port in service.ports}
        and (each.target, each.port)
        not in settled  # another's configuration says so, and its error was passed on
        and not any(known.service == each.target for known in references(scene.cluster, each.caller))
        and (each.lasting or each.caller in scene.down)
    ]
    callers = Counter(target for _, target in {(each.caller, each.target) for each in wrong})
    for each in wrong:
        if callers[each.target] > 1 or each.caller not in scene.cluster.workloads:
            continue
        service = scene.cluster.services[each.target]
        fault = "database/address" if is_database(scene, service) else "routing/address"
        yield finding(
            "database.dialled" if fault == "database/address" else "routing.dialled",
            app(each.caller),
            LIKELY,
            [(service.key, line) for port in service.ports for line in port.lines[:1]],
            fault_type=fault,
            params=[("service", each.target), ("port", each.port), ("count", each.count),
                    ("ports", ", ".join(str(port.port) for port in service.ports))],
            checks=[scene.log_check(each.writer, each.fragment)],
            related=[app(name) for name in sorted(scene.routes.get(each.target, ()))],
        )  # fmt: skip


def _databases(scene: Scene, known: set[str]) -> Iterator[Finding]:
    """One client cannot reach a database that is sound and that no other client complains of: its own address is wrong.

    The fault is the client's, since every other client uses the same server; a server that is down, or several clients that fail,
    mean the server instead, which its own findings say.
    """
    stuck = [
        name for name in sorted(scene.cluster.workloads) if app(name) not in known and _stuck(scene, name)
    ]
    for name in stuck:
        own = databases(scene, name)
        shared = any(set(own) & set(databases(scene, other)) for other in stuck if other != name)
        if (
            not own
            or shared
            or scene.down & set(own)
            or any(not scene.cluster.workloads[each].desired for each in own)
        ):
            continue
        words = scene.log_lines(name, LINK)
        match = re.search(LINK, words[-1])
        pod = next((each for each in scene.cluster.pods_of(name) if not each.ready), None)
        yield finding(
            "database.unreachable",
            app(name),
            LIKELY,
            status(pod) if pod else [],
            fault_type="database/address",
            params=[("text", match[0] if match else "?"), ("count", len(words)), ("databases", ", ".join(own))],
            checks=[scene.log_check(name, match[0], 1)] if match else [],
            related=[app(each) for each in own],
            modality="logs",
            lines=words[-1:],
        )  # fmt: skip


def _stuck(scene: Scene, name: str) -> bool:
    """It is not ready, or still complains when its log ends; and neither a name, a password nor a limit explains it."""
    if name in servers(scene) or not scene.log_lines(name, LINK):
        return False
    if scene.log_lines(name, CREDENTIALS) or scene.log_lines(name, CONNECTIONS):
        return False
    named = [
        each
        for each in references(scene.cluster, name)
        if each.service in scene.cluster.services and each.port
    ]
    fits = any(
        each.port in {port.port for port in scene.cluster.services[each.service].ports}
        and is_database(scene, scene.cluster.services[each.service], each.variable)
        for each in named
    )
    if fits:
        return False
    if name in scene.down:
        return not _late_names(scene, name)
    return late(scene, name, LINK + "|connection is not available, request timed out")


def _late_names(scene: Scene, name: str) -> bool:
    return bool(scene.log_lines(name, r"(?i)temporary failure in name")) or late(scene, name, _NAMELESS)


def late(scene: Scene, name: str, pattern: str) -> bool:
    """A matching line stands in the last tenth of the time that a workload's log covers."""
    return any(scene.late(name, line) for line in scene.log_lines(name, pattern))


def _names(scene: Scene) -> Iterator[Finding]:
    """A name that logs still complain of when they end, that no service has and that a workload has: its service is missing."""
    if full_of(scene, "admission/quota-services"):
        return
    counts: Counter[tuple[str, str]] = Counter()
    for writer, message in scene.log_matches(
        _NAMELESS + "|lookup |ENOTFOUND|EAI_AGAIN|be resolved|not found in upstream"
    ):
        if not scene.late(writer, message):
            continue
        for match in _NAME.finditer(message[:2_000]):
            counts[writer, (match[1] or match[2]).rstrip(".")] += 1
    hosts = {host for _, host in counts}
    for host in sorted(hosts):
        short = host.partition(".")[0]
        workload = scene.names.workload(short)
        if short in scene.cluster.services or workload not in scene.cluster.workloads:
            continue
        writers = sorted(writer for writer, each in counts if each == host)
        yield finding(
            "routing.no_service",
            app(workload),
            LIKELY,
            [
                (
                    scene.cluster.workloads[workload].key,
                    scene.cluster.workloads[workload].lines.get("Name", ""),
                )
            ],
            fault_type="routing/dns",
            params=[("service", short), ("count", sum(counts[writer, host] for writer in writers))],
            checks=[scene.log_check(writer, host) for writer in writers[:2]],
            related=[app(writer) for writer in writers],
        )
