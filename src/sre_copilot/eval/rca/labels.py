"""The `cob` data set's own labels: 49 fault types in eight taxonomies, and the product's fault type that each means."""

from __future__ import annotations

_TAXONOMIES = {
    "Admission_Fault": {
        "missing_service_account": "admission/service-account",
        "namespace_cpu_quota_exceeded": "admission/quota-cpu",
        "namespace_memory_quota_exceeded": "admission/quota-memory",
        "namespace_pod_quota_exceeded": "admission/quota-pods",
        "namespace_service_quota_exceeded": "admission/quota-services",
        "namespace_storage_quota_exceeded": "admission/quota-storage",
    },
    "Infrastructure_Fault": {
        "containerd_unavailable": "node/container-runtime",
        "kube_proxy_unavailable": "node/kube-proxy",
        "kube_scheduler_unavailable": "node/scheduler",
        "kubelet_unavailable": "node/kubelet",
        "node_network_delay": "node/network-delay",
        "node_network_packet_loss": "node/network-loss",
    },
    "Performance_Fault": {"pod_cpu_overload": "resource/cpu", "pod_network_delay": "network/delay"},
    "Runtime_Fault": {
        "db_connection_exhaustion": "database/connections",
        "db_read_only": "database/read-only",
        "deployment_zero_replicas": "runtime/no-replicas",
        "liveness_probe_incorrect_port": "runtime/liveness-port",
        "liveness_probe_incorrect_protocol": "runtime/liveness-protocol",
        "liveness_probe_incorrect_timing": "runtime/liveness-timing",
        "mysql_invalid_credentials": "database/credentials",
        "mysql_invalid_port": "database/address",
        "oom_killed": "resource/out-of-memory",
        "readiness_probe_incorrect_port": "runtime/readiness-port",
        "readiness_probe_incorrect_protocol": "runtime/readiness-protocol",
        "service_sidecar_port_conflict": "runtime/port-conflict",
    },
    "Scheduling_Fault": {
        "cpu_capacity_mismatch": "scheduling/cpu-capacity",
        "memory_capacity_mismatch": "scheduling/memory-capacity",
        "node_affinity_mismatch": "scheduling/node-affinity",
        "node_cordon_mismatch": "scheduling/node-cordoned",
        "node_selector_mismatch": "scheduling/node-selector",
        "pod_anti_affinity_conflict": "scheduling/anti-affinity",
        "pv_binding_occupied": "scheduling/volume-occupied",
        "pvc_access_mode_mismatch": "scheduling/claim-access-mode",
        "pvc_capacity_mismatch": "scheduling/claim-capacity",
        "pvc_selector_mismatch": "scheduling/claim-selector",
        "pvc_storage_class_mismatch": "scheduling/claim-storage-class",
        "taint_toleration_mismatch": "scheduling/taint",
    },
    "Service_Routing_Fault": {
        "gateway_misroute": "routing/gateway",
        "service_dns_resolution_failure": "routing/dns",
        "service_env_var_address_mismatch": "routing/address",
        "service_port_mapping_mismatch": "routing/port",
        "service_protocol_mismatch": "routing/protocol",
        "service_selector_mismatch": "routing/selector",
    },
    "Startup_Fault": {
        "image_registry_dns_failure": "startup/registry-dns",
        "incorrect_image_reference": "startup/image-reference",
        "missing_image_pull_secret": "startup/image-pull-secret",
        "missing_secret_binding": "startup/secret",
        "volume_mount_permission_denied": "startup/volume-permission",
    },
}  # fmt: skip

# product fault type -> (label, taxonomy)
COB = {
    fault: (label, taxonomy) for taxonomy, labels in _TAXONOMIES.items() for label, fault in labels.items()
} | {
    # what another family of detectors calls the same
    "resource/pool": ("db_connection_exhaustion", "Runtime_Fault"),
    "network/dns": ("service_dns_resolution_failure", "Service_Routing_Fault"),
}


def means(label: str, taxonomy: str, fault_type: str | None) -> bool:
    """Whether the product's fault type says what a label and its taxonomy say."""
    return COB.get(fault_type or "") == (label, taxonomy)
