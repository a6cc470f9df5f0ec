"""The product's vocabulary of faults: `family/name`, with its words in English and Chinese."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FaultType:
    """One kind of fault."""

    id: str
    en: str
    zh: str

    @property
    def family(self) -> str:
        """The part before the slash."""
        return self.id.partition("/")[0]


def _table(*rows: tuple[str, str, str]) -> dict[str, FaultType]:
    return {identifier: FaultType(identifier, en, zh) for identifier, en, zh in rows}


FAULT_TYPES = _table(
    # resources of a service
    ("resource/cpu", "CPU exhausted", "CPU 耗尽"),
    ("resource/memory", "memory exhausted or leaking", "内存耗尽或泄漏"),
    ("resource/out-of-memory", "killed for lack of memory", "内存不足被终止"),
    ("resource/disk", "disk full", "磁盘已满"),
    ("resource/pool", "connection pool exhausted", "连接池耗尽"),
    # network
    ("network/delay", "network delay", "网络延迟"),
    ("network/loss", "packet loss", "网络丢包"),
    ("network/reset", "connections reset or refused", "连接被重置或拒绝"),
    ("network/dns", "name resolution fails", "域名解析失败"),
    # code
    ("code/exception", "code raises an error", "代码抛出异常"),
    ("code/missing-step", "code returns early or skips a step", "代码提前返回或缺失步骤"),
    ("code/slow", "slow processing inside the service", "服务内部处理变慢"),
    # process
    ("process/killed", "process ended or restarts", "进程退出或重启"),
    ("process/hung", "process hangs", "进程挂起"),
    # dependencies and data
    ("dependency/unavailable", "dependency unavailable", "依赖不可用"),
    ("database/lock", "lock contention in the database", "数据库锁争用"),
    ("database/connections", "database connections exhausted", "数据库连接耗尽"),
    ("database/read-only", "database refuses writes", "数据库只读"),
    ("database/credentials", "database refuses the credentials", "数据库凭据无效"),
    ("database/address", "database address or port wrong", "数据库地址或端口错误"),
    ("security/certificate", "certificate or key expired or invalid", "证书或密钥过期或无效"),
    # a symptom without a more precise type
    (
        "degradation/latency",
        "slow; whether it or something below it causes this could not be told",
        "变慢，原因未能细分",
    ),
    (
        "degradation/availability",
        "failing; whether it or something below it causes this could not be told",
        "失败，原因未能细分",
    ),
    # admission and quota
    ("admission/service-account", "service account missing", "缺少服务账号"),
    ("admission/quota-cpu", "CPU quota of the namespace exceeded", "命名空间 CPU 配额超限"),
    ("admission/quota-memory", "memory quota of the namespace exceeded", "命名空间内存配额超限"),
    ("admission/quota-pods", "pod quota of the namespace exceeded", "命名空间 Pod 配额超限"),
    ("admission/quota-services", "service quota of the namespace exceeded", "命名空间 Service 配额超限"),
    ("admission/quota-storage", "storage quota of the namespace exceeded", "命名空间存储配额超限"),
    # nodes and control plane
    ("node/container-runtime", "container runtime down", "容器运行时不可用"),
    ("node/kube-proxy", "kube-proxy down", "kube-proxy 不可用"),
    ("node/scheduler", "scheduler down", "调度器不可用"),
    ("node/kubelet", "kubelet down", "kubelet 不可用"),
    ("node/network-delay", "network delay of a node", "节点网络延迟"),
    ("node/network-loss", "packet loss of a node", "节点网络丢包"),
    # runtime
    ("runtime/no-replicas", "scaled to zero replicas", "副本数为零"),
    ("runtime/liveness-port", "liveness probe asks the wrong port", "存活探针端口错误"),
    ("runtime/liveness-protocol", "liveness probe speaks the wrong protocol", "存活探针协议错误"),
    ("runtime/liveness-timing", "liveness probe gives too little time", "存活探针时间设置不当"),
    ("runtime/readiness-port", "readiness probe asks the wrong port", "就绪探针端口错误"),
    ("runtime/readiness-protocol", "readiness probe speaks the wrong protocol", "就绪探针协议错误"),
    ("runtime/port-conflict", "two containers want one port", "容器端口冲突"),
    # scheduling
    ("scheduling/cpu-capacity", "no node has the CPU that is requested", "没有节点满足 CPU 请求"),
    ("scheduling/memory-capacity", "no node has the memory that is requested", "没有节点满足内存请求"),
    ("scheduling/node-affinity", "node affinity matches no node", "节点亲和性无匹配节点"),
    ("scheduling/node-selector", "node selector matches no node", "节点选择器无匹配节点"),
    ("scheduling/node-cordoned", "node is cordoned", "节点已禁止调度"),
    ("scheduling/anti-affinity", "pod anti-affinity leaves no node", "Pod 反亲和性冲突"),
    ("scheduling/taint", "taint is not tolerated", "污点未被容忍"),
    ("scheduling/volume-occupied", "volume is bound by another claim", "存储卷已被其他声明占用"),
    (
        "scheduling/claim-access-mode",
        "claim asks for an access mode that no volume has",
        "声明的访问模式无匹配卷",
    ),
    ("scheduling/claim-capacity", "claim asks for more than any volume has", "声明的容量无匹配卷"),
    ("scheduling/claim-selector", "claim selects no volume", "声明的选择器无匹配卷"),
    (
        "scheduling/claim-storage-class",
        "claim names a storage class that no volume has",
        "声明的存储类无匹配卷",
    ),
    # routing
    ("routing/gateway", "gateway sends requests to the wrong place", "网关路由错误"),
    ("routing/dns", "service name cannot be resolved", "服务域名解析失败"),
    ("routing/address", "environment names a wrong address", "环境变量中的地址错误"),
    ("routing/port", "service maps a wrong port", "Service 端口映射错误"),
    ("routing/protocol", "service speaks a wrong protocol", "Service 协议错误"),
    ("routing/selector", "service selects no pod", "Service 选择器无匹配 Pod"),
    # startup
    ("startup/registry-dns", "image registry cannot be resolved", "镜像仓库域名解析失败"),
    ("startup/image-reference", "image does not exist", "镜像引用错误"),
    ("startup/image-pull-secret", "credentials for the image registry are missing", "缺少镜像拉取凭据"),
    ("startup/secret", "secret or configuration is missing", "缺少 Secret 或配置"),
    ("startup/volume-permission", "volume refuses access", "挂载卷权限不足"),
)
