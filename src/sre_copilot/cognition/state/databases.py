"""What clients and SQL databases say of each other: wrong credentials, wrong port, no connection left, no writes.

Who is at fault follows from where the setting stands that has to be put right. A password, a port or a host is the client's
setting: the other clients use the same server without complaint, so the client is the object, as the caller is for any other
wrong address. A limit of connections and a read-only mode are the server's: whichever client meets them first only reports
them, so the server is the object.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from sre_copilot.cognition.state.dependencies import references
from sre_copilot.cognition.state.scene import DECISIVE, LIKELY, Scene, app, finding
from sre_copilot.cognition.state.services_network import is_database
from sre_copilot.domain.evidence import Finding

# Texts of the servers themselves, which every driver passes on: MySQL errors 1045, 1044, 1698; 1040, 1203, 1226; 1290, 1836, 3100 (MySQL 8
# server error reference), PostgreSQL SQLSTATE 28P01, 28000; 53300; 25006, Redis READONLY.
# Only whole complaints count: servers also mention limits and modes when they start, and replicas are read-only by design.
CREDENTIALS = (
    r"(?i)access denied for user|ERROR 1045|password authentication failed|SQLSTATE\[?28|WRONGPASS|NOAUTH"
    r"|authentication plugin \S+ cannot be loaded|no password supplied"
)
CONNECTIONS = (
    r"(?i)too many connections|(has more than|has exceeded the) 'max_user_connections'|remaining connection slots|too many clients"
    r"|SQLSTATE\[?53300"
)
READ_ONLY = (
    r"(?i)running with the --[\w-]*read[-_]only option|running in read-only mode|in a read-only transaction"
    r"|READONLY You can't write"
)
POOL = r"(?i)connection is not available, request timed out|unable to acquire (jdbc )?connection|pool (is )?exhausted|timeout waiting for (idle object|connection from pool)|QueuePool limit"
_LISTENS = re.compile(
    r"ready for connections\.?.{0,200}?port: (\d{1,5})|listening on .{0,200}?port (\d{1,5})", re.IGNORECASE
)
POOL_SIZE = 10  # connections that a HikariCP pool opens unless told otherwise (its README, maximumPoolSize)
_OPTION = re.compile(
    r"\s*--(?:max[-_]connections=(\d{1,9})|(?:super[-_])?read[-_]only(?:=(?:1|on|true))?)\s*$", re.IGNORECASE
)
_CLIENT = re.compile(r"for user '?[^'@\s]*'?@'?([\w.-]+)'?")


def analyse(scene: Scene) -> Iterator[Finding]:
    """Findings of all kinds."""
    yield from _credentials(scene)
    yield from _server(scene, CONNECTIONS, "database/connections")
    yield from _server(scene, READ_ONLY, "database/read-only")
    yield from _pools(scene)
    yield from _listening(scene)
    yield from _configured(scene)


def databases(scene: Scene, workload: str) -> list[str]:
    """Workloads behind the database services that a workload names; all databases of the namespace when it names none."""
    named = {
        backend
        for each in references(scene.cluster, workload)
        if (service := scene.cluster.services.get(each.service))
        and is_database(scene, service, each.variable)
        for backend in scene.routes.get(service.name, ())
    }
    return sorted(named or servers(scene))


def servers(scene: Scene) -> set[str]:
    """Workloads behind services on a registered database port."""
    return {
        backend
        for service in scene.cluster.services.values()
        if is_database(scene, service)
        for backend in scene.routes.get(service.name, ())
    }


def _complaints(scene: Scene, pattern: str) -> Counter[tuple[str, str]]:
    """How often each workload wrote which matching fragment."""
    expression = re.compile(pattern)
    found: Counter[tuple[str, str]] = Counter()
    for name, message in scene.log_matches(pattern):
        if name in scene.cluster.workloads and (match := expression.search(message)):
            found[name, match[0]] += 1
    return found


def _first_hand(scene: Scene, complaints: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """A server names user and host to its client; who passes an error on to its own caller mostly drops them."""
    named = Counter({
        (writer, fragment): count
        for (writer, fragment), count in complaints.items()
        if any(_CLIENT.search(message) for message in scene.log_lines(writer, re.escape(fragment)))
    })  # fmt: skip
    return named or complaints


def _clients(scene: Scene, complaints: Counter[tuple[str, str]]) -> Counter[tuple[str, str, str]]:
    """(client, writer, fragment): a database that complains means the client whose address it names."""
    found: Counter[tuple[str, str, str]] = Counter()
    for (writer, fragment), count in complaints.items():
        if writer not in servers(scene):
            found[writer, writer, fragment] += count
            continue
        for message in scene.log_lines(writer, re.escape(fragment)):
            match = _CLIENT.search(message)
            client = scene.addresses.get(match[1]) if match else None
            if client in scene.cluster.workloads:
                found[str(client), writer, fragment] += 1
    return found


def _credentials(scene: Scene) -> Iterator[Finding]:
    """One client that is refused has the wrong credentials; a database that refuses all of several clients has changed its own."""
    found = _clients(scene, _first_hand(scene, _complaints(scene, CREDENTIALS)))
    clients = {client for client, _, _ in found}
    shared: Counter[str] = Counter(server for client in clients for server in databases(scene, client)[:1])
    for server, count in sorted(shared.items()):
        everyone = {
            name
            for name in scene.cluster.workloads
            if server in databases(scene, name)[:1] and scene.depends.get(name)
        }
        if count >= 2 and len(everyone) >= 2 and everyone <= clients:
            yield _said(scene, found, app(server), DECISIVE, fault="database/credentials", clients=clients)
    for client in sorted(clients):
        yield _said(scene, found, app(client), LIKELY + 1, fault="database/credentials", clients={client})


def _said(
    scene: Scene,
    found: Counter[tuple[str, str, str]],
    entity: str,
    weight: float,
    *,
    fault: str,
    clients: set[str],
) -> Finding:
    kind = fault.replace("/", ".").replace("-", "_")
    own = sorted((each, count) for each, count in found.items() if each[0] in clients)
    return finding(
        kind,
        entity,
        weight,
        [],
        fault_type=fault,
        params=[("text", own[0][0][2]), ("count", sum(count for _, count in own))],
        checks=[scene.log_check(writer, fragment, count) for (_, writer, fragment), count in own[:2]],
        related=[app(client) for client in sorted(clients)],
        modality="logs",
    )


def _server(scene: Scene, pattern: str, fault: str) -> Iterator[Finding]:
    """Limits and modes are the database's, whoever meets them first."""
    complaints = _complaints(scene, pattern)
    blamed: dict[str, Counter[tuple[str, str, str]]] = {}
    for (writer, fragment), count in complaints.items():
        known = [writer] if writer in servers(scene) else databases(scene, writer)
        target = known[0] if len(known) == 1 or (known and writer in servers(scene)) else writer
        blamed.setdefault(target, Counter())[writer, writer, fragment] += count
    for target, found in sorted(blamed.items()):
        yield _said(
            scene, found, app(target), DECISIVE, fault=fault, clients={client for client, _, _ in found}
        )


def _pools(scene: Scene) -> Iterator[Finding]:
    complaints = _complaints(scene, POOL)
    for (writer, fragment), count in sorted(complaints.items()):
        found = Counter({(writer, writer, fragment): count})
        known = databases(scene, writer)
        target = known[0] if len(known) == 1 else writer
        yield _said(scene, found, app(target), LIKELY - 1, fault="database/connections", clients={writer})


def _listening(scene: Scene) -> Iterator[Finding]:
    """A database that listens on another port than its service leads to."""
    for service in scene.cluster.services.values():
        for backend in sorted(scene.routes.get(service.name, ())) if is_database(scene, service) else ():
            spoken = [(match[1] or match[2], match[0]) for line in scene.log_lines(backend, _LISTENS.pattern.join(("(?i)", "")))
                      if (match := _LISTENS.search(line))]  # fmt: skip
            targets = {port.target for port in service.ports if port.target.isdigit()}
            ports = {port for port, _ in spoken}
            if spoken and targets and not targets & ports and "33060" not in targets:
                lines = [(service.key, line) for port in service.ports for line in port.lines]
                yield finding("database.listens", app(backend), DECISIVE, lines, fault_type="database/address",
                              params=[("port", spoken[0][0]), ("target", ", ".join(sorted(targets)))],
                              checks=[scene.log_check(backend, spoken[0][1])])  # fmt: skip


def _configured(scene: Scene) -> Iterator[Finding]:
    """A server whose own options refuse writes, or leave fewer connections than one client's default pool takes."""
    known = servers(scene)
    for document in (
        each for kind in ("pods", "deployments", "statefulsets") for each in scene.cluster.described(kind)
    ):
        name = scene.cluster.owner(document) if document.kind == "pods" else document.name
        for line in document.text.splitlines() if name in known else ():
            option = _OPTION.match(line)
            if option is None or (option[1] and int(option[1]) > POOL_SIZE):
                continue
            fault = "database/connections" if option[1] else "database/read-only"
            yield finding(
                "database.option", app(name), LIKELY, [(document.key, line)],
                fault_type=fault, params=[("option", line.strip())],
            )  # fmt: skip
