"""The stand-in keeps every published object as it is, and both well-known clients work with it."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sre_copilot.testing.servers.kubernetes import Kubernetes, kubernetes
from sre_copilot.testing.servers.kubernetes.patches import MERGE_KEYS, SEVERAL

CONTRACTS = os.environ.get("SRE_COPILOT_CONTRACTS", "")
OBJECTS = Path(CONTRACTS or ".") / "kubernetes" / "objects"
SPACE = "namespacevalue"
OWN = {"uid", "resourceVersion", "selfLink", "generation", "creationTimestamp", "deletionTimestamp",
       "deletionGracePeriodSeconds", "managedFields"}  # fmt: skip
NOT_KEPT = ("core.v1.APIGroup", "core.v1.APIVersions", "core.v1.DeleteOptions", "core.v1.ListOptions", "core.v1.PatchOptions",
            "core.v1.PodExecOptions", "core.v1.PodLogOptions", "core.v1.Status", "core.v1.WatchEvent",
            "autoscaling.v1.Scale", "policy.v1.Eviction")  # fmt: skip
"""Published shapes of requests and answers, not of objects that are kept; each has its own test below, or in `test_kubernetes.py`."""
KEPT = sorted(each.stem for each in OBJECTS.glob("*.json") if each.stem not in NOT_KEPT) if CONTRACTS else []
needs_contracts = pytest.mark.skipif(not CONTRACTS, reason="SRE_COPILOT_CONTRACTS names no folder")


@pytest.fixture
def cluster() -> Iterator[Kubernetes]:
    """No controllers: a published object is a list of fields, not a state that they could bring about."""
    with kubernetes(bookmark_seconds=0.05, controllers=False) as running:
        running.apply({"kind": "Namespace", "metadata": {"name": SPACE}},
                      {"kind": "ServiceAccount", "metadata": {"name": "serviceAccountNameValue", "namespace": SPACE}})  # fmt: skip
        yield running


@pytest.fixture
def client(cluster: Kubernetes) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=cluster.url, trust_env=False, timeout=5) as found:
        yield found


def golden(stem: str) -> Any:
    return json.loads((OBJECTS / f"{stem}.json").read_text())


def address(client: httpx.Client, item: dict[str, Any]) -> str:
    """Where objects of this kind are kept, as discovery says."""
    root = f"/apis/{item['apiVersion']}" if "/" in item["apiVersion"] else f"/api/{item['apiVersion']}"
    served = client.get(root).json()["resources"]
    found = next(each for each in served if each["kind"] == item["kind"] and "/" not in each["name"])
    return f"{root}/namespaces/{SPACE}/{found['name']}" if found["namespaced"] else f"{root}/{found['name']}"


def bare(item: dict[str, Any]) -> dict[str, Any]:
    """Without what belongs to the server."""
    meta = {key: value for key, value in item["metadata"].items() if key not in OWN}
    return item | {"metadata": meta}


@needs_contracts
@pytest.mark.parametrize("stem", KEPT)
def test_a_published_object_comes_back_as_it_was_sent(client: httpx.Client, stem: str) -> None:
    sent = golden(stem)
    sent["metadata"] |= {"name": "namevalue", "namespace": SPACE}
    path = address(client, sent)
    if "/namespaces/" not in path:
        del sent["metadata"]["namespace"]
    made = client.post(path, json=sent)
    assert made.status_code == 201, made.text
    if "status" in sent:
        found = client.get(f"{path}/namevalue").json()
        assert "status" not in found
        assert client.put(f"{path}/namevalue/status", json=found | {"status": sent["status"]}).is_success
    kept = client.get(f"{path}/namevalue").json()
    assert bare(kept) == bare(sent)
    listed = client.get(path).json()
    assert listed["kind"] == f"{sent['kind']}List"
    assert [bare(each) for each in listed["items"] if each["metadata"]["name"] == "namevalue"] == [bare(sent)]


@needs_contracts
def test_published_options_are_understood(client: httpx.Client) -> None:
    pod = golden("core.v1.Pod")
    pod["metadata"] |= {"name": "namevalue", "namespace": SPACE}
    path = f"/api/v1/namespaces/{SPACE}/pods"
    uid = client.post(path, json=pod).json()["metadata"]["uid"]
    options = golden("core.v1.DeleteOptions")
    for body, verb, place in ((options, "DELETE", ""), (golden("policy.v1.Eviction"), "POST", "/eviction")):
        answer = client.request(verb, f"{path}/namevalue{place}", json=body)
        assert (answer.status_code, answer.json()["reason"]) == (409, "Conflict"), "its uid is another one"
    options["preconditions"] = {"uid": uid}
    options["dryRun"] = ["All"]
    assert client.request("DELETE", f"{path}/namevalue", json=options).is_success
    assert client.get(f"{path}/namevalue").is_success


@needs_contracts
def test_a_published_scale_can_be_put(client: httpx.Client) -> None:
    item = golden("apps.v1.Deployment")
    item["metadata"] |= {"name": "namevalue", "namespace": SPACE}
    path = f"/apis/apps/v1/namespaces/{SPACE}/deployments"
    client.post(path, json=item).raise_for_status()
    scale = golden("autoscaling.v1.Scale")
    scale["metadata"] = {"name": "namevalue", "namespace": SPACE}
    scale["spec"]["replicas"] = 4
    assert client.put(f"{path}/namevalue/scale", json=scale).json()["spec"] == {"replicas": 4}
    assert client.get(f"{path}/namevalue").json()["spec"]["replicas"] == 4
    stale = client.patch(f"{path}/namevalue/scale", json={"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 9}},
                         headers={"content-type": "application/merge-patch+json"})  # fmt: skip
    assert stale.status_code == 409


@needs_contracts
@pytest.mark.parametrize(
    "name",
    ["create", "delete", "deletecollection", "get", "list", "patch", "update", "updatestatus", "watch"],
)
def test_a_published_request_on_the_wire_is_served(
    cluster: Kubernetes, client: httpx.Client, name: str
) -> None:
    """The recorded requests name a kind of their own: it is made known, and each is sent as it was recorded, but for the last part of its path."""
    cluster.define("flops", "v1alpha1", {"plural": "flips", "kind": "Flip"})
    cluster.apply({"kind": "Namespace", "metadata": {"name": "mops"}})
    if name != "create":
        cluster.apply(
            {
                "kind": "Flip",
                "apiVersion": "flops/v1alpha1",
                "metadata": {"name": "mips", "namespace": "mops"},
            }
        )
    text = (Path(CONTRACTS) / "kubernetes" / "wire" / "TestGoldenRequest" / f"{name}.http.txt").read_text()
    head, _, body = text.partition("\n\n")
    first, *lines = head.splitlines()
    method, path = first.split(" ")[:2]
    path = path.replace("/mips/fin", "" if name == "create" else "/mips").replace(
        "resourceVersion=42", "resourceVersion=100"
    )
    headers = dict(line.split(": ", 1) for line in lines)
    kind = headers.get("Content-Type", "").replace("strategic-merge", "merge")  # not known for custom kinds
    with client.stream(
        method, path, content=body or None, headers={"content-type": kind} if kind else {}
    ) as answer:
        if name != "watch":
            answer.read()
            assert answer.is_success, (name, answer.text)
            return
        event = json.loads(next(answer.iter_lines()))
        assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "mips")


def deployment(image: str = "shop:1") -> dict[str, Any]:
    labels = {"app": "shop"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": image}]}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop", "namespace": "default"},
            "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}}  # fmt: skip


def test_lightkube_works_with_it() -> None:
    lightkube = pytest.importorskip("lightkube", reason="lightkube is not installed")
    from lightkube.config.kubeconfig import KubeConfig
    from lightkube.models.autoscaling_v1 import ScaleSpec
    from lightkube.resources.apps_v1 import Deployment
    from lightkube.resources.core_v1 import Pod
    from lightkube.types import PatchType

    with kubernetes(bookmark_seconds=0.05) as cluster:
        client = lightkube.Client(
            config=KubeConfig.from_one(cluster=_cluster(cluster.url), user=_user()), trust_env=False
        )
        client.create(Deployment.from_dict(deployment()))
        found = client.get(Deployment, "shop")
        assert (found.status.readyReplicas, found.spec.template.spec.containers[0].image) == (2, "shop:1")
        client.patch(Deployment.Scale, "shop", Deployment.Scale(spec=ScaleSpec(replicas=3)))
        assert len(list(client.list(Pod, labels={"app": "shop"}))) == 3
        for kind, body in ((PatchType.MERGE, {"metadata": {"labels": {"a": "1"}}}),
                           (PatchType.STRATEGIC, {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "shop:2"}]}}}}),
                           (PatchType.JSON, [{"op": "add", "path": "/metadata/labels/b", "value": "2"}])):  # fmt: skip
            client.patch(Deployment, "shop", body, patch_type=kind)
        found = client.get(Deployment, "shop")
        assert (found.metadata.labels, found.spec.template.spec.containers[0].image) == (
            {"a": "1", "b": "2"},
            "shop:2",
        )
        stale = Deployment.from_dict(deployment("shop:3"))
        stale.metadata.resourceVersion = "1"
        with pytest.raises(lightkube.ApiError) as refused:
            client.replace(stale)
        assert refused.value.status.code == 409
        seen = next(iter(client.watch(Pod, resource_version="100", server_timeout=1)))
        assert seen[0] == "ADDED"
        pod = next(iter(client.list(Pod)))
        client.create(Pod.Eviction(metadata=pod.metadata), pod.metadata.name)
        assert pod.metadata.name not in {each.metadata.name for each in client.list(Pod)}
        client.delete(Deployment, "shop")
        assert list(client.list(Pod)) == []


def _cluster(url: str) -> Any:
    from lightkube.config.models import Cluster

    return Cluster(server=url)


def _user() -> Any:
    from lightkube.config.models import User

    return User(token="t")  # noqa: S106


def test_the_official_client_works_with_it() -> None:
    official = pytest.importorskip("kubernetes", reason="the package kubernetes is not installed")
    with kubernetes(bookmark_seconds=0.05) as cluster:
        cluster.define("example.org", "v1", {"plural": "rollouts", "kind": "Rollout"})
        settings = official.client.Configuration(host=cluster.url)
        api = official.client.ApiClient(settings)
        apps, core, custom = (
            official.client.AppsV1Api(api),
            official.client.CoreV1Api(api),
            official.client.CustomObjectsApi(api),
        )
        apps.create_namespaced_deployment("default", deployment())
        apps.patch_namespaced_deployment_scale("shop", "default", {"spec": {"replicas": 3}})
        assert apps.read_namespaced_deployment_status("shop", "default").status.ready_replicas == 3
        pods = core.list_namespaced_pod("default", label_selector="app=shop").items
        events = [event["type"] for event in official.watch.Watch().stream(
            core.list_namespaced_pod, "default", resource_version="100", timeout_seconds=1)]  # fmt: skip
        assert events.count("ADDED") >= 3
        cluster.store.forget()
        old = official.watch.Watch().stream(
            core.list_namespaced_pod, "default", resource_version="1", timeout_seconds=1
        )
        with pytest.raises(official.client.ApiException) as gone:
            next(iter(old))
        assert gone.value.status == 410
        cluster.objects.logs["default", pods[0].metadata.name, "web"] = ["2026-01-01T00:00:00Z hello"]
        assert re.match("hello", core.read_namespaced_pod_log(pods[0].metadata.name, "default"))
        core.create_namespaced_pod_eviction(pods[0].metadata.name, "default",
                                            {"metadata": {"name": pods[0].metadata.name}})  # fmt: skip
        stale = deployment() | {"metadata": {"name": "shop", "resourceVersion": "1"}}
        with pytest.raises(official.client.ApiException) as conflict:
            apps.replace_namespaced_deployment("shop", "default", stale)
        assert conflict.value.status == 409
        body = {
            "apiVersion": "example.org/v1",
            "kind": "Rollout",
            "metadata": {"name": "r"},
            "spec": {"weight": 1},
        }
        where = ("example.org", "v1", "default", "rollouts")
        custom.create_namespaced_custom_object(*where, body)
        patched = custom.patch_namespaced_custom_object(*where, "r", {"spec": {"weight": 9}}, dry_run="All")
        assert patched["spec"]["weight"] == 9
        assert custom.get_namespaced_custom_object(*where, "r")["spec"]["weight"] == 1


@needs_contracts
def test_lists_are_merged_by_the_published_keys() -> None:
    """Every list that the published schemas merge by a key is merged by it; ports have one key in a container and another in a service."""
    published: dict[str, set[str]] = {}
    for path in (Path(CONTRACTS) / "kubernetes" / "openapi" / "v3").glob("*.json"):
        for schema in json.loads(path.read_text())["components"]["schemas"].values():
            for name, each in (schema.get("properties") or {}).items():
                key = each.get("x-kubernetes-patch-merge-key")
                if (
                    key
                    and each.get("type") == "array"
                    and "merge" in each.get("x-kubernetes-patch-strategy", "")
                ):
                    published.setdefault(name, set()).add(key)
    known = {name: {key} for name, key in MERGE_KEYS.items()} | {
        name: set(keys) for name, keys in SEVERAL.items()
    }
    assert {name: keys for name, keys in published.items() if known.get(name) != keys} == {}
