"""What a container's specification asks for: its words, its variables, and how it is asked whether it is ready."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

from sre_copilot.testing.servers.kubernetes.resources import Object

_REFERENCE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")


def argv(spec: Object) -> list[str]:
    """What is run: `command` and `args`, with `$(NAME)` of its own variables replaced."""
    known = {each["name"]: str(each.get("value", "")) for each in spec.get("env") or () if "value" in each}
    words = [*(spec.get("command") or ()), *(spec.get("args") or ())]
    return [_REFERENCE.sub(lambda found: known.get(found[1], found[0]), str(word)) for word in words] or [
        "false"
    ]


def environment(
    spec: Object, pod: Object, address: str, maps: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """The variables of a container: of config maps as a whole, then each by itself."""
    found: dict[str, str] = {}
    for each in spec.get("envFrom") or ():
        found |= maps.get((each.get("configMapRef") or {}).get("name", ""), {})
    meta = pod["metadata"]
    fields = {
        "metadata.name": meta["name"], "metadata.namespace": meta["namespace"], "status.podIP": address,
        "spec.nodeName": pod["spec"].get("nodeName", ""),
    }  # fmt: skip
    for each in spec.get("env") or ():
        source = each.get("valueFrom") or {}
        if reference := source.get("configMapKeyRef"):
            found[each["name"]] = maps.get(reference["name"], {}).get(reference["key"], "")
        elif place := source.get("fieldRef"):
            found[each["name"]] = fields.get(place["fieldPath"], "")
        else:
            found[each["name"]] = str(each.get("value", ""))
    return found


def probe_of(spec: Object) -> Object:
    """Its readiness probe; empty when there is none."""
    found: Object = spec.get("readinessProbe") or {}
    return found


def asker(probe: Object, spec: Object, address: str, variables: Mapping[str, str]) -> Callable[[], bool]:
    seconds = float(probe.get("timeoutSeconds", 1))
    if asked := probe.get("httpGet"):
        port, path = _port(asked["port"], spec), asked.get("path", "/")
        return lambda: _http_ok(address, port, path, seconds)
    if asked := probe.get("tcpSocket"):
        return lambda: _tcp_ok(address, _port(asked["port"], spec), seconds)
    command = [str(word) for word in (probe.get("exec") or {}).get("command") or ["true"]]
    return lambda: _exec_ok(command, variables, seconds)


def _port(port: Any, spec: Object) -> int:
    named = {each.get("name"): each["containerPort"] for each in spec.get("ports") or ()}
    return int(named.get(port, port))


def _http_ok(address: str, port: int, path: str, seconds: float) -> bool:
    connection = http.client.HTTPConnection(address, port, timeout=seconds)
    try:
        connection.request("GET", path)
        return 200 <= connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _tcp_ok(address: str, port: int, seconds: float) -> bool:
    try:
        with socket.create_connection((address, port), timeout=seconds):
            return True
    except OSError:
        return False


def _exec_ok(command: list[str], variables: Mapping[str, str], seconds: float) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - as above
            command, env=os.environ | dict(variables), timeout=seconds, check=False, capture_output=True
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
