"""YAML in words: alert rules of Prometheus, manifests of Kubernetes, Compose files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from sre_copilot.agents.queries.explaining import promql
from sre_copilot.agents.queries.explaining.explained import Explained, Findings, Kind
from sre_copilot.domain.knowledge import Lang

_KINDS = {
    "Deployment": ("keeps copies of a program running", "维持程序的若干副本运行"), "StatefulSet": ("keeps numbered copies with storage of their own running", "维持带独立存储的有序副本运行"),
    "DaemonSet": ("runs one copy on every node", "在每个节点上运行一个副本"), "Service": ("gives pods one address", "为 Pod 提供统一地址"), "Ingress": ("leads requests from outside to services", "将外部请求转发到服务"),
    "ConfigMap": ("holds configuration", "保存配置"), "Secret": ("holds secrets", "保存机密"), "Job": ("runs something once", "一次性任务"), "CronJob": ("runs something by a timetable", "定时任务"),
    "HorizontalPodAutoscaler": ("changes the number of copies by load", "按负载自动伸缩"), "NetworkPolicy": ("limits who may speak with whom", "限制网络访问"), "Role": ("grants rights", "授予权限"),
    "ClusterRole": ("grants rights in the whole cluster", "授予集群级权限"), "ClusterRoleBinding": ("gives rights in the whole cluster to somebody", "绑定集群级权限"), "PodDisruptionBudget": ("limits how many pods may be ended at once", "限制同时中断的 Pod 数"),
    "Namespace": ("makes a namespace", "创建命名空间"), "PersistentVolumeClaim": ("asks for storage", "申请存储"),
}  # fmt: skip


def explain(text: str, lang: Lang) -> Explained | None:
    """YAML in words; None where it is neither rules nor a manifest nor a Compose file."""
    try:
        documents = [each for each in yaml.safe_load_all(text) if each is not None]
    except yaml.YAMLError as error:
        found = Findings(lang)
        found.problem(
            f"It is no YAML: {' '.join(str(error).split())[:160]}",
            f"不是合法的 YAML：{' '.join(str(error).split())[:160]}",
        )
        return found.explained("unknown")
    kinds: list[Kind] = []
    found = Findings(lang)
    for each in documents:
        kind = _document(each, found)
        if kind is None:
            return None
        kinds.append(kind)
    return found.explained(kinds[0]) if kinds else None


def _document(document: Any, found: Findings) -> Kind | None:
    if (
        isinstance(document, Sequence)
        and not isinstance(document, str)
        and document
        and all(isinstance(each, Mapping) and "expr" in each for each in document)
    ):
        document = {"rules": document}
    if not isinstance(document, Mapping):
        return None
    if document.get("kind") == "PrometheusRule":
        document = document.get("spec") or {}
    if "groups" in document or "rules" in document or "expr" in document:
        _rules(document, found)
        return "alert_rule"
    if "kind" in document and "apiVersion" in document:
        _manifest(document, found)
        return "kubernetes"
    if isinstance(document.get("services"), Mapping):
        _compose(document["services"], found)
        return "compose"
    return None


def _rules(document: Mapping[str, Any], found: Findings) -> None:
    groups = document.get("groups") or [{"rules": document.get("rules") or [document]}]
    for rule in (rule for group in groups for rule in group.get("rules") or ()):
        expr = str(rule.get("expr", ""))
        inner = promql.explain(expr, found.lang)
        name, wait = rule.get("alert") or rule.get("record") or "?", rule.get("for")
        meaning = inner.lines[0] if inner.lines else expr
        if "record" in rule:
            found.say(f"Records {name}. {meaning}", f"记录 {name}。{meaning}")
        else:
            severity = (rule.get("labels") or {}).get("severity", "")
            held = f" for {wait}" if wait else ""
            held_zh = f"持续 {wait}" if wait else ""
            found.say(
                f"Alert {name}{f' ({severity})' if severity else ''} fires when this has a result{held}: {meaning}",
                f"告警 {name}{f'（{severity}）' if severity else ''}在以下结果存在{held_zh}时触发：{meaning}",
            )
            _alert(rule, name, found)
        found.problems += [f"{name}: {each}" for each in inner.problems]
        found.dangers += [
            (level, f"{name}: {reason}")
            for level, reason in zip(
                [inner.risk.level] * len(inner.risk.reasons), inner.risk.reasons, strict=True
            )
        ]


def _alert(rule: Mapping[str, Any], name: str, found: Findings) -> None:
    if not rule.get("for"):
        found.danger(
            "low",
            f"{name} fires at once, without `for`: a single bad sample pages somebody.",
            f"{name} 没有 `for`：单个异常样本就会触发。",
        )
    if not (rule.get("labels") or {}).get("severity"):
        found.problem(f"{name} has no severity label.", f"{name} 没有 severity 标签。")
    if not rule.get("annotations"):
        found.problem(
            f"{name} has no annotations that say what to do.", f"{name} 没有说明处理办法的 annotations。"
        )


def _manifest(document: Mapping[str, Any], found: Findings) -> None:
    kind, metadata = str(document["kind"]), document.get("metadata") or {}
    en, zh = _KINDS.get(kind, ("an object of Kubernetes", "Kubernetes 对象"))
    where = metadata.get("namespace", "default")
    found.say(
        f"{kind} {metadata.get('name', '?')} in {where}: {en}.",
        f"{kind} {metadata.get('name', '?')}（命名空间 {where}）：{zh}。",
    )
    spec = document.get("spec") or {}
    if not isinstance(spec, Mapping):
        return
    if (replicas := spec.get("replicas")) is not None:
        found.say(f"{replicas} replicas.", f"{replicas} 个副本。")
        if replicas == 0:
            found.danger("high", "0 replicas: nothing runs.", "0 个副本：没有任何实例运行。")
        elif replicas == 1:
            found.danger("low", "One replica: each restart is an outage.", "单副本：每次重启都会中断服务。")
    pod = (
        spec.get("template", {}).get("spec")
        or (
            spec
            if kind == "Pod"
            else spec.get("jobTemplate", {}).get("spec", {}).get("template", {}).get("spec")
        )
        or {}
    )
    for container in pod.get("containers") or ():
        _container(container, found)
    if pod.get("hostNetwork") or pod.get("hostPID"):
        found.danger("high", "Shares network or processes of the node.", "共享节点网络或进程空间。")
    if any("hostPath" in each for each in pod.get("volumes") or ()):
        found.danger("high", "Mounts a folder of the node (hostPath).", "挂载节点目录（hostPath）。")
    if kind in ("ClusterRoleBinding", "ClusterRole"):
        found.danger("high", "Grants rights in the whole cluster.", "授予集群级权限。")
    if kind in ("Deployment", "StatefulSet", "DaemonSet"):
        found.danger("medium", "Applied, it replaces running pods.", "应用后会替换运行中的 Pod。")


def _container(container: Mapping[str, Any], found: Findings) -> None:
    name, image = container.get("name", "?"), str(container.get("image", "?"))
    found.say(f"Container {name} runs {image}.", f"容器 {name} 运行 {image}。")
    if image.endswith(":latest") or ":" not in image.rsplit("/", 1)[-1]:
        found.danger("low", f"{name}: the image has no fixed version.", f"{name}：镜像没有固定版本。")
    if (container.get("securityContext") or {}).get("privileged"):
        found.danger(
            "critical", f"{name} is privileged: it owns the node.", f"{name} 为特权容器，等同控制节点。"
        )
    if not (container.get("resources") or {}).get("limits"):
        found.danger("low", f"{name} has no limits of memory and processor.", f"{name} 没有资源上限。")
    missing = [probe for probe in ("readinessProbe", "livenessProbe") if probe not in container]
    if missing:
        found.problem(f"{name} has no {' and no '.join(missing)}.", f"{name} 缺少 {'、'.join(missing)}。")


def _compose(services: Mapping[str, Any], found: Findings) -> None:
    for name, said in services.items():
        each = said or {}
        found.say(
            f"Service {name} runs {each.get('image', 'what it builds')}.",
            f"服务 {name} 运行 {each.get('image', '自行构建的镜像')}。",
        )
        ports = [str(port) for port in each.get("ports") or ()]
        if ports:
            found.say(f"{name} is reached at {', '.join(ports)}.", f"{name} 暴露端口 {', '.join(ports)}。")
        if each.get("privileged"):
            found.danger(
                "critical",
                f"{name} is privileged: it owns the machine.",
                f"{name} 为特权容器，等同控制主机。",
            )
        if any("docker.sock" in str(volume) for volume in each.get("volumes") or ()):
            found.danger(
                "critical",
                f"{name} holds the Docker socket: it owns the machine.",
                f"{name} 挂载了 Docker socket，等同控制主机。",
            )
        if each.get("network_mode") == "host":
            found.danger("high", f"{name} shares the network of the machine.", f"{name} 使用主机网络。")
        if str(each.get("image", "")).endswith(":latest"):
            found.danger("low", f"{name}: the image has no fixed version.", f"{name}：镜像没有固定版本。")
