"""The role that is shipped allows what the executor asks of the API server, and nothing besides."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from tests.unit.action.kubernetes.shop import call, undoing, workload
from tests.unit.action.kubernetes.test_actions import prepared, release

from sre_copilot.action.executor import ActionError
from sre_copilot.action.executors.kubernetes import KubernetesExecutor
from sre_copilot.testing.servers.kubernetes import Kubernetes

MANIFEST = Path(__file__).parents[4] / "deploy" / "kubernetes" / "rbac.yaml"
_PATH = re.compile(
    r"^/(?:api/v1|apis/(?P<group>[^/]+)/[^/]+)(?:/namespaces/[^/]+)?/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<part>[a-z]+))?$"
)
_VERBS = {"PATCH": "patch", "DELETE": "delete", "POST": "create"}


def allowed() -> set[tuple[str, str, str]]:
    """(group, resource, verb) of every rule."""
    documents = [
        each
        for each in yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8"))
        if each["kind"] == "ClusterRole"
    ]
    return {
        (group, resource, verb)
        for document in documents
        for rule in document["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def needed(request: str) -> tuple[str, str, str]:
    """What a request needs to be allowed."""
    method, _, rest = request.partition(" ")
    found = _PATH.match(urlsplit(rest).path)
    assert found, request
    verb = _VERBS.get(method) or ("get" if found["name"] else "list")
    return found["group"] or "", found["plural"] + (f"/{found['part']}" if found["part"] else ""), verb


def test_the_role_that_is_shipped_suffices_and_is_no_wider_than_what_is_asked(
    cluster: Kubernetes, executor: KubernetesExecutor
) -> None:
    everything = prepared(cluster)
    cluster.apply(workload("StatefulSet", "db", "db:1"), workload("ReplicaSet", "bare", "bare:1"))
    release(cluster, "db:2", "statefulsets", "db")
    named = {("Deployment", "shop"): [("StatefulSet", "db"), ("DaemonSet", "agent"), ("ReplicaSet", "bare")]}
    more = [
        type(each)(name=each.name, target=type(each.target)(executor="kubernetes", kind=kind, name=name, namespace="default"), parameters=each.parameters)
        for each in everything
        for kind, name in named.get((each.target.kind, each.target.name), [])
        if kind in next(spec.kinds for spec in executor.specs() if spec.name == each.name)
    ]  # fmt: skip
    for number, each in enumerate([*everything, *more]):
        if each.target.name == "agent":  # there is no daemon set here: it is only looked for
            with pytest.raises(ActionError, match="agent"):
                executor.preview(each)
            continue
        executor.preview(each)
        backup = executor.backup(each)
        executor.execute(each, call(f"{number}/do"))
        executor.verify(each, call(f"{number}/do"))
        executor.undo(each, undoing(), backup)
    asked = {needed(each) for each in cluster.asked if "example.org" not in each}
    assert asked <= allowed()
    assert allowed() - asked <= {("apps", "daemonsets", "patch")}
