"""Each action of the executor `kubernetes`: its difference, its effect once for each key, how it is verified, and its undo."""

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.unit.action.kubernetes.shop import action, call, got, pods, undoing, workload

from sre_copilot.action.executor import ActionError, Preview
from sre_copilot.action.executors.kubernetes import KubernetesExecutor
from sre_copilot.domain.plan import Action
from sre_copilot.testing.servers.kubernetes import Kubernetes

KEY = "sre-copilot.io/action-key"


def change(cluster: Kubernetes, plural: str, name: str, *, namespace: str = "default", **spec: Any) -> None:
    """Somebody changes an object behind our back."""
    with cluster.store.request():
        item = copy.deepcopy(cluster.store.get(plural, namespace, name))
        item["spec"] |= spec
        cluster.store.replace(item)


def release(cluster: Kubernetes, image: str, plural: str = "deployments", name: str = "shop") -> None:
    """Roll out another image."""
    template = copy.deepcopy(got(cluster, plural, name)["spec"]["template"])
    template["spec"]["containers"][0]["image"] = image
    change(cluster, plural, name, template=template)


def ingress(**notes: str) -> dict[str, Any]:
    meta = {"name": "shop", "namespace": "default", "annotations": notes}
    return {"kind": "Ingress", "metadata": meta, "spec": {}}


CANARY = {"nginx.ingress.kubernetes.io/canary": "true", "nginx.ingress.kubernetes.io/canary-weight": "20"}


def prepared(cluster: Kubernetes) -> list[Action]:
    """One of each action, on a cluster in which all of them can be done."""
    release(cluster, "shop:2")
    green = {"kind": "Pod", "metadata": {"name": "green", "namespace": "default", "labels": {"app": "green"}},
             "spec": {"containers": [{"name": "web", "image": "shop:3"}]}}  # fmt: skip
    service = {"kind": "Service", "metadata": {"name": "shop"}, "spec": {"selector": {"app": "shop"}, "ports": [{"port": 80}]}}  # fmt: skip
    source = {"kind": "ConfigMap", "metadata": {"name": "shop-before"}, "data": {"A": "0", "C": "3"}}
    rollout = {"kind": "Rollout", "apiVersion": "example.org/v1", "metadata": {"name": "shop", "namespace": "default"},
               "spec": {"weight": 5, "headers": {"x": "1"}, "other": True}}  # fmt: skip
    cluster.apply(green, service, source, rollout, ingress(**CANARY))
    return [
        action("restart_pod", "Pod", pods(cluster)[0]["metadata"]["name"]),
        action("evict", "Pod", pods(cluster)[1]["metadata"]["name"]),
        action("rollout_restart", "Deployment"),
        action("scale", "Deployment", replicas=4),
        action("rollback", "Deployment"),
        action("restore_configuration", "ConfigMap", source="shop-before"),
        action("cordon", "Node", "node-1", ""),
        action("traffic_weight", "Ingress", weight=0),
        action("switch_traffic", "Service", selector={"app": "green"}),
        action("patch_rollout", "Rollout", field="spec.weight", value=50),
        action("patch_rollout", "Rollout", field="spec.headers", value={"y": "2"}),
    ]


def state(cluster: Kubernetes) -> Any:
    """All that is asked for in the cluster, without what servers and controllers write, and our own marks."""
    found = {}
    for key, item in cluster.store.objects.items():
        if (
            key[0] in {"configmaps", "deployments", "services", "ingresses", "nodes", "rollouts.example.org"}
            and "snapshot" not in key[2]
        ):
            notes = {
                n: v
                for n, v in (item["metadata"].get("annotations") or {}).items()
                if "kubernetes.io/" not in n or "ingress" in n
            }
            notes = {n: v for n, v in notes.items() if "sre-copilot" not in n}
            spec = copy.deepcopy(item.get("spec") or {})
            spec.get("template", {}).get("metadata", {}).pop("annotations", None)
            found[key] = (notes, spec, item.get("data"))
    return found


def test_a_dry_run_asks_the_server_shows_the_difference_and_changes_nothing(
    cluster: Kubernetes, executor: KubernetesExecutor
) -> None:
    for each in prepared(cluster):
        before, start = cluster.store.version, len(cluster.asked)
        shown: Preview = executor.preview(each)
        assert shown.checked_by_target, each.name
        assert shown.difference, each.name
        assert cluster.store.version == before, each.name
        assert any("dryRun=All" in asked for asked in cluster.asked[start:]), each.name


def test_each_effect_happens_once_for_a_key_is_seen_by_done_and_undone(
    cluster: Kubernetes, executor: KubernetesExecutor
) -> None:
    for number, each in enumerate(prepared(cluster)):
        do, undo = call(f"PLAN-1/s{number}/do"), call(f"PLAN-1/s{number}/undo")
        before = state(cluster)
        backup = executor.backup(each)
        assert executor.done(each, do, backup) is False, each.name
        assert executor.execute(each, do).changed, each.name
        assert executor.done(each, do, backup) is True, each.name
        after = cluster.store.version
        assert not executor.execute(each, do).changed, each.name
        assert cluster.store.version == after, each.name
        assert executor.verify(each, do).ok, each.name
        executor.undo(each, undo, backup)
        assert executor.done(each, undo, backup) is True, each.name
        once = cluster.store.version
        assert not executor.undo(each, undo, backup).changed, each.name
        assert cluster.store.version == once, each.name
        assert state(cluster) == before, each.name


def test_an_effect_on_an_outdated_version_is_refused_and_has_none(
    cluster: Kubernetes, executor: KubernetesExecutor
) -> None:
    for number, each in enumerate(prepared(cluster)):
        if each.target.kind == "Pod":
            continue
        seen = executor.look(each)
        plural = {"Ingress": "ingresses", "Rollout": "rollouts.example.org"}.get(
            each.target.kind, f"{each.target.kind.lower()}s"
        )
        with cluster.store.request():
            item = copy.deepcopy(cluster.store.get(plural, each.target.namespace, each.target.name))
            item["metadata"].setdefault("labels", {})["touched"] = str(number)
            cluster.store.replace(item)
        before = state(cluster)
        with pytest.raises(ActionError, match="changed it in between") as refused:
            executor.execute(each, call(version=seen.version))
        assert refused.value.effect == "none"
        assert state(cluster) == before


def test_the_server_itself_refuses_what_somebody_changed_after_it_was_read(
    cluster: Kubernetes, executor: KubernetesExecutor
) -> None:
    """Between our reading and our patch another one writes: the patch names the version that was read."""
    node = action("cordon", "Node", "node-1", "")
    version = executor.look(node).version
    patch = executor._cluster.patch

    def late(*given: Any, **more: Any) -> Any:
        change(cluster, "nodes", "node-1", namespace="", podCIDR="10.0.0.0/24")
        return patch(*given, **more)

    executor._cluster.patch = late  # type: ignore[method-assign]  # the moment between the two requests
    with pytest.raises(ActionError) as refused:
        executor.execute(node, call(version=version))
    assert refused.value.effect == "none"
    assert "unschedulable" not in got(cluster, "nodes", "node-1", "")["spec"]


def test_a_rollback_goes_to_the_revision_before_or_to_the_one_that_is_named(
    cluster: Kubernetes, executor: KubernetesExecutor
) -> None:
    for image in ("shop:2", "shop:3"):
        release(cluster, image)
    back = action("rollback", "Deployment")
    backup = executor.backup(back)
    executor.execute(back, call())
    assert {each["spec"]["containers"][0]["image"] for each in pods(cluster)} == {"shop:2"}
    executor.undo(back, undoing(), backup)
    assert {each["spec"]["containers"][0]["image"] for each in pods(cluster)} == {"shop:3"}
    executor.execute(action("rollback", "Deployment", revision=1), call("PLAN-2/s1/do"))
    assert {each["spec"]["containers"][0]["image"] for each in pods(cluster)} == {"shop:1"}
    with pytest.raises(ActionError, match=r"no revision 99 any more \(there are: 4, 5, 6\)|there are"):
        executor.execute(action("rollback", "Deployment", revision=99), call("PLAN-3/s1/do"))


def test_a_stateful_set_is_rolled_back_by_its_controller_revisions(
    cluster: Kubernetes, executor: KubernetesExecutor
) -> None:
    cluster.apply(workload("StatefulSet", "db", "db:1"))
    release(cluster, "db:2", "statefulsets", "db")
    assert [each["metadata"]["name"] for each in pods(cluster, "db")] == ["db-0", "db-1"]
    back = action("rollback", "StatefulSet", "db")
    backup = executor.backup(back)
    executor.execute(back, call())
    assert {each["spec"]["containers"][0]["image"] for each in pods(cluster, "db")} == {"db:1"}
    assert executor.verify(back, call()).ok
    executor.undo(back, undoing(), backup)
    assert {each["spec"]["containers"][0]["image"] for each in pods(cluster, "db")} == {"db:2"}


def test_a_restored_configuration_restarts_its_users_and_keeps_its_values_in_the_cluster(
    cluster: Kubernetes, executor: KubernetesExecutor
) -> None:
    cluster.apply({"kind": "ConfigMap", "metadata": {"name": "shop-before"}, "data": {"A": "hunter2"}})
    restore = action("restore_configuration", "ConfigMap", source="shop-before")
    before, shown, backup = (
        {each["metadata"]["uid"] for each in pods(cluster)},
        executor.preview(restore),
        executor.backup(restore),
    )
    effect = executor.execute(restore, call())
    assert got(cluster, "configmaps")["data"] == {"A": "hunter2"}
    assert effect.detail["restarted"] == ["shop"]
    assert not before & {each["metadata"]["uid"] for each in pods(cluster)}
    assert "hunter2" not in repr((shown, backup, effect, executor.look(restore)))
    assert got(cluster, "configmaps", backup["snapshot"])["data"] == {"A": "1", "B": "2"}
    executor.undo(restore, undoing(), backup)
    assert got(cluster, "configmaps")["data"] == {"A": "1", "B": "2"}


def test_a_restart_that_was_cut_off_after_the_configuration_goes_on(
    cluster: Kubernetes, executor: KubernetesExecutor
) -> None:
    cluster.apply({"kind": "ConfigMap", "metadata": {"name": "shop-before"}, "data": {"A": "0"}})
    restore = action("restore_configuration", "ConfigMap", source="shop-before")
    backup = executor.backup(restore)
    cluster.denied.add(("patch", "deployments"))
    with pytest.raises(ActionError) as cut_off:
        executor.execute(restore, call())
    assert cut_off.value.effect == "unknown"
    assert executor.done(restore, call(), backup) is False
    cluster.denied.clear()
    assert executor.execute(restore, call()).detail["restarted"] == ["shop"]
    assert executor.done(restore, call(), backup) is True


def test_a_disruption_budget_is_honoured(cluster: Kubernetes, executor: KubernetesExecutor) -> None:
    spec = {"minAvailable": 2, "selector": {"matchLabels": {"app": "shop"}}}
    cluster.apply(
        {"kind": "PodDisruptionBudget", "metadata": {"name": "b", "namespace": "default"}, "spec": spec}
    )
    evict = action("evict", "Pod", pods(cluster)[0]["metadata"]["name"])
    for attempt in (lambda: executor.preview(evict), lambda: executor.execute(evict, call())):
        with pytest.raises(ActionError, match="disruption budget") as refused:
            attempt()
        assert (refused.value.effect, refused.value.retry) == ("none", True)
    assert len(pods(cluster)) == 2


def test_the_successor_of_a_pod_is_never_hit(cluster: Kubernetes, executor: KubernetesExecutor) -> None:
    cluster.apply(workload("StatefulSet", "db", "db:1", replicas=1))
    restart = action("restart_pod", "Pod", "db-0")
    version = executor.look(restart).version
    assert executor.execute(restart, call(version=version)).changed
    successor = got(cluster, "pods", "db-0")["metadata"]["uid"]
    assert successor != version
    assert not executor.execute(restart, call(version=version)).changed
    assert got(cluster, "pods", "db-0")["metadata"]["uid"] == successor


def test_a_pod_that_nothing_would_replace_is_left_alone(
    cluster: Kubernetes, executor: KubernetesExecutor
) -> None:
    cluster.apply({"kind": "Pod", "metadata": {"name": "alone", "namespace": "default"},
                   "spec": {"containers": [{"name": "a", "image": "a"}]}})  # fmt: skip
    with pytest.raises(ActionError, match="would not come back"):
        executor.execute(action("restart_pod", "Pod", "alone"), call())
    assert got(cluster, "pods", "alone")


def test_traffic_is_not_sent_where_nobody_answers(cluster: Kubernetes, executor: KubernetesExecutor) -> None:
    cluster.apply(
        {"kind": "Service", "metadata": {"name": "shop"}, "spec": {"selector": {"app": "shop"}}}, ingress()
    )
    with pytest.raises(ActionError, match="no ready pod"):
        executor.execute(action("switch_traffic", "Service", selector={"app": "none"}), call())
    with pytest.raises(ActionError, match="is no canary"):
        executor.execute(action("traffic_weight", "Ingress", weight=10), call())


def test_what_speaks_against_an_action_is_said(cluster: Kubernetes, executor: KubernetesExecutor) -> None:
    scaler = {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "h", "namespace": "default"},
              "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "shop"}, "minReplicas": 2, "maxReplicas": 6}}  # fmt: skip
    cluster.apply(scaler)
    shown = executor.preview(action("scale", "Deployment", replicas=0))
    assert [each.key for each in shown.objections] == [
        "kubernetes.objection.to_nothing",
        "kubernetes.objection.autoscaler",
    ]
    assert shown.difference == ("replicas: 2 -> 0",)
    cluster.denied.add(("list", "horizontalpodautoscalers"))
    unknown = executor.preview(action("scale", "Deployment", replicas=3)).objections
    assert [each.key for each in unknown] == ["kubernetes.objection.autoscalers_unknown"]
    closing = executor.preview(action("cordon", "Node", "node-1", ""))
    assert [each.key for each in closing.objections] == ["kubernetes.objection.last_node"]


def test_the_digest_tells_another_state_and_no_other_write(
    cluster: Kubernetes, executor: KubernetesExecutor
) -> None:
    scale = action("scale", "Deployment", replicas=5)
    first = executor.look(scale)
    release(cluster, "shop:9")
    second = executor.look(scale)
    assert (first.digest == second.digest, first.version == second.version) == (True, False)
    change(cluster, "deployments", "shop", replicas=3)
    assert executor.look(scale).digest != first.digest
    assert not executor.look(action("scale", "Deployment", "none", replicas=1)).exists


def test_of_eight_workers_with_one_key_one_has_an_effect(
    cluster: Kubernetes, executor: KubernetesExecutor
) -> None:
    restart = action("rollout_restart", "Deployment")
    with ThreadPoolExecutor(8) as workers:
        outcomes = list(workers.map(lambda _: _changed(executor, restart), range(8)))
    assert outcomes.count(True) == 1
    assert got(cluster, "deployments")["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"


def _changed(executor: KubernetesExecutor, asked: Action) -> bool:
    """Whether it had an effect; a worker that was fenced had none."""
    try:
        return executor.execute(asked, call()).changed
    except ActionError as error:
        if error.effect != "none":
            raise
        return False
