"""The rendered board: derived from the families, and nothing on it that Grafana would show as broken."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.catalogue import catalogue
from dashboards.check import check_board, query_faults
from dashboards.grid import COLUMNS, Grid
from dashboards.influxql import names_in
from dashboards.render import board_text, render_boards
from dashboards.site import Site
from grafana.samples import FAMILIES, UNITS, site
from ioc.domain.family import Family

FOURTH = Family.model_validate(
    {
        "family": "water_gauge",
        "labels": {"vi": "Trạm đo nước", "en": "Water gauge"},
        "cadence": "5m",
        "metrics": {
            "level_m": {"type": "float", "unit": "m", "labels": {"vi": "Mực nước", "en": "Water level"}},
            "gate_open": {"type": "bool", "labels": {"vi": "Cửa mở", "en": "Gate open"}},
            "flow_m3": {"type": "int", "unit": "m³", "min": 0, "cumulative": True, "labels": {"vi": "Lưu lượng", "en": "Flow"}},
            "maker": {"type": "string", "labels": {"vi": "Hãng", "en": "Maker"}},
        },
    }
)


def board(of: Site) -> dict[str, Any]:
    """The only board of a site."""
    (only,) = render_boards(of).values()
    return only


def panels(of: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every panel by title, folded ones too; of equal titles the last."""
    found = {}
    for panel in of["panels"]:
        found[panel["title"]] = panel
        found.update({folded["title"]: folded for folded in panel.get("panels") or []})
    return found


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("units", [(), UNITS])
def test_board_has_nothing_that_grafana_would_show_as_broken(language: str, units: tuple[Any, ...]) -> None:
    """Types, grid, data source, and every name in every query."""
    here = site(language=language, units=units)
    wrong = check_board(board(here), measurements=catalogue(here.families), datasources={here.datasource_uid})
    assert wrong == []


def test_board_is_the_same_for_the_same_site() -> None:
    """Byte for byte, so that a plan finds nothing to do."""
    assert board_text(board(site())) == board_text(board(site()))


def test_every_metric_stands_on_the_board_under_its_own_name() -> None:
    """A panel for each number and state, and a column of the table for each, in the site's language."""
    everything = board_text(board(site()))
    found = panels(board(site()))
    for metric in (metric for family in FAMILIES for metric in family.metrics):
        assert f'"value": "{metric.labels.vi}"' in everything
        if metric.type != "string":
            assert any(title.startswith(metric.labels.vi) for title in found)


def test_new_family_appears_without_code() -> None:
    """A line with unit for a number, a band for a bool, the increase of a counter, a text in the table, a choice of devices."""
    drawn = board(site(families=(*FAMILIES, FOURTH)))
    found = panels(drawn)
    assert "Trạm đo nước" in found
    assert found["Mực nước"]["fieldConfig"]["defaults"]["unit"] == "suffix: m"
    assert found["Mực nước"]["interval"] == "300s"
    assert found["Cửa mở"]["type"] == "state-timeline"
    assert "non_negative_difference" in found["Lưu lượng (tăng thêm)"]["targets"][0]["query"]
    assert '"maker"' in found["Giá trị gần nhất"]["targets"][0]["query"]
    assert "water_gauge_device" in [variable["name"] for variable in drawn["templating"]["list"]]


def test_enum_values_carry_their_labels() -> None:
    """People read `Đang phát`, not `playing`."""
    mapping = panels(board(site()))["Nguồn phát"]["fieldConfig"]["defaults"]["mappings"][0]
    assert mapping["options"]["relay"]["text"] == "Tiếp sóng"


def test_metric_units_become_grafanas() -> None:
    """Known units by Grafana's own id, others as text behind the number."""
    found = panels(board(site()))
    assert found["Âm lượng"]["fieldConfig"]["defaults"]["unit"] == "percent"
    assert found["Mức âm thanh ra"]["fieldConfig"]["defaults"]["unit"] == "suffix: dBFS"


def test_units_are_chosen_by_name_where_the_registry_gives_them() -> None:
    """A comma or a colon in a name splits no choice."""
    variable = board(site(units=UNITS))["templating"]["list"][0]
    assert variable["type"] == "custom"
    assert variable["query"] == "Phường Việt Trì : u1, Xã A\\, B: C : u2"
    assert variable["allValue"] == ".*"


def test_panel_ids_stay_when_a_family_joins() -> None:
    """Links to a panel survive."""
    before, after = panels(board(site())), panels(board(site(families=(FOURTH, *FAMILIES))))
    assert {title: before[title]["id"] for title in ("Âm lượng", "Theo đơn vị")} == {
        title: after[title]["id"] for title in ("Âm lượng", "Theo đơn vị")
    }


def test_board_holds_nothing_that_grafana_11_does_not_know() -> None:
    """The typed models write defaults of later versions."""
    drawn = board(site())
    options = [panel.get("options", {}) for panel in panels(drawn).values()]
    later = {"allowCustomValue", "auto_min", "perPage", "percentChangeColorMode"}
    assert not [keys for keys in (*drawn["templating"]["list"], *options) if later & keys.keys()]
    assert drawn["schemaVersion"] == 39


def test_board_speaks_of_technical_alarms() -> None:
    """A bare `cảnh báo` would be a disaster warning."""
    text = board_text(board(site())).lower()
    assert text.count("cảnh báo") == text.count("cảnh báo kỹ thuật")


def _spoil(of: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy with its second panel changed."""
    copy = json.loads(json.dumps(of))
    copy["panels"][1].update(changes)
    return copy


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"type": "speedometer"}, "no panel type 'speedometer'"),
        ({"gridPos": {"x": 20, "y": 1, "w": 8, "h": 4}}, "does not fit the grid of 24 columns"),
        ({"gridPos": {"x": 0, "y": 0, "w": 3, "h": 4}}, "overlap"),
        ({"datasource": {"type": "influxdb", "uid": "other"}}, "no data source 'other'"),
        ({"targets": [{"query": 'SELECT mean("volum") FROM "speaker"'}]}, "'volum', which is neither a metric nor a tag of speaker"),
        ({"targets": [{"query": 'SELECT mean("volume") FROM "speakers"'}]}, "measurement 'speakers'"),
    ],
)
def test_check_finds_what_grafana_accepts(changes: dict[str, Any], words: str) -> None:
    """The server takes all of these with 200."""
    here = site()
    wrong = check_board(_spoil(board(here), **changes), measurements=catalogue(FAMILIES), datasources={here.datasource_uid})
    assert any(words in sentence for sentence in wrong)


def test_check_finds_a_board_without_title() -> None:
    """Grafana would answer 400."""
    here = site()
    untitled = {**board(here), "title": " "}
    assert "the board has no title" in check_board(untitled, measurements=catalogue(FAMILIES), datasources={here.datasource_uid})


def test_aliases_and_texts_are_no_names() -> None:
    """Only what is quoted as a name, and not defined by the query, has to be declared."""
    inner = 'SELECT last("volume") AS "x" FROM "speaker" WHERE "device" =~ /^"y"$/ AND "fw" = \'a "z"\''
    query = f'SELECT sum("x") FROM ({inner})'  # noqa: S608  goes to no server
    assert names_in(query).columns == {"volume", "device", "fw"}
    assert query_faults(query, catalogue(FAMILIES)) == []


@given(st.lists(st.tuples(st.integers(1, COLUMNS), st.integers(1, 12)), max_size=30))
def test_grid_never_overlaps(sizes: list[tuple[int, int]]) -> None:
    """Whatever is placed in whatever order."""
    grid = Grid()
    taken: set[tuple[int, int]] = set()
    for width, height in sizes:
        place = grid.place(width, height)
        cells = {(place.x + i, place.y + j) for i in range(place.w) for j in range(place.h)}
        assert place.x + place.w <= COLUMNS
        assert not cells & taken
        taken |= cells


def test_no_query_lets_a_device_name_in() -> None:
    """Only variables and declared names: nothing that a device sends becomes part of a query."""
    for panel in panels(board(site())).values():
        for target in panel.get("targets", []):
            assert re.fullmatch(r"[\w\s\"'()=~/^${}.:,!*<>+-]*", target["query"]), target["query"]


def test_families_of_the_test_are_the_shipped_ones() -> None:
    """So that the board is checked with what sites get."""
    shipped = {path.stem for path in (Path(__file__).parents[2] / "collectors" / "families").glob("*.yaml")}
    assert {family.family for family in FAMILIES} == shipped
