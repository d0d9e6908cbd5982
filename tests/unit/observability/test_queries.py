"""Every dashboard and alert asks for what is there, and says what to do about it."""

import re
from collections import Counter

import pytest

from chassis.topology import dead_queue, queues_of
from contracts.subscriptions import SUBSCRIPTIONS
from tests.unit.observability.exposed import OF_SERVERS, exposed
from tests.unit.observability.labels import labels_of
from tests.unit.observability.queries import (
    DASHBOARDS,
    FOLDER,
    ROOT,
    RUNBOOKS,
    Json,
    Query,
    alerts,
    panels,
    queries,
    selected,
)

RUNBOOK = re.compile(r"docs/runbooks/([a-z-]+)\.md")
HEADINGS = (
    "What it means",
    "What customers notice",
    "How to look",
    "How to mend it",
    "How to know it's over",
)
PAGES = sorted(path for path in RUNBOOKS.glob("*.md") if path.name != "README.md")


def owner(query: Query) -> str:
    return query.owner


def title(panel: tuple[str, Json]) -> str:
    return panel[0]


@pytest.mark.parametrize("query", queries(), ids=owner)
def test_it_asks_for_metrics_and_labels_that_exist(query: Query) -> None:
    known = exposed()
    for asked in selected(query.parsed):
        assert asked.metric in known, f"no process tells {asked.metric}"
        assert asked.labels <= known[asked.metric], asked


@pytest.mark.parametrize("query", queries(), ids=owner)
def test_what_only_counts_up_is_never_read_as_what_waits(query: Query) -> None:
    for asked in selected(query.parsed):
        if asked.metric.endswith(("_total", "_bucket", "_sum", "_count")):
            is_gauge = asked.metric in ("pg_locks_count", "pg_stat_activity_count")
            assert asked.over_time or is_gauge, asked.metric


def matching(alert: str) -> set[str]:
    """Return the broker's queues, all that processes declare, of which it tells."""
    [rule] = [rule for rule in alerts() if rule["alert"] == alert]
    [(operator, pattern)] = re.findall(r'queue(=~|!~)"([^"]+)"', rule["expr"])
    return {
        queue.name
        for queue in queues_of(SUBSCRIPTIONS)
        if bool(re.fullmatch(pattern, queue.name)) == (operator == "=~")
    }


def test_alerts_about_queues_speak_of_all_that_lie_dead_or_wait() -> None:
    assert matching("DeadLetters") == {dead_queue(name) for name in SUBSCRIPTIONS}
    assert matching("QueueLong") == set(SUBSCRIPTIONS)


def test_the_reading_of_expressions_sees_what_is_wrong() -> None:
    wrong = Query("x", 'sum by (colour) (rate(up{shape="round"}[5m])) / missing')
    found = {asked.metric: asked.labels for asked in selected(wrong.parsed)}
    assert found == {"up": {"colour", "shape"}, "missing": frozenset()}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_says_who_acts_and_how(rule: Json) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    [page] = RUNBOOK.findall(rule["annotations"]["runbook"])
    assert (RUNBOOKS / f"{page}.md").exists()


def test_alerts_have_names_of_their_own() -> None:
    assert max(Counter(rule["alert"] for rule in alerts()).values()) == 1


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_speaks_only_of_labels_that_its_result_has(rule: Json) -> None:
    spoken = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    assert spoken <= labels_of(Query("", rule["expr"]).parsed, exposed())


@pytest.mark.parametrize("panel", panels(), ids=title)
def test_a_panel_says_what_it_shows_and_where_to_read_on(
    panel: tuple[str, Json],
) -> None:
    about = panel[1]["description"]
    [page] = RUNBOOK.findall(about)
    assert (RUNBOOKS / f"{page}.md").exists()
    assert about.partition("\n")[0].endswith(".")
    assert panel[1]["targets"]


@pytest.mark.parametrize("panel", panels(), ids=title)
def test_a_panels_legend_tells_its_series_apart(panel: tuple[str, Json]) -> None:
    for target in panel[1]["targets"]:
        named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        labels = labels_of(Query("", target["expr"]).parsed, exposed())
        assert named <= labels
        # What isn't grouped has more labels than anybody wants to read.
        assert "instance" in labels or named == labels


@pytest.mark.parametrize(
    ("expression", "labels"),
    [
        ("sum by (process) (up)", {"process"}),
        ("sum by (colour) (up)", set[str]()),
        ("sum without (instance) (up) > 0", {"job", "process"}),
        ("topk(3, max by (job) (up))", {"job"}),
        ("time() - max by (job) (up)", {"job"}),
        ('max by (job) (up) or absent(up{job="a", process="b"})', {"job"}),
        ('label_replace(max(up), "class", "$1", "job", "(.*)")', {"class"}),
        (
            "histogram_quantile(0.9, event_lag_seconds_bucket)",
            {"consumer", "process", "job", "instance"},
        ),
    ],
)
def test_what_labels_a_result_has(expression: str, labels: set[str]) -> None:
    assert labels_of(Query("", expression).parsed, exposed()) == labels


def test_dashboards_have_names_and_panels_of_their_own() -> None:
    assert len(DASHBOARDS) == 6
    titles = Counter(name for name, _ in panels())
    assert max(titles.values()) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_runbook_answers_the_five_questions(page: object) -> None:
    text = RUNBOOKS.joinpath(str(page)).read_text(encoding="utf-8")
    assert tuple(re.findall(r"^## (.+)$", text, re.MULTILINE)) == HEADINGS


def test_every_runbook_is_referred_to() -> None:
    told = " ".join(rule["annotations"]["runbook"] for rule in alerts())
    told += " ".join(panel["description"] for _, panel in panels())
    assert {path.stem for path in PAGES} == set(RUNBOOK.findall(told))
    listed = (RUNBOOKS / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in PAGES} <= set(
        re.findall(r"\(([a-z-]+\.md)\)", listed)
    )


@pytest.mark.parametrize("page", [*PAGES, RUNBOOKS / "README.md"], ids=str)
def test_a_runbooks_links_lead_somewhere(page: object) -> None:
    path = RUNBOOKS / str(page)
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
        assert (path.parent / link).exists(), link


def test_everything_that_is_measured_is_described() -> None:
    described = (ROOT / "docs/observability.md").read_text(encoding="utf-8")
    ours = {
        re.sub(r"_(bucket|sum|count)$", "", name)
        for name in exposed()
        if name not in OF_SERVERS and not name.startswith(("process_", "python_"))
    }
    assert {name for name in ours - {"up"} if f"`{name}`" not in described} == set()


def test_prometheus_reads_the_rules_that_there_are() -> None:
    assert "alerts/*.yml" in (FOLDER / "prometheus.yml").read_text(encoding="utf-8")
