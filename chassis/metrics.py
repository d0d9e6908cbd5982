"""What a process measures about itself, for Prometheus.

What may happen is told as 0 until it has: see `expect`.

Labels take few values: names in our code, never what clients send. Requests are
measured in `chassis.http.observing`, and services add their own. docs/observability.md
lists them all.
"""

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

#: When a series began says nothing that anybody asks, and doubles their number.
disable_created_metrics()


def expect(counter: Counter, *values: str) -> None:
    """Tell 0 for these labels: of what isn't told, nobody sees the first time."""
    counter.labels(*values)


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
events_retried = Counter(
    "events_retried", "Deliveries that wait for another attempt", ["consumer"]
)
events_dead = Counter(
    "events_dead", "Deliveries sent to the dead letters", ["consumer"]
)
event_lag = Histogram(
    "event_lag_seconds",
    "From an event's commit at its producer to its effects' here",
    ["consumer"],
    # Between the last, a few minutes looked like an hour.
    buckets=(
        *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
        *(60, 120, 300, 600, 1200, 3600),
    ),
)
handler_seconds = Histogram(
    "event_handler_duration_seconds",
    "How long an event's handler took",
    ["consumer", "type"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30),
)
consuming = Gauge(
    "consumer_connected", "Whether a consumer is served or stands by", ["consumer"]
)
listening = Gauge(
    "listener_connected", "Whether events are heard as they happen", ["listener"]
)
job_seconds = Histogram(
    "job_duration_seconds",
    "How long a job ran",
    ["job_name"],
    buckets=(0.01, 0.05, 0.25, 1, 5, 15, 60, 300, 900, 3600),
)
job_failures = Counter("job_failures", "Runs of a job that failed", ["job_name"])
job_interval = Gauge("job_interval_seconds", "How often a job is due", ["job_name"])
job_last_success = Gauge(
    "job_last_success_timestamp_seconds",
    "When a job last ended well, in any replica",
    ["job_name"],
)
check_violations = Gauge(
    "check_violations", "What a claim about the data found wrong", ["check"]
)
check_checked = Gauge("check_checked", "How many things a claim looked at", ["check"])
check_ran_at = Gauge(
    "check_last_run_timestamp_seconds", "When a claim was last looked at", ["check"]
)
ready = Gauge("process_ready", "Whether the process can do its work")
#: Labelled, so that a process without a database doesn't seem to have lost one.
database_up = Gauge(
    "database_up",
    "Whether the database told the numbers that come from there",
    ["schema"],
)
pool_limit = Gauge(
    "database_connections_limit", "Connections that a pool may open", ["pool"]
)
pool_size = Gauge("database_connections", "Open connections of a pool", ["pool"])
pool_idle = Gauge(
    "database_connections_idle", "Connections of a pool that nobody uses", ["pool"]
)
acquire_seconds = Histogram(
    "database_acquire_seconds",
    "How long work waited for a connection",
    ["pool"],
    buckets=(0.0005, 0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2),
)
acquire_failures = Counter(
    "database_acquire_failures", "Work that got no connection", ["pool"]
)
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
