"""Which metrics there are, and with which labels: our processes' and the servers'."""

from collections.abc import Iterator

from prometheus_client import REGISTRY

import deploy.processes

#: Put on every series by what scrapes it.
OF_THE_TARGET = frozenset({"job", "instance"})
#: Of the processes alone: see deploy/observability/prometheus.yml.
OF_A_PROCESS = OF_THE_TARGET | {"process"}
_SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
}

#: As RabbitMQ (3.10 to 4) and the node exporter tell them.
OF_SERVERS: dict[str, frozenset[str]] = {
    "rabbitmq_alarms_file_descriptor_limit": frozenset(),
    "rabbitmq_alarms_free_disk_space_watermark": frozenset(),
    "rabbitmq_alarms_memory_used_watermark": frozenset(),
    "rabbitmq_connections": frozenset(),
    "rabbitmq_consumers": frozenset(),
    "rabbitmq_detailed_queue_consumers": frozenset({"vhost", "queue"}),
    "rabbitmq_detailed_queue_messages": frozenset({"vhost", "queue"}),
    "rabbitmq_detailed_queue_messages_ready": frozenset({"vhost", "queue"}),
    "rabbitmq_detailed_queue_messages_unacked": frozenset({"vhost", "queue"}),
    "rabbitmq_disk_space_available_bytes": frozenset(),
    "rabbitmq_disk_space_available_limit_bytes": frozenset(),
    "rabbitmq_process_resident_memory_bytes": frozenset(),
    "rabbitmq_resident_memory_limit_bytes": frozenset(),
    "node_filesystem_avail_bytes": frozenset({"device", "fstype", "mountpoint"}),
    "node_filesystem_size_bytes": frozenset({"device", "fstype", "mountpoint"}),
    "pg_database_size_bytes": frozenset({"datname"}),
    "pg_locks_count": frozenset({"datname", "mode"}),
    "pg_settings_max_connections": frozenset(),
    "pg_stat_activity_count": frozenset({"datname", "state", "wait_event_type"}),
    "pg_stat_activity_max_tx_duration": frozenset({"datname", "state"}),
    "pg_stat_archiver_failed_count": frozenset(),
    "pg_stat_archiver_last_archive_age": frozenset(),
    "pg_stat_database_blks_hit": frozenset({"datid", "datname"}),
    "pg_stat_database_blks_read": frozenset({"datid", "datname"}),
    "pg_stat_database_deadlocks": frozenset({"datid", "datname"}),
    "pg_stat_database_temp_bytes": frozenset({"datid", "datname"}),
    "pg_stat_database_xact_commit": frozenset({"datid", "datname"}),
    "pg_stat_database_xact_rollback": frozenset({"datid", "datname"}),
    "pg_stat_replication_pg_wal_lsn_diff": frozenset({"application_name"}),
    "pg_up": frozenset(),
}


def exposed() -> dict[str, frozenset[str]]:
    """Return every series' name with its labels, the scraper's included."""
    assert deploy.processes.PROCESSES  # importing them defines all that they measure
    ours = dict(_ours())
    theirs = {name: labels | OF_THE_TARGET for name, labels in OF_SERVERS.items()}
    return {**ours, **theirs, "up": OF_A_PROCESS}


def _ours() -> Iterator[tuple[str, frozenset[str]]]:
    # A metric that has no series yet tells its name and labels nowhere else.
    for collector in list(REGISTRY._collector_to_names):  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        declared: tuple[str, ...] | None = getattr(collector, "_labelnames", None)
        for family in collector.collect():
            seen = (label for sample in family.samples for label in sample.labels)
            own = frozenset(seen if declared is None else declared)
            for suffix in _SUFFIXES.get(family.type, ("",)):
                buckets = {"le"} if suffix == "_bucket" else set[str]()
                yield f"{family.name}{suffix}", own | buckets | OF_A_PROCESS
