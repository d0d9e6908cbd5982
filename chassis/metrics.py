"""What a process measures about itself, for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

outbox_waiting = Gauge("outbox_waiting_rows", "Events that are not published yet")
outbox_age = Gauge("outbox_oldest_seconds", "Age of the oldest unpublished event")
events_published = Counter("events_published", "Events confirmed by the broker")
publish_failures = Counter(
    "event_publish_failures", "Events that the broker did not take", ["reason"]
)
events_handled = Counter(
    "events_handled", "Events whose effects are committed", ["consumer", "type"]
)
events_failed = Counter(
    "events_failed", "Deliveries that a handler failed on", ["consumer", "type"]
)
events_dead = Counter(
    "events_dead", "Deliveries sent to the dead letters", ["consumer"]
)
consumer_lag = Gauge(
    "consumer_lag_seconds", "Age of the last handled event", ["consumer"]
)
listening = Gauge(
    "listener_connected", "Whether events are heard as they happen", ["listener"]
)
job_seconds = Histogram("job_seconds", "How long a job ran", ["job"])
job_failures = Counter("job_failures", "Runs of a job that failed", ["job"])
pool_size = Gauge("database_connections", "Open connections of the pools")
pool_idle = Gauge("database_connections_idle", "Connections that nobody uses")
upstream_circuit = Gauge(
    "upstream_circuit_state",
    "Whether a service is asked: 0 closed (yes), 1 half open (one call), 2 open (no)",
    ["service"],
)
upstream_shed = Counter(
    "upstream_requests_shed",
    "Calls refused because a service had its fill of them",
    ["service"],
)
upstream_retries = Counter(
    "upstream_requests_retried", "Calls to a service sent a second time", ["service"]
)
