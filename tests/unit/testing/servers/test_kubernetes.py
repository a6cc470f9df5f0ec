"""The stand-in for the Kubernetes API server behaves as one, and as the published files say."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sre_copilot.testing.servers.kubernetes import Kubernetes, kubernetes

PODS = "/api/v1/namespaces/default/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
CONTRACTS = os.environ.get("SRE_COPILOT_CONTRACTS", "")


@pytest.fixture
def cluster() -> Iterator[Kubernetes]:
    with kubernetes(bookmark_seconds=0.05) as running:
        yield running


@pytest.fixture
def client(cluster: Kubernetes) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=cluster.url, trust_env=False, timeout=5) as found:
        yield found


def pod(name: str, **labels: str) -> dict[str, Any]:
    spec = {"containers": [{"name": "a", "image": "a:1"}]}
    return {"kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}


def deployment(**spec: Any) -> dict[str, Any]:
    labels = {"app": "shop"}
    containers = [
        {"name": "web", "image": "shop:1", "env": [{"name": "A", "value": "1"}]},
        {"name": "side", "image": "side:1"},
    ]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    whole = {"replicas": 3, "selector": {"matchLabels": labels}, "template": template} | spec
    return {"kind": "Deployment", "metadata": {"name": "shop"}, "spec": whole}


def watched(client: httpx.Client, path: str, **params: Any) -> list[dict[str, Any]]:
    given = {"watch": "true", "timeoutSeconds": "0.3"} | params
    with client.stream("GET", path, params=given) as response:
        return [json.loads(line) for line in response.iter_lines() if line]


def test_an_old_version_is_a_conflict(client: httpx.Client) -> None:
    first = client.post(PODS, json=pod("a")).json()
    changed = first | {"metadata": first["metadata"] | {"labels": {"x": "y"}}}
    assert client.put(
        f"{PODS}/a",
        json=client.get(f"{PODS}/a").json() | {"metadata": changed["metadata"] | {"resourceVersion": ""}},
    ).is_success
    answer = client.put(f"{PODS}/a", json=changed)
    assert (answer.status_code, answer.json()["reason"]) == (409, "Conflict")
    assert client.post(PODS, json=pod("a")).json()["reason"] == "AlreadyExists"


def test_pages_hold_one_snapshot_and_grow_too_old(client: httpx.Client, cluster: Kubernetes) -> None:
    cluster.apply(
        *({**pod(f"p{i}"), "metadata": {"name": f"p{i}", "namespace": "default"}} for i in range(5))
    )
    first = client.get(PODS, params={"limit": 2}).json()
    client.post(PODS, json=pod("p9"))
    second = client.get(PODS, params={"limit": 9, "continue": first["metadata"]["continue"]}).json()
    assert [each["metadata"]["name"] for each in second["items"]] == ["p2", "p3", "p4"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    cluster.objects.forget_pages()
    gone = client.get(PODS, params={"limit": 2, "continue": first["metadata"]["continue"]})
    assert (gone.status_code, gone.json()["reason"]) == (410, "Expired")


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("app=a", "a"),
        ("app!=a", "bc"),
        ("app in (a,b)", "ab"),
        ("app notin (a)", "bc"),
        ("tier", "b"),
        ("!tier,app==a", "a"),
    ],
)
def test_label_selectors_choose(client: httpx.Client, selector: str, names: str) -> None:
    for each in (pod("a", app="a"), pod("b", app="b", tier="x"), pod("c", app="c")):
        client.post(PODS, json=each)
    found = client.get(PODS, params={"labelSelector": selector}).json()["items"]
    assert "".join(each["metadata"]["name"] for each in found) == names


def test_field_selectors_choose_and_unknown_fields_are_refused(client: httpx.Client) -> None:
    client.post(PODS, json=pod("a"))
    chosen = client.get(PODS, params={"fieldSelector": "status.phase=Running,metadata.name!=b"}).json()[
        "items"
    ]
    assert len(chosen) == 1
    assert client.get(PODS, params={"fieldSelector": "spec.x=1"}).status_code == 400


def test_a_watch_tells_what_enters_and_leaves_a_selection_and_marks_how_far_it_is(
    client: httpx.Client,
) -> None:
    version = client.get(PODS).json()["metadata"]["resourceVersion"]
    client.post(PODS, json=pod("a", app="x"))
    patch = {"metadata": {"labels": {"app": "y"}}}
    client.patch(f"{PODS}/a", json=patch, headers={"content-type": "application/merge-patch+json"})
    found = watched(client, PODS, resourceVersion=version, labelSelector="app=x", allowWatchBookmarks="true")
    kinds = [each["type"] for each in found]
    assert [kind for kind in kinds if kind not in {"BOOKMARK", "MODIFIED"}] == ["ADDED", "DELETED"]
    assert kinds[-1] == "BOOKMARK"


def test_a_watch_from_a_forgotten_version_ends_with_410(client: httpx.Client, cluster: Kubernetes) -> None:
    cluster.store.forget()
    (event,) = watched(client, PODS, resourceVersion="100")
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


def images(answer: httpx.Response) -> dict[str, str]:
    return {each["name"]: each["image"] for each in answer.json()["spec"]["template"]["spec"]["containers"]}


def test_the_three_patches_treat_a_list_of_containers_each_in_its_way(client: httpx.Client) -> None:
    client.post(DEPLOYMENTS, json=deployment())
    body = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "shop:2"}]}}}}

    def patched(content: Any, kind: str) -> httpx.Response:
        return client.patch(
            f"{DEPLOYMENTS}/shop", json=content, headers={"content-type": f"application/{kind}+json"}
        )

    assert images(patched(body, "strategic-merge-patch")) == {"web": "shop:2", "side": "side:1"}
    operations = [{"op": "test", "path": "/spec/replicas", "value": 3},
                  {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "shop:3"}]  # fmt: skip
    assert images(patched(operations, "json-patch"))["web"] == "shop:3"
    operations[0]["value"] = 4
    assert patched(operations, "json-patch").status_code == 422
    assert images(patched(body, "merge-patch")) == {"web": "shop:2"}
    assert patched(body, "apply-patch").status_code == 415


def test_a_rollout_has_revisions_and_can_be_brought_back(client: httpx.Client, cluster: Kubernetes) -> None:
    client.post(DEPLOYMENTS, json=deployment())
    for image in ("shop:2", "shop:1"):
        content = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]
        client.patch(
            f"{DEPLOYMENTS}/shop", json=content, headers={"content-type": "application/json-patch+json"}
        )
    sets = cluster.store.all("replicasets")
    revisions = {
        each["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: each["spec"]["replicas"]
        for each in sets
    }
    assert revisions == {"2": 0, "3": 3}
    status = client.get(f"{DEPLOYMENTS}/shop").json()["status"]
    assert (status["readyReplicas"], status["updatedReplicas"]) == (3, 3)


def test_a_rollout_that_does_not_become_ready_keeps_the_old_pods() -> None:
    from sre_copilot.testing.servers.kubernetes import runs_at_once

    def kubelet(pod: dict[str, Any], address: str, moment: str) -> dict[str, Any] | None:
        return None if "bad" in pod["spec"]["containers"][0]["image"] else runs_at_once(pod, address, moment)

    with (
        kubernetes(kubelet=kubelet) as running,
        httpx.Client(base_url=running.url, trust_env=False) as client,
    ):
        client.post(DEPLOYMENTS, json=deployment(replicas=4))
        content = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "bad"}]
        client.patch(
            f"{DEPLOYMENTS}/shop", json=content, headers={"content-type": "application/json-patch+json"}
        )
        status = client.get(f"{DEPLOYMENTS}/shop").json()["status"]
    assert (status["readyReplicas"], status["updatedReplicas"], status["replicas"]) == (3, 2, 5)


def test_scale_and_status_change_their_part_alone(client: httpx.Client) -> None:
    client.post(DEPLOYMENTS, json=deployment())
    scale = client.get(f"{DEPLOYMENTS}/shop/scale").json()
    assert scale["kind"] == "Scale"
    client.put(f"{DEPLOYMENTS}/shop/scale", json=scale | {"spec": {"replicas": 1}}).raise_for_status()
    assert len(client.get(PODS).json()["items"]) == 1
    only = client.get(PODS).json()["items"][0]
    name = only["metadata"]["name"]
    changed = only | {"spec": {}, "status": {"phase": "Failed"}}
    after = client.put(f"{PODS}/{name}/status", json=changed).json()
    assert (after["status"]["phase"], after["spec"]) == ("Failed", only["spec"])


def test_an_eviction_keeps_to_the_disruption_budget(client: httpx.Client, cluster: Kubernetes) -> None:
    client.post(DEPLOYMENTS, json=deployment(replicas=2))
    spec = {"minAvailable": 2, "selector": {"matchLabels": {"app": "shop"}}}
    cluster.apply(
        {"kind": "PodDisruptionBudget", "metadata": {"name": "b", "namespace": "default"}, "spec": spec}
    )
    name = client.get(PODS).json()["items"][0]["metadata"]["name"]
    assert client.post(f"{PODS}/{name}/eviction", json={"kind": "Eviction"}).status_code == 429
    client.delete("/apis/policy/v1/namespaces/default/poddisruptionbudgets/b").raise_for_status()
    assert client.post(f"{PODS}/{name}/eviction", json={"kind": "Eviction"}).status_code == 201
    assert name not in [each["metadata"]["name"] for each in client.get(PODS).json()["items"]]
    assert len(client.get(PODS).json()["items"]) == 2


def test_logs_are_cut_by_lines_and_time(client: httpx.Client, cluster: Kubernetes) -> None:
    client.post(PODS, json=pod("a"))
    cluster.objects.logs["default", "a", "a"] = [f"2026-01-01T00:00:0{i}Z line {i}" for i in range(4)]
    assert client.get(f"{PODS}/a/log", params={"tailLines": 1}).text == "line 3\n"
    later = client.get(
        f"{PODS}/a/log", params={"sinceTime": "2026-01-01T00:00:02Z", "timestamps": "true"}
    ).text
    assert later == "2026-01-01T00:00:02Z line 2\n2026-01-01T00:00:03Z line 3\n"


def test_deleting_an_owner_deletes_what_it_owns_and_finalizers_hold_it_back(client: httpx.Client) -> None:
    client.post(DEPLOYMENTS, json=deployment())
    client.delete(f"{DEPLOYMENTS}/shop").raise_for_status()
    assert client.get(PODS).json()["items"] == []
    kept = pod("a")
    kept["metadata"]["finalizers"] = ["example.org/hold"]
    client.post(PODS, json=kept)
    client.delete(f"{PODS}/a")
    assert client.get(f"{PODS}/a").json()["metadata"]["deletionTimestamp"]
    client.patch(
        f"{PODS}/a",
        json={"metadata": {"finalizers": None}},
        headers={"content-type": "application/merge-patch+json"},
    )
    assert client.get(f"{PODS}/a").status_code == 404


def test_a_dry_run_changes_nothing(client: httpx.Client) -> None:
    assert client.post(PODS, json=pod("a"), params={"dryRun": "All"}).status_code == 201
    assert client.get(f"{PODS}/a").status_code == 404


def test_what_is_not_served_or_allowed_is_refused_with_a_status(
    client: httpx.Client, cluster: Kubernetes
) -> None:
    cluster.denied.add(("create", "pods"))
    for answer, code in ((client.get("/api/v1/things"), 404), (client.post(PODS, json=pod("a")), 403),
                         (client.post("/api/v1/namespaces/none/services", json={"kind": "Service", "metadata": {"name": "a"}}), 404),
                         (client.put(PODS, json={}), 405), (client.post(DEPLOYMENTS, content=b"{"), 400)):  # fmt: skip
        assert answer.status_code == code
        if code != 405:
            assert answer.json()["kind"] == "Status"


@pytest.mark.skipif(not CONTRACTS, reason="SRE_COPILOT_CONTRACTS names no folder")
def test_discovery_is_as_published(client: httpx.Client) -> None:
    folder = Path(CONTRACTS) / "kubernetes" / "discovery"
    held = 0
    for path in folder.glob("api*__v1.json"):
        golden = json.loads(path.read_text())
        answer = client.get("/" + path.stem.replace("__", "/"))
        if answer.status_code == 404:
            continue
        published = {each["name"]: each for each in golden["resources"]}
        for each in answer.json()["resources"]:
            golden_entry = published[each["name"]]
            golden_entry["verbs"] = sorted(golden_entry["verbs"])
            assert each | {"verbs": sorted(each["verbs"])} == golden_entry
            held += 1
    assert held > 30


@pytest.mark.skipif(not CONTRACTS, reason="SRE_COPILOT_CONTRACTS names no folder")
def test_every_described_path_is_published_with_its_action_and_kind(client: httpx.Client) -> None:
    held = 0
    for path in (Path(CONTRACTS) / "kubernetes" / "openapi" / "v3").rglob("*.json"):
        golden = json.loads(path.read_text())["paths"]
        root = "/".join(
            next(iter(golden)).strip("/").split("/")[: 2 if next(iter(golden)).startswith("/api/") else 3]
        )
        answer = client.get(f"/openapi/v3/{root}")
        for where, operations in (answer.json()["paths"] if answer.is_success else {}).items():
            for method, operation in operations.items() if where in golden else ():
                published = golden[where][method]
                assert operation == {key: published[key] for key in operation}, (where, method)
                held += 1
    assert held > 30


@pytest.mark.skipif(not CONTRACTS, reason="SRE_COPILOT_CONTRACTS names no folder")
def test_answers_have_the_published_fields(client: httpx.Client) -> None:
    folder = Path(CONTRACTS) / "kubernetes" / "objects"
    client.post(DEPLOYMENTS, json=deployment())
    client.post(
        "/api/v1/namespaces/default/services",
        json={
            "kind": "Service",
            "metadata": {"name": "shop"},
            "spec": {"ports": [{"port": 80}], "selector": {"app": "shop"}},
        },
    )
    for kind, path in (("core.v1.Pod", PODS), ("apps.v1.Deployment", DEPLOYMENTS), ("core.v1.Event", "/api/v1/events"),
                       ("apps.v1.ReplicaSet", "/apis/apps/v1/replicasets"), ("core.v1.Endpoints", "/api/v1/endpoints"),
                       ("core.v1.Node", "/api/v1/nodes"), ("core.v1.Service", "/api/v1/services")):  # fmt: skip
        golden = json.loads((folder / f"{kind}.json").read_text())
        items = client.get(path).json()["items"]
        assert items
        for item in items:
            _within(item, golden, kind)
    _within(
        client.get(f"{DEPLOYMENTS}/shop/scale").json(),
        json.loads((folder / "autoscaling.v1.Scale.json").read_text()),
        "Scale",
    )
    _within(
        client.get(f"{PODS}/none").json(), json.loads((folder / "core.v1.Status.json").read_text()), "Status"
    )


def _within(item: Any, golden: Any, place: str) -> None:
    """Every field is one that is published, of the same JSON type; maps with free keys and quantities aside."""
    free = place.rpartition(".")[2] in {
        "labels",
        "annotations",
        "matchLabels",
        "selector",
        "capacity",
        "allocatable",
        "limits",
        "requests",
        "nodeSelector",
        "targetPort",
    }
    if isinstance(item, dict) and not free:
        assert isinstance(golden, dict), place
        for key, value in item.items():
            assert key in golden, f"{place}.{key}"
            _within(value, golden[key], f"{place}.{key}")
    elif isinstance(item, list):
        for value in item:
            _within(value, golden[0], f"{place}[]")
    elif not free:
        assert type(item) is type(golden), place
