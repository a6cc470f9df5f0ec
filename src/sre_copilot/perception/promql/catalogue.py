"""Metrics that most estates have, under one name each, whichever exporter provides them.

Of each metric there are several forms, one an exporter; a server is asked for all of them at once (`a or b`), and where two describe the
same series the first counts. Names end in their unit. In a form `$service_labels` and `$instance_labels` are the labels of the
configuration; exporters that report on others (cAdvisor, kube-state-metrics) are grouped by what they report on.
"""

from __future__ import annotations

from dataclasses import dataclass

_SERVICE = "by ($service_labels)"
_TARGET = "by ($service_labels, $instance_labels)"
_CONTAINER = "by (namespace, pod, container)"
_RATE = "[$__rate_interval]"
_REAL_CONTAINER = (
    '{container!="",container!="POD"}'  # without the sums over a pod, and without its pause container
)
_REAL_DISK = '{fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660|nsfs|autofs|fuse.*"}'  # others are never "full"
_REAL_NETWORK = (
    '{device!~"lo|veth.*|docker.*|br-.*|cali.*|cni.*|flannel.*|virbr.*"}'  # else bytes count twice
)


@dataclass(frozen=True, slots=True)
class Form:
    """One way in which a metric may be had."""

    exporter: str
    query: str


@dataclass(frozen=True, slots=True)
class CoreMetric:
    """A metric of the catalogue."""

    name: str
    unit: str
    meaning: str
    forms: tuple[Form, ...]

    @property
    def query(self) -> str:
        """All forms in one query."""
        return " or ".join(f"({form.query})" for form in self.forms)


def _metric(name: str, unit: str, meaning: str, *forms: tuple[str, str]) -> CoreMetric:
    return CoreMetric(name, unit, meaning, tuple(Form(*form) for form in forms))


# Of requests: histogram (or its count), the labels in which it may carry a status, what a failure's status looks like, seconds in its unit.
_HTTP = (
    ("OpenTelemetry", "http_server_request_duration_seconds", ("http_response_status_code",), 1.0),
    ("OpenTelemetry before 1.23", "http_server_duration_milliseconds", ("http_status_code",), 0.001),
    ("client library", "http_request_duration_seconds", ("status", "code", "status_code"), 1.0),
    ("Micrometer", "http_server_requests_seconds", ("status",), 1.0),
    ("Istio", "istio_request_duration_milliseconds", ("response_code",), 0.001),
    ("ingress-nginx", "nginx_ingress_controller_request_duration_seconds", ("status",), 1.0),
    ("Traefik", "traefik_service_request_duration_seconds", ("code",), 1.0),
)
_COUNTERS = (("client library", "http_requests_total", ("status", "code", "status_code")),)
_GRPC_FAILED = "Unknown|DeadlineExceeded|Internal|Unavailable|DataLoss"  # the codes of a server's own failure


def _requests() -> list[tuple[str, str]]:
    counted = [(exporter, f"{name}_count") for exporter, name, *_ in _HTTP]
    counted += [(exporter, name) for exporter, name, _ in _COUNTERS]
    counted += [("gRPC", "grpc_server_handled_total")]
    return [(exporter, f"sum {_SERVICE} (rate({name}{_RATE}))") for exporter, name in counted]


def _errors() -> list[tuple[str, str]]:
    labelled = [(exporter, f"{name}_count", labels) for exporter, name, labels, _ in _HTTP]
    found = [
        (exporter, _ratio(name, label, "5.."))
        for exporter, name, labels in (*labelled, *_COUNTERS)
        for label in labels
    ]
    return [*found, ("gRPC", _ratio("grpc_server_handled_total", "grpc_code", _GRPC_FAILED))]


def _ratio(name: str, label: str, failed: str) -> str:
    """Failures by requests; 0 where there are requests that carry a status and none failed, nothing where no status is told."""
    every = f'sum {_SERVICE} (rate({name}{{{label}!=""}}{_RATE}))'
    return f'(sum {_SERVICE} (rate({name}{{{label}=~"{failed}"}}{_RATE})) or 0 * {every}) / {every}'


def _latency(quantile: float) -> list[tuple[str, str]]:
    buckets = [(exporter, name, scale) for exporter, name, _, scale in _HTTP]
    buckets += [("gRPC", "grpc_server_handling_seconds", 1.0)]
    by = "by ($service_labels, le)"
    return [
        (
            exporter,
            ("" if scale == 1.0 else f"{scale} * ")
            + f"histogram_quantile({quantile}, sum {by} (rate({name}_bucket{_RATE})))",
        )
        for exporter, name, scale in buckets
    ]


def _per_second(metric: str, container: str) -> tuple[tuple[str, str], ...]:
    return (
        ("node exporter", f"sum {_TARGET} (rate({metric}{_REAL_NETWORK}{_RATE}))"),
        ("cAdvisor", f"sum by (namespace, pod) (rate({container}{_RATE}))"),
    )


CATALOGUE: tuple[CoreMetric, ...] = (
    _metric("up", "1 or 0", "whether the target answers its scrape", ("Prometheus", f"min {_TARGET} (up)")),
    _metric(
        "cpu_usage_percent",
        "percent",
        "CPU time in use, of the host or of the container's limit",
        ("node exporter", f'100 * (1 - avg {_TARGET} (rate(node_cpu_seconds_total{{mode="idle"}}{_RATE})))'),
        (
            "cAdvisor",
            f"100 * sum {_CONTAINER} (rate(container_cpu_usage_seconds_total{_REAL_CONTAINER}{_RATE}))"
            f" / sum {_CONTAINER} (container_spec_cpu_quota{_REAL_CONTAINER} / container_spec_cpu_period{_REAL_CONTAINER})",
        ),
        (
            "windows exporter",
            f'100 * (1 - avg {_TARGET} (rate(windows_cpu_time_total{{mode="idle"}}{_RATE})))',
        ),
    ),
    _metric(
        "cpu_usage_cores",
        "cores",
        "CPU time in use, of a process or container",
        ("client library", f"sum {_TARGET} (rate(process_cpu_seconds_total{_RATE}))"),
        ("cAdvisor", f"sum {_CONTAINER} (rate(container_cpu_usage_seconds_total{_REAL_CONTAINER}{_RATE}))"),
        (
            "process exporter",
            f"sum by (groupname, $instance_labels) (rate(namedprocess_namegroup_cpu_seconds_total{_RATE}))",
        ),
    ),
    _metric(
        "cpu_throttled_ratio",
        "ratio",
        "share of periods in which the container was held back by its CPU limit",
        (
            "cAdvisor",
            f"sum {_CONTAINER} (rate(container_cpu_cfs_throttled_periods_total{_REAL_CONTAINER}{_RATE}))"
            f" / sum {_CONTAINER} (rate(container_cpu_cfs_periods_total{_REAL_CONTAINER}{_RATE}))",
        ),
    ),
    _metric(
        "load_per_cpu",
        "runnable tasks",
        "load average of one minute by number of CPUs",
        (
            "node exporter",
            f'avg {_TARGET} (node_load1) / count {_TARGET} (node_cpu_seconds_total{{mode="idle"}})',
        ),
    ),
    _metric(
        "memory_usage_percent",
        "percent",
        "memory in use, of the host or of the container's limit",
        (
            "node exporter",
            f"100 * (1 - avg {_TARGET} (node_memory_MemAvailable_bytes) / avg {_TARGET} (node_memory_MemTotal_bytes))",
        ),
        (
            "cAdvisor",
            f"100 * sum {_CONTAINER} (container_memory_working_set_bytes{_REAL_CONTAINER})"
            f" / (sum {_CONTAINER} (container_spec_memory_limit_bytes{_REAL_CONTAINER}) > 0)",
        ),
    ),
    _metric(
        "memory_usage_bytes",
        "bytes",
        "memory in use, of a process or container",
        ("client library", f"sum {_TARGET} (process_resident_memory_bytes)"),
        ("cAdvisor", f"sum {_CONTAINER} (container_memory_working_set_bytes{_REAL_CONTAINER})"),
        (
            "process exporter",
            'sum by (groupname, $instance_labels) (namedprocess_namegroup_memory_bytes{memtype="resident"})',
        ),
    ),
    _metric(
        "heap_usage_percent",
        "percent",
        "heap of the JVM in use",
        (
            "Micrometer, JMX",
            f'100 * sum {_TARGET} (jvm_memory_used_bytes{{area="heap"}}) / (sum {_TARGET} (jvm_memory_max_bytes{{area="heap"}}) > 0)',
        ),
    ),
    _metric(
        "disk_usage_percent",
        "percent",
        "space in use, of each file system or volume",
        (
            "node exporter",
            "100 * (1 - max by ($service_labels, $instance_labels, mountpoint) "
            f"(node_filesystem_avail_bytes{_REAL_DISK} / (node_filesystem_size_bytes{_REAL_DISK} > 0)))",
        ),
        (
            "kubelet",
            "100 * max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_used_bytes / kubelet_volume_stats_capacity_bytes)",
        ),
    ),
    _metric(
        "disk_busy_ratio",
        "ratio",
        "share of time in which a disk is busy",
        (
            "node exporter",
            f"max by ($service_labels, $instance_labels, device) (rate(node_disk_io_time_seconds_total{_RATE}))",
        ),
    ),
    _metric(
        "network_receive_bytes_per_second",
        "bytes per second",
        "traffic that comes in",
        *_per_second("node_network_receive_bytes_total", "container_network_receive_bytes_total"),
    ),
    _metric(
        "network_transmit_bytes_per_second",
        "bytes per second",
        "traffic that goes out",
        *_per_second("node_network_transmit_bytes_total", "container_network_transmit_bytes_total"),
    ),
    _metric(
        "network_errors_per_second",
        "packets per second",
        "packets that were damaged",
        (
            "node exporter",
            f"sum {_TARGET} (rate(node_network_receive_errs_total{_REAL_NETWORK}{_RATE})"
            f" + rate(node_network_transmit_errs_total{_REAL_NETWORK}{_RATE}))",
        ),
        ("cAdvisor", f"sum by (namespace, pod) (rate(container_network_receive_errors_total{_RATE}))"),
    ),
    _metric("requests_per_second", "requests per second", "requests that were answered", *_requests()),
    _metric(
        "request_error_ratio", "ratio", "share of requests that failed by the server's fault", *_errors()
    ),
    _metric(
        "request_latency_p95_seconds",
        "seconds",
        "95 of 100 requests are answered faster, estimated from buckets",
        *_latency(0.95),
    ),
    _metric(
        "request_latency_p99_seconds",
        "seconds",
        "99 of 100 requests are answered faster, estimated from buckets",
        *_latency(0.99),
    ),
    _metric(
        "restarts",
        f"restarts within {'rate_seconds'}",
        "how often a container or process began anew",
        (
            "kube-state-metrics",
            f"sum {_CONTAINER} (changes(kube_pod_container_status_restarts_total{_RATE}))",
        ),
        ("client library", f"sum {_TARGET} (changes(process_start_time_seconds{_RATE}))"),
        ("node exporter", f"sum {_TARGET} (changes(node_boot_time_seconds{_RATE}))"),
    ),
    _metric(
        "replicas_unavailable",
        "pods",
        "pods that a deployment should have and that do not serve",
        (
            "kube-state-metrics",
            "max by (namespace, deployment) (kube_deployment_status_replicas_unavailable)",
        ),
    ),
    _metric(
        "file_descriptors_percent",
        "percent",
        "open files and connections of a process, of its limit",
        ("client library", f"100 * max {_TARGET} (process_open_fds / process_max_fds)"),
        ("node exporter", f"100 * max {_TARGET} (node_filefd_allocated / node_filefd_maximum)"),
    ),
    _metric(
        "connection_pool_usage_percent",
        "percent",
        "connections in use, of those that there may be",
        (
            "HikariCP",
            "100 * max by ($service_labels, $instance_labels, pool) (hikaricp_connections_active / hikaricp_connections_max)",
        ),
        (
            "PostgreSQL exporter",
            f"100 * sum {_TARGET} (pg_stat_activity_count) / max {_TARGET} (pg_settings_max_connections)",
        ),
        (
            "MySQL exporter",
            f"100 * max {_TARGET} (mysql_global_status_threads_connected / mysql_global_variables_max_connections)",
        ),
        (
            "Redis exporter",
            f"100 * max {_TARGET} (redis_connected_clients / (redis_config_maxclients > 0))",
        ),
    ),
    _metric(
        "consumer_lag_messages",
        "messages",
        "messages that wait for a consumer group",
        ("Kafka exporter", "sum by (consumergroup, topic) (kafka_consumergroup_lag)"),
    ),
)

CORE_METRICS: dict[str, str] = {metric.name: metric.query for metric in CATALOGUE}
"""Name -> PromQL with placeholders: what a source reads when nothing else is configured."""
