"""What the attributes of a span say besides its times: the instance, a failure, and who is on the other side."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, NamedTuple

# In the order of how well an operator knows them: the pod's name stands in every other system too, an instance id often nowhere.
_INSTANCE = ("k8s.pod.name", "service.instance.id", "host.name", "hostname", "ip")
_DATABASE = ("db.system.name", "db.system")
_NAMESPACE = ("db.namespace", "db.name")
_QUEUE = ("messaging.system",)
_TOPIC = ("messaging.destination.name", "messaging.destination")
_ADDRESS = ("server.address", "net.peer.name", "peer.hostname", "peer.address")
_STATUS = ("http.response.status_code", "http.status_code")


def first(about: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    """The first of some attributes that is there, as text."""
    return next((str(about[key]) for key in keys if about.get(key)), "")


def instance_of(about: Mapping[str, Any]) -> str:
    """The pod, process or host that a resource is."""
    return first(about, _INSTANCE)


def failed_by_code(about: Mapping[str, Any]) -> bool:
    """Whether an HTTP status says that the called side failed: 500 and above; 4xx is the caller's own mistake."""
    code = first(about, _STATUS)
    return code.isdigit() and int(code) >= 500


class Peer(NamedTuple):
    """The other side of a call: its name, '' when nothing names it, and what sort of thing it is."""

    name: str = ""
    kind: str = ""


NOBODY = Peer()


def peer_of(about: Mapping[str, Any], kind: str) -> Peer:
    """Read the other side out of OpenTelemetry's attributes, old names and new ones.

    `peer.service` is a name that people chose; then comes the address where it is a name, then the system with what it
    holds: `postgresql/orders`. A server names no other side, for its client is known by the link to its parent; a
    consumer names the queue that it reads.
    """
    database, queue = first(about, _DATABASE), first(about, _QUEUE)
    if kind not in ("client", "server") or (kind == "server" and not queue):
        return NOBODY
    system = _within(database, first(about, _NAMESPACE)) or _within(queue, first(about, _TOPIC))
    name = str(about.get("peer.service") or "") or _name(first(about, _ADDRESS)) or system
    return Peer(name, "database" if database else "queue" if queue else "service") if name else NOBODY


def _within(system: str, part: str) -> str:
    return f"{system}/{part}" if system and part else system


def _name(address: str) -> str:
    """The name that an address gives another machine; '' for a number and for this machine itself.

    Inside a cluster a service is addressed as NAME.NAMESPACE.svc…: NAME is what everyone calls it.
    """
    host = address.partition(":")[0] if address.count(":") == 1 else address
    if host in ("", "localhost"):
        return ""
    try:
        ip_address(host)
    except ValueError:
        labels = host.split(".")
        return labels[0] if "svc" in labels[2:3] else host
    return ""
