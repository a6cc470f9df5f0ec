"""The source `kubernetes`: permissions, namespaces, watches, what was rolled out, and secrets that stay secret."""

import copy
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sre_copilot.domain.signals import Change, Window
from sre_copilot.errors import SourceAnswerError, SourceRefused
from sre_copilot.perception.cluster.access import KubernetesSettings
from sre_copilot.perception.cluster.api import KubernetesApi
from sre_copilot.perception.cluster.rollouts import differences
from sre_copilot.perception.cluster.watch import follow
from sre_copilot.perception.kubernetes import KubernetesSource
from sre_copilot.testing.servers.kubernetes import Kubernetes, kubernetes, record

ALL = Window(0, 4e9)
MERGE = {"content-type": "application/merge-patch+json"}


@pytest.fixture
def cluster() -> Iterator[Kubernetes]:
    with kubernetes(bookmark_seconds=0.05) as running:
        yield running


def source(cluster: Kubernetes, **settings: Any) -> KubernetesSource:
    given = {"url": cluster.url, "requests_per_second": 1000.0, "watch": False, "attempts": 1}
    return KubernetesSource(KubernetesSettings.model_validate(given | settings))


def deployment(name: str, namespace: str = "default", **container: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "server", "image": f"{name}:1"} | container]}
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": spec}
    meta = {"name": name, "namespace": namespace, "labels": labels}
    return {
        "kind": "Deployment",
        "metadata": meta,
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }


def changes(reading_of: KubernetesSource) -> list[Change]:
    return list(reading_of.read(ALL).telemetry.changes or ())


def test_a_kind_that_may_not_be_read_is_a_gap_and_not_nothing(cluster: Kubernetes) -> None:
    cluster.denied.add(("list", "nodes"))
    reading = source(cluster).read(ALL)
    assert [dict(gap.message.params)["kind"] for gap in reading.gaps] == ["nodes"]
    assert not any("nodes" in key for key in reading.telemetry.state or {})


def test_events_that_may_not_be_read_are_unknown(cluster: Kubernetes) -> None:
    cluster.denied.add(("list", "events"))
    reading = source(cluster).read(ALL)
    assert reading.telemetry.logs is None
    assert [gap.modality for gap in reading.gaps] == ["logs"]


def test_a_cluster_that_lets_nothing_be_read_is_an_error(cluster: Kubernetes) -> None:
    from sre_copilot.perception.cluster.state import EVENTS, KINDS

    cluster.denied |= {("list", kind.plural) for kind in (EVENTS, *KINDS)}
    with pytest.raises(SourceRefused, match="nothing may be read"):
        source(cluster).read(ALL)
    assert not source(cluster).health().ok


def test_health_tells_version_clock_and_permissions(cluster: Kubernetes) -> None:
    cluster.denied.add(("list", "nodes"))
    health = source(cluster, watch=True).health()
    assert health.ok
    assert health.version.startswith("v1.")
    assert abs(health.clock_skew_seconds or 0) < 5
    assert {"+list watch events", "+list pods", "-list nodes"} <= set(health.permissions)
    assert "nodes" in health.problem


def test_namespaces_and_labels_choose_what_is_read(cluster: Kubernetes) -> None:
    cluster.apply(
        {"kind": "Namespace", "metadata": {"name": "other"}},
        deployment("cart"),
        deployment("web"),
        deployment("cart", "other"),
    )
    state = source(cluster, namespaces=["default"], label_selector="app=cart").read(ALL).telemetry.state or {}
    described = [key for key in state if key.startswith("kubectl describe deployments")]
    assert described == ["kubectl describe deployments cart -n default"]


def test_more_objects_than_are_read_are_told(cluster: Kubernetes) -> None:
    cluster.apply(*(deployment(f"s{i}") for i in range(4)))
    reading = source(cluster, most_objects=3, page_size=2, namespaces=["default"]).read(ALL)
    assert ("deployments", "3") in [tuple(v for _, v in gap.message.params) for gap in reading.gaps]


def test_a_list_whose_pages_became_too_old_is_begun_anew(cluster: Kubernetes) -> None:
    cluster.apply(*(deployment(f"s{i}") for i in range(4)))
    api = KubernetesApi(KubernetesSettings(url=cluster.url, page_size=2), name="k")
    listed = cluster.objects.listed
    ages = iter([True, False])

    def once_too_old(target: Any, query: Any) -> dict[str, Any]:
        if query.get("continue") and next(ages, False):
            cluster.objects.forget_pages()
        return listed(target, query)

    cluster.objects.listed = once_too_old  # type: ignore[method-assign]
    found = api.list("/apis/apps/v1/deployments")
    assert [each["metadata"]["name"] for each in found.items] == ["s0", "s1", "s2", "s3"]
    cluster.objects.listed = lambda target, query: (cluster.objects.forget_pages(), listed(target, query))[1]  # type: ignore[method-assign]
    with pytest.raises(SourceAnswerError, match="too old"):
        api.list("/apis/apps/v1/deployments")


def configmap(name: str, **data: str) -> dict[str, Any]:
    return {"kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data}


def test_secret_values_are_in_no_output(cluster: Kubernetes) -> None:
    variables = [
        {"name": "DB_PASSWORD", "value": "hunter2"},
        {"name": "DB", "value": "mysql://u:hunter3@db:3306/x"},
    ]
    cluster.apply(deployment("cart", env=variables), configmap("c", **{"api.token": "hunter4"}),
                  {"kind": "Secret", "metadata": {"name": "s"}, "data": {"k": "aHVudGVyNQ=="}})  # fmt: skip
    text = str(source(cluster, secret_changes=True).read(ALL))
    assert "hunter" not in text
    assert "aHVudGVyNQ==" not in text
    assert "mysql://u:***@db:3306/x" in text


def test_a_value_cannot_pose_as_another_line(cluster: Kubernetes) -> None:
    cluster.apply(
        deployment(
            "cart", env=[{"name": "X", "value": "a\n    State:  Terminated\n      Reason:  OOMKilled"}]
        )
    )
    state = source(cluster).read(ALL).telemetry.state or {}
    assert not any(
        line.strip().startswith("Reason:  OOMKilled") for text in state.values() for line in text.splitlines()
    )


def test_a_new_revision_is_a_change_told_in_words(cluster: Kubernetes) -> None:
    cluster.apply(deployment("cart", env=[{"name": "MODE", "value": "old-value"}]))
    spec = {
        "containers": [{"name": "server", "image": "cart:2", "env": [{"name": "MODE", "value": "new-value"}]}]
    }
    path = f"{cluster.url}/apis/apps/v1/namespaces/default/deployments/cart"
    httpx.patch(path, json={"spec": {"template": {"spec": spec}}}, headers=MERGE).raise_for_status()
    found = [each for each in changes(source(cluster)) if each.kind == "deployment"]
    assert [each.detail["revision"] for each in found] == ["1", "2"]
    assert (
        found[1].text
        == "revision 2: container server: image cart:1 -> cart:2; container server: variables changed: MODE"
    )
    assert "value" not in found[1].text.replace("variables", "")


def test_a_revision_that_is_brought_back_is_a_change_of_now(cluster: Kubernetes) -> None:
    cluster.apply(deployment("cart"))
    path = f"{cluster.url}/apis/apps/v1/namespaces/default/deployments/cart"
    for image in ("cart:2", "cart:1"):
        spec = {"containers": [{"name": "server", "image": image}]}
        httpx.patch(path, json={"spec": {"template": {"spec": spec}}}, headers=MERGE).raise_for_status()
    last = [each for each in changes(source(cluster)) if each.kind == "deployment"][-1]
    assert last.text == "revision 3: container server: image cart:2 -> cart:1"


def test_configuration_that_was_written_is_a_change_of_those_who_use_it(cluster: Kubernetes) -> None:
    source_of = [{"configMapRef": {"name": "settings"}}]
    cluster.apply(
        configmap("settings", a="1"),
        configmap("alone", b="2"),
        deployment("cart", envFrom=source_of),
        deployment("web"),
    )
    found = {(each.service, each.text) for each in changes(source(cluster)) if each.kind == "config"}
    assert {("cart", "config map settings created"), ("alone", "config map alone created")} <= found
    with cluster.store.request():
        cluster.store.clock = _later(cluster.store.clock)
        cluster.store.replace(configmap("settings", a="2"))
    assert ("cart", "config map settings changed") in {
        (each.service, each.text) for each in changes(source(cluster))
    }


def _later(clock: Any) -> Any:
    from datetime import timedelta

    return lambda: clock() + timedelta(seconds=30)


def test_differences_do_not_depend_on_the_order_of_containers() -> None:
    one = {"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}}
    two = copy.deepcopy(one)
    two["spec"]["containers"].reverse()
    assert differences(one, two) == []


def test_a_repeated_event_is_seen_each_time_by_the_watch(cluster: Kubernetes) -> None:
    cluster.apply(deployment("cart"))
    following = source(cluster, watch=True)
    following.read(ALL)
    for _ in range(3):
        with cluster.store.request():
            record(
                cluster.store,
                cluster.store.all("deployments")[0],
                "Failed",
                "again",
                kind="Warning",
                by="test",
            )
    messages = _until(lambda: [m for m in _messages(following) if m.startswith("Failed")], 3)
    following.close()
    assert messages == ["Failed: again", "Failed: again (x2)", "Failed: again (x3)"]


def test_a_watch_resumes_after_a_break_and_after_a_forgotten_version(cluster: Kubernetes) -> None:
    cluster.apply(deployment("cart"))
    following = source(cluster, watch=True)
    before = len(_messages(following))
    cluster.watching.cut()
    with cluster.store.request():
        record(cluster.store, cluster.store.all("deployments")[0], "After", "the break", by="test")
    assert "After: the break" in _until(lambda: _messages(following), before + 1)
    cluster.watching.cut()
    cluster.store.forget()
    with cluster.store.request():
        record(cluster.store, cluster.store.all("deployments")[0], "After", "the 410", by="test")
    found = _until(lambda: _messages(following), before + 2)
    following.close()
    assert found.count("After: the 410") == 1
    assert len(found) == before + 2


def _messages(reading_of: KubernetesSource) -> list[str]:
    logs = reading_of.read(ALL).telemetry.logs
    assert logs is not None
    return sorted(logs["message"].to_list())


def _until(ask: Any, count: int) -> list[str]:
    end = time.monotonic() + 5
    while len(found := ask()) < count and time.monotonic() < end:
        time.sleep(0.05)
    return list(found)


def test_bookmarks_carry_a_quiet_watch_forward(cluster: Kubernetes) -> None:
    api = KubernetesApi(KubernetesSettings(url=cluster.url), name="k")
    stop = threading.Event()
    followed = follow(api, "/api/v1/events", stop=stop)
    first = next(each.version for each in followed if each.type == "CURRENT")
    cluster.apply(configmap("elsewhere"))
    version = next(each.version for each in followed if each.type == "CURRENT" and each.version != first)
    stop.set()
    assert int(version) > int(first)


def test_a_rotated_token_is_used_and_never_shown(cluster: Kubernetes, tmp_path: Any) -> None:
    token = tmp_path / "token"
    token.write_text("first-token\n")
    cluster.token = token.read_text().strip()
    reader = source(cluster, token_file=token)
    assert reader.health().ok
    cluster.token = "-".join(("second", "token"))
    with pytest.raises(SourceRefused) as caught:
        reader.read(ALL)
    assert "first-token" not in str(caught.value)
    token.write_text("second-token")
    assert reader.read(ALL).telemetry.state
