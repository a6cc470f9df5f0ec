"""What the executor refuses, how it reaches the API server, and what it makes of its answers."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.action.kubernetes.shop import action, call, got, pods

from sre_copilot.action.executor import ActionError, Call
from sre_copilot.action.executors.kubernetes import KubernetesExecutor, KubernetesExecutorSettings
from sre_copilot.domain.plan import Action, RiskLevel, Target
from sre_copilot.errors import SettingsError
from sre_copilot.plugins import load_one
from sre_copilot.settings.loading import parse
from sre_copilot.testing.servers.kubernetes import Kubernetes


def test_it_is_registered_and_every_entry_can_be_told_from_none_and_undone() -> None:
    kind = load_one("sre_copilot.executors", "kubernetes")
    specs = kind(kind.Settings(url="http://127.0.0.1:1")).specs()
    assert {each.name for each in specs} >= {f"kubernetes.{verb}" for verb in (
        "restart_pod", "evict", "rollout_restart", "scale", "rollback", "restore_configuration",
        "cordon", "uncordon", "traffic_weight", "switch_traffic")}  # fmt: skip
    assert all(each.exactly_once and each.fenced and each.reversible for each in specs)
    assert {each.level for each in specs} == {RiskLevel.MEDIUM}


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (action("scale", "Deployment"), "replicas"),
        (action("scale", "Deployment", replicas=51), r"parameters\.replicas"),
        (action("scale", "Deployment", replicas="3"), r"parameters\.replicas"),
        (action("scale", "Deployment", replicas=1, force=True), "force"),
        (action("scale", "Pod", replicas=1), r"target\.kind"),
        (action("scale", "Deployment", "../../nodes", replicas=1), r"target\.name"),
        (action("scale", "Deployment", namespace="", replicas=1), r"target\.namespace"),
        (action("scale", "Deployment", namespace="kube-system", replicas=1), "protected"),
        (action("patch_rollout", "Rollout", field="spec.other", value=1), r"parameters\.field"),
        (action("explode", "Deployment"), "is no action"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_name_before_anything_is_reached(
    cluster: Kubernetes, executor: KubernetesExecutor, asked: Action, names: str
) -> None:
    with pytest.raises(ActionError, match=names) as refused:
        executor.check(asked)
    assert refused.value.effect == "none"
    assert cluster.asked == []


def test_only_the_namespaces_of_the_settings_are_touched(cluster: Kubernetes) -> None:
    executor = KubernetesExecutor(KubernetesExecutorSettings(url=cluster.url, namespaces=("shop",)))
    with pytest.raises(ActionError, match="not among those of the settings"):
        executor.check(action("scale", "Deployment", replicas=1))


def test_nothing_is_changed_once_it_was_called_off_or_its_time_is_over(
    cluster: Kubernetes, executor: KubernetesExecutor
) -> None:
    scale = action("scale", "Deployment", replicas=5)
    for given in (Call(key="k", deadline=time.monotonic() - 1), call(cancelled=lambda: True)):
        with pytest.raises(ActionError) as refused:
            executor.execute(scale, given)
        assert refused.value.effect == "none"
    assert got(cluster, "deployments")["spec"]["replicas"] == 2


def test_an_answer_that_does_not_come_leaves_the_effect_unknown_and_nobody_there_leaves_none(
    cluster: Kubernetes, executor: KubernetesExecutor
) -> None:
    restart = action("rollout_restart", "Deployment")
    executor.look(restart)
    patch = executor._cluster.patch

    def slow(*given: Any, **more: Any) -> Any:
        with cluster.store.changed:  # the server cannot answer while somebody holds its store
            return patch(*given, **more)

    executor._cluster.patch = slow  # type: ignore[method-assign]
    with pytest.raises(ActionError, match="no answer") as unknown:
        executor.execute(restart, Call(key="k", deadline=time.monotonic() + 0.5))
    assert (unknown.value.effect, unknown.value.retry) == ("unknown", True)
    nobody = KubernetesExecutor(KubernetesExecutorSettings(url="http://127.0.0.1:1"))
    with pytest.raises(ActionError, match="no connection") as refused:
        nobody.execute(restart, call())
    assert (refused.value.effect, refused.value.retry) == ("none", True)


def test_what_its_account_may_not_do_is_said_with_the_way_out(
    cluster: Kubernetes, executor: KubernetesExecutor
) -> None:
    cluster.denied.add(("patch", "deployments"))
    with pytest.raises(ActionError, match=r"403 .*deploy/kubernetes/rbac\.yaml") as refused:
        executor.execute(action("rollout_restart", "Deployment"), call())
    assert refused.value.effect == "none"


def kubeconfig(folder: Path, url: str, user: dict[str, Any], **cluster: Any) -> Path:
    path = folder / "config"
    path.write_text(yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "a",
        "clusters": [{"name": "c", "cluster": {"server": url, **cluster}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}],
    }))  # fmt: skip
    return path


def test_a_kubeconfig_and_tokens_open_the_door_and_no_secret_is_shown(
    cluster: Kubernetes, tmp_path: Path
) -> None:
    cluster.token = "opensesame"  # noqa: S105
    scale = action("scale", "Deployment", replicas=3)
    file = tmp_path / "token"
    file.write_text("opensesame\n")
    for settings in (
        KubernetesExecutorSettings(kubeconfig=kubeconfig(tmp_path, cluster.url, {"token": "opensesame"})),
        parse(KubernetesExecutorSettings, {"url": cluster.url, "bearer_token": "opensesame"}, place="test"),
        KubernetesExecutorSettings(url=cluster.url, token_file=file),
    ):
        executor = KubernetesExecutor(settings)
        assert executor.look(scale).exists
        assert "opensesame" not in repr((executor, settings))
    wrong = KubernetesExecutor(
        parse(KubernetesExecutorSettings, {"url": cluster.url, "bearer_token": "sesame?"}, place="test")
    )
    with pytest.raises(ActionError, match="401") as refused:
        wrong.look(scale)
    assert "sesame?" not in str(refused.value)


@pytest.mark.parametrize(
    ("user", "more", "names"),
    [
        ({"token": "t"}, {"insecure-skip-tls-verify": True}, "insecure-skip-tls-verify"),
        ({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch"}}, {}, "are not run"),
        ({"token": "t"}, {"server": "http://10.0.0.1:8080"}, "in clear"),
    ],
)
def test_what_a_kubeconfig_asks_and_is_not_safe_is_refused(
    tmp_path: Path, user: dict[str, Any], more: dict[str, Any], names: str
) -> None:
    path = kubeconfig(tmp_path, "https://10.0.0.1", user, **more)
    with pytest.raises(SettingsError, match=names):
        KubernetesExecutor(KubernetesExecutorSettings(kubeconfig=path)).look(
            action("cordon", "Node", "n", "")
        )


def test_without_any_way_in_the_settings_are_at_fault(tmp_path: Path) -> None:
    executor = KubernetesExecutor(KubernetesExecutorSettings(service_account=tmp_path))
    with pytest.raises(SettingsError, match="run in a pod"):
        executor.look(
            Action(name="kubernetes.cordon", target=Target(executor="kubernetes", kind="Node", name="n"))
        )


def test_an_undo_of_a_revision_that_is_gone_says_so(
    cluster: Kubernetes, executor: KubernetesExecutor
) -> None:
    with pytest.raises(ActionError, match="no longer kept"):
        executor.undo(action("rollback", "Deployment"), call(), {"holder": "shop-gone", "revision": 7})
    assert len(pods(cluster)) == 2
