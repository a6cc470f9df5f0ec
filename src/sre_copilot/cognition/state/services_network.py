"""Services that lead nowhere: selectors, ports, protocols, addresses, names and routes that do not fit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from sre_copilot.cognition.state.admission_quota import fault_of, full_of, missing_services
from sre_copilot.cognition.state.dependencies import Reference, references
from sre_copilot.cognition.state.model import Evidence, Service, ServicePort, Workload
from sre_copilot.cognition.state.network_log import Failure
from sre_copilot.cognition.state.scene import (
    DECISIVE,
    LIKELY,
    Scene,
    app,
    finding,
)  # fmt: skip
from sre_copilot.cognition.state.text import whole
from sre_copilot.domain.evidence import Finding

DATABASE_PORTS = frozenset(
    {3306, 33060, 5432, 1433, 1521}
)  # registered at IANA for MySQL, PostgreSQL, SQL Server, Oracle
COMMON = 3  # workloads that name the same unknown host: a part that this system does without, since a mistake is made once
_DATABASE_NAME = re.compile(r"mysql|mariadb|postgres|jdbc|database|(^|_)db(_|$)|sql", re.IGNORECASE)


def analyse(scene: Scene, failures: tuple[Failure, ...]) -> Iterator[Finding]:
    """Findings of all kinds for all services."""
    for service in scene.cluster.services.values():
        if service.kind == "ExternalName" or not service.selector:
            continue
        backends = scene.routes[service.name]
        stray = _stray(scene, service, backends) if backends else None
        if not backends and any(":" in address for port in service.ports for address in port.endpoints):
            continue  # it leads somewhere, to pods that were not described
        if not backends or stray is not None:
            yield from _selects_nothing(scene, service, stray)
            continue
        for backend in sorted(backends):
            for port in service.ports:
                yield from _port(scene, service, port, scene.cluster.workloads[backend])
    yield from _addresses(scene)
    yield from _names(scene, failures)


def _stray(scene: Scene, service: Service, backends: frozenset[str]) -> Workload | None:
    """The workload that a service means while it selects another's pods: its namesake, or the one that opens the target port.

    Only a workload that no service selects can have lost its own.
    """
    served = {name for selected in scene.routes.values() for name in selected}
    idle = [each for name, each in scene.cluster.workloads.items() if name not in served]
    targets = {port.target for port in service.ports}
    if any(each.name == service.name for each in idle):
        return scene.cluster.workloads[service.name]
    if targets & {port for name in backends for port in _opened(scene, name)}:
        return None
    fitting = [each for each in idle if targets & _opened(scene, each.name)]
    return fitting[0] if len(fitting) == 1 else None


def _opened(scene: Scene, workload: str) -> set[str]:
    return {str(port) for container in scene.containers(workload) for port, _ in container.ports}


def _selects_nothing(scene: Scene, service: Service, stray: Workload | None = None) -> Iterator[Finding]:
    """The workload meant is the namesake, else the one whose labels agree most among those that no service selects."""
    workloads = scene.cluster.workloads
    served = {name for backends in scene.routes.values() for name in backends}
    meant = stray or workloads.get(service.name)
    meant = meant or _closest(service, [each for each in workloads.values() if each.name not in served])
    if meant is None:
        return
    labels = ", ".join(f"{name}={value}" for name, value in meant.labels.items())
    yield finding(
        "routing.selector",
        app(meant.name),
        DECISIVE,
        [(service.key, service.lines.get("Selector", "")), *((service.key, line) for line in _endpoint_lines(service)),
         (meant.key, meant.lines.get("Name", ""))],
        fault_type="routing/selector",
        params=[("service", service.name), ("labels", labels),
                ("selector", ", ".join(f"{name}={value}" for name, value in service.selector.items()))],
    )  # fmt: skip


def _endpoint_lines(service: Service) -> list[str]:
    return [line for port in service.ports for line in port.lines if line.strip().startswith("Endpoints")][:1]


def _closest(service: Service, workloads: list[Workload]) -> Workload | None:
    def score(each: Workload) -> tuple[int, int]:
        ports = {str(port) for container in each.containers for port, _ in container.ports}
        return (
            len(set(service.selector.values()) & set(each.labels.values())),
            sum(port.target in ports for port in service.ports),
        )

    best = max(workloads, key=score, default=None)
    return best if best is not None and score(best) > (0, 0) else None


def _port(scene: Scene, service: Service, port: ServicePort, backend: Workload) -> Iterator[Finding]:
    """A port of a service against what the containers behind it declare; nothing is said where they declare nothing."""
    containers = scene.containers(backend.name)
    declared = {item for container in containers for item in container.ports}
    probed = {each.port for container in containers if container.ready for each in container.probes.values()}
    if not declared or (port.target in probed and (port.target_protocol or port.protocol) == "TCP"):
        return
    evidence: list[Evidence] = [(service.key, line) for line in port.lines]
    params: list[tuple[str, str | float | int]] = [("service", service.name), ("port", port.port), ("target", port.target), ("protocol", port.protocol),
              ("open", ", ".join(f"{number}/{protocol}" for number, protocol in sorted(declared)))]  # fmt: skip
    protocol = port.target_protocol or port.protocol
    if (number := whole(port.target)) is not None:
        if (number, protocol) in declared:
            return
        same = any(open_port == number for open_port, _ in declared)
        others = {target.target for target in service.ports} - {port.target}
        if not same and any(str(number) in others for number, _ in declared):
            return  # an additional port, such as one for metrics, that containers need not declare
        fault = "routing/protocol" if same else "routing/port"
    else:
        addressed = [address for address in port.endpoints if address != "<none>"]
        if not addressed or any(":" in address for address in addressed):
            return  # the name was resolved, or there is no pod to resolve it with
        fault = "routing/port"
    container = next((each for each in scene.containers(backend.name) if each.ports), None)
    key = next((pod.key for pod in scene.cluster.pods_of(backend.name)), backend.key)
    if container is not None:
        evidence.append((key, container.lines["Ports"]))
    yield finding(
        fault.replace("/", "."), app(backend.name), DECISIVE, evidence, fault_type=fault, params=params
    )


def _addresses(scene: Scene) -> Iterator[Finding]:
    """References to a port that the service does not have, or to a host that is no service and that the log complains of."""
    known = [each for caller in scene.cluster.workloads for each in references(scene.cluster, caller)]
    named = Counter(host for _, host in {(each.workload, each.host) for each in known})
    for each in known:
        service = scene.cluster.services.get(each.service)
        if service is not None:
            yield from _wrong_port(scene, each, service, known)
        elif each.service not in scene.cluster.workloads and named[each.host] < COMMON:
            yield from _unknown_host(scene, each)


def _wrong_port(scene: Scene, each: Reference, service: Service, known: list[Reference]) -> Iterator[Finding]:
    ports = {port.port for port in service.ports}
    if each.port is None or each.port in ports or not ports:
        return
    others = [
        other
        for other in known
        if other.service == each.service and other.workload != each.workload and other.port
    ]
    agreeing = [other for other in others if other.port == each.port]
    backends = sorted(scene.routes.get(service.name, ()))
    inside = {
        number for name in backends for container in scene.containers(name) for number, _ in container.ports
    }
    lines = [(service.key, line) for port in service.ports for line in port.lines[:1]]
    params: list[tuple[str, str | float | int]] = [("variable", each.variable), ("service", service.name), ("port", each.port),
              ("ports", ", ".join(map(str, sorted(ports))))]  # fmt: skip
    if backends and agreeing and len(agreeing) == len(others):
        # all callers agree with each other and not with the service: the service is the odd one
        yield finding("routing.service_port", app(backends[0]), DECISIVE, [*each.evidence, *lines],
                      fault_type="routing/port", params=params, related=[app(each.workload)])  # fmt: skip
        return
    if (
        backends
        and not others
        and each.port in inside
        and not inside & ports
        and all(port.target == str(port.port) for port in service.ports)
    ):
        yield finding("routing.service_port", app(backends[0]), LIKELY, [*each.evidence, *lines],
                      fault_type="routing/port", params=params, related=[app(each.workload)])  # fmt: skip
        return
    sql = is_database(scene, service, each.variable)
    yield finding(
        "database.address" if sql else "routing.address",
        app(each.workload),
        DECISIVE,
        [*each.evidence, *lines],
        fault_type="database/address" if sql else "routing/address",
        params=params,
        related=[app(name) for name in backends],
    )


def is_database(scene: Scene, service: Service, variable: str = "") -> bool:
    """A SQL database, by its registered port or by what the variable that leads to it is called."""
    ports = {port.port for port in service.ports} | {
        number for port in service.ports if (number := whole(port.target)) is not None
    }
    inside = {
        number
        for name in scene.routes.get(service.name, ())
        for each in scene.containers(name)
        for number, _ in each.ports
    }
    return bool((ports | inside) & DATABASE_PORTS) or bool(_DATABASE_NAME.search(variable))


def _unknown_host(scene: Scene, each: Reference) -> Iterator[Finding]:
    """Systems carry references to optional services that do not exist; only a complaint in the log makes one a cause."""
    words = scene.log_lines(
        each.workload,
        "(?i)"
        + re.escape(each.host)
        + r".{0,200}(no such host|unknown|not known|resol|not ?found|timed? ?out|refused|unavailable)",
    )
    words = words or scene.log_lines(
        each.workload, "(?i)(lookup|UnknownHost\\w*|resolve|ENOTFOUND|for)[: ]+" + re.escape(each.host)
    )
    if not words:
        return
    if full_of(scene, "admission/quota-services"):
        return  # the service that it names could not be made, which the quota explains
    sql = bool(_DATABASE_NAME.search(each.variable)) or each.port in DATABASE_PORTS
    yield finding(
        "database.host" if sql else "routing.host",
        app(each.workload),
        DECISIVE,
        each.evidence,
        fault_type="database/address" if sql else "routing/address",
        params=[("variable", each.variable), ("host", each.host), ("count", len(words))],
        checks=[scene.log_check(each.workload, each.host)],
        lines=words[:1],
    )


def _names(scene: Scene, failures: tuple[Failure, ...]) -> Iterator[Finding]:
    """Names that do not resolve: of a service that does not exist, or of services that do while others resolve."""
    quotas = any(fault_of(use.resource) == "admission/quota-services" for use in scene.cluster.quotas)
    # a quota may have kept the service out: excluded only where the quotas were asked for and there are none
    unlimited = any(document.missing for document in scene.cluster.listings("resourcequotas"))
    for name, evidence in () if quotas else dict(missing_services(scene)).items():
        complaints = [each for each in failures if each.target == name]
        yield finding(
            "routing.no_service",
            app(name),
            DECISIVE if complaints and unlimited else LIKELY,
            [
                evidence,
                (scene.cluster.workloads[name].key, scene.cluster.workloads[name].lines.get("Name", "")),
            ],
            fault_type="routing/dns",
            params=[("service", name), ("count", sum(each.count for each in complaints))],
            checks=[scene.log_check(each.writer, each.fragment) for each in complaints[:1]],
        )
    unresolved = [
        each
        for each in failures
        if each.kind == "name"
        and (each.lasting or _unanswered(scene, each.caller))
        and each.target in scene.cluster.services
        and not _headless_and_down(scene, each.target)
    ]
    # while a system starts, names fail until their services exist; a lasting failure spares some callers or some services
    targets = {each.target for each in unresolved}
    callers = {each.caller for each in unresolved}
    alone = (
        len(callers) == 1 and next(iter(callers)) in scene.down
    )  # others resolve the same name, and it cannot run
    if len(targets) == 1 and unresolved and not alone:
        target = next(iter(targets))
        backends = sorted(scene.routes.get(target, ()))
        yield _unresolved(scene, app(backends[0] if backends else target), unresolved, len(callers))
    elif len(callers) == 1 and unresolved:
        yield _unresolved(scene, app(next(iter(callers))), unresolved, len(targets))


def _unanswered(scene: Scene, caller: str) -> bool:
    """A workload that is down and that no name server answers, which differs from an answer that the name does not exist."""
    return caller in scene.down and bool(
        scene.log_lines(caller, r"(?i)temporary failure in name|EAI_AGAIN|server misbehaving")
    )


def _headless_and_down(scene: Scene, target: str) -> bool:
    """A service without an address of its own resolves to its ready pods, hence to nothing while there is none."""
    return not scene.cluster.services[target].addresses and bool(
        scene.routes.get(target, frozenset()) & scene.down
    )


def _unresolved(scene: Scene, entity: str, unresolved: list[Failure], breadth: int) -> Finding:
    """Names of services that exist and that still do not resolve when the recording ends."""
    return finding(
        "routing.unresolved",
        entity,
        LIKELY + 1 if breadth > 1 else LIKELY,
        [],
        fault_type="routing/dns",
        params=[("count", sum(each.count for each in unresolved)), ("target", unresolved[0].target)],
        checks=[scene.log_check(each.writer, each.fragment) for each in unresolved[:3]],
        modality="logs",
    )
