"""Every dashboard is one that Grafana understands, and whose panels can be read."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import TypeAlias, Union

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.unit.observability.queries import DASHBOARDS, FOLDER, Json, panels

Tree: TypeAlias = Union[  # noqa: UP007 - a name in quotes takes no |
    dict[str, "Tree"], list["Tree"], str, int, float, bool, None
]

COLUMNS = 24
UNITS = {value for value in vars(units).values() if isinstance(value, str)}
PROVISIONING = FOLDER / "grafana/provisioning"

register_default_plugins()


def read(path: Path) -> Json:
    return json.loads(path.read_text(encoding="utf-8"))


def provisioned(kind: str) -> list[Json]:
    [path] = (PROVISIONING / kind).glob("*.yml")
    return yaml.safe_load(path.read_text(encoding="utf-8"))[
        "datasources" if kind == "datasources" else "providers"
    ]


SOURCES = {source["uid"]: source["type"] for source in provisioned("datasources")}
each_dashboard = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
each_panel = pytest.mark.parametrize(
    "panel",
    [panel for _, panel in panels()],
    ids=[name for name, _ in panels()],
)


def lost(given: Tree, kept: Tree, at: str = "") -> Iterator[str]:
    """Yield what is in the one and not, or otherwise, in the other."""
    match given, kept:
        case dict(), dict():
            for key, value in given.items():
                yield from lost(value, kept.get(key), f"{at}.{key}")
        case list(), list() if len(given) == len(kept):
            for place, (one, other) in enumerate(zip(given, kept, strict=True)):
                yield from lost(one, other, f"{at}[{place}]")
        case _:
            if given != kept:
                yield at


@each_dashboard
def test_grafanas_own_model_knows_all_that_is_in_it(path: Path) -> None:
    given = read(path)
    kept = json.loads(JSONEncoder().encode(Dashboard.from_json(given)))
    assert list(lost(given, kept)) == []


@pytest.mark.parametrize(
    ("place", "name"),
    [("options", "legnd"), ("fieldConfig", "default"), ("gridPos", "width")],
)
def test_the_model_sees_a_name_that_grafana_does_not_know(
    place: str, name: str
) -> None:
    given = read(DASHBOARDS[0])
    given["panels"][0][place][name] = {}
    kept = json.loads(JSONEncoder().encode(Dashboard.from_json(given)))
    assert list(lost(given, kept)) == [f".panels[0].{place}.{name}"]


@each_dashboard
def test_panels_fill_the_columns_and_cover_none_of_another(path: Path) -> None:
    places = [panel["gridPos"] for panel in read(path)["panels"]]
    for place in places:
        assert 0 <= place["x"] < place["x"] + place["w"] <= COLUMNS
        assert min(place["y"], place["w"] - 1, place["h"] - 1) >= 0
    assert [pair for pair in combinations(places, 2) if _overlap(*pair)] == []
    for row in {place["y"] for place in places}:
        widths = [place["w"] for place in places if place["y"] == row]
        assert sum(widths) == COLUMNS, f"the row at {row} has a hole"


def _overlap(one: Json, other: Json) -> bool:
    return all(
        one[start] < other[start] + other[size]
        and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )


@each_dashboard
def test_every_panel_has_an_id_of_its_own(path: Path) -> None:
    ids = Counter(panel["id"] for panel in read(path)["panels"])
    assert max(ids.values()) == 1


@each_panel
def test_a_panel_measures_in_units_that_grafana_knows(panel: Json) -> None:
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS


@each_panel
def test_a_panel_asks_a_source_that_is_provisioned(panel: Json) -> None:
    letters = [target["refId"] for target in panel["targets"]]
    assert len(set(letters)) == len(letters)
    for asked in (panel, *panel["targets"]):
        assert SOURCES[asked["datasource"]["uid"]] == asked["datasource"]["type"]


@each_panel
def test_thresholds_begin_at_the_bottom_and_rise(panel: Json) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    if "thresholds" not in defaults:
        assert panel["type"] != "stat"
        return
    [first, *others] = [step["value"] for step in defaults["thresholds"]["steps"]]
    assert first is None
    assert others == sorted(set(others))


@each_panel
def test_a_panel_with_several_lines_names_each(panel: Json) -> None:
    if panel["type"] == "timeseries":
        assert panel["options"]["legend"]["showLegend"] is True
    legends = Counter(target["legendFormat"] for target in panel["targets"])
    assert all(legends)
    assert max(legends.values()) == 1


def test_dashboards_are_where_grafana_is_told_to_look() -> None:
    [provider] = provisioned("dashboards")
    compose = yaml.safe_load((FOLDER.parents[1] / "docker-compose.yml").read_text())
    mounted = [
        volume.split(":")
        for volume in compose["services"]["grafana"]["volumes"]
        if "dashboards" in volume
    ]
    assert [parts[1] for parts in mounted] == [provider["options"]["path"]]
    assert [Path(parts[0]) for parts in mounted] == [
        Path("./deploy/observability/grafana/dashboards")
    ]
