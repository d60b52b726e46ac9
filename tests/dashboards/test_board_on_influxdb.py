"""Every query of the board runs on a real InfluxDB and finds what was written there."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from dashboards.render import render_boards
from grafana.interpolation import interpolate
from grafana.samples import FAMILIES, site
from ioc.domain.family import Metric, MetricType
from ioc.domain.ledger import TERMS
from servers.influxdb import InfluxDB

MIN = 60_000
VARIABLES = {"unit": ".*", **{f"{family.family}_device": "(d1|d2)" for family in FAMILIES}}


def points(now: int) -> Iterator[str]:
    """Ten minutes of two devices in each family, two units, alarms, availability and the ledger, as line protocol."""
    for at in range(now - 10 * MIN, now, MIN):
        for family in FAMILIES:
            fields = ",".join(f"{metric.name}={_value(metric, at // MIN)}" for metric in family.metrics)
            for device in ("d1", "d2"):
                yield f"{family.family},device={device} {fields},lag_ms=5i {at}"
            for unit in ("u1", "u2"):
                counts = "devices=10i,online=9i,working=8i,unknown=0i,critical=1i,major=0i,minor=2i"
                yield f"unit_status,family={family.family},unit={unit} {counts} {at}"
            terms = dict.fromkeys(TERMS, 0) | {"received": 100, "stored": 97, "quarantined": 3}
            yield f"ledger,family={family.family},collector=ioc-1 {','.join(f'{name}={n}i' for name, n in terms.items())} {at}"
    yield f'availability,device=d1,unit=u1 online=0i,state="offline",cause="silence" {now - MIN}'
    yield f'availability,device=d2,unit=u1 online=0i,state="offline",cause="silence" {now - 2 * MIN}'
    yield f'availability,device=d2,unit=u1 online=1i,state="online",cause="arrival" {now - MIN}'
    steps = (("d1", "raised", 5), ("d1", "acknowledged", 4), ("d2", "raised", 5), ("d2", "cleared", 3))
    for device, step, minutes in steps:
        yield f'alarm,device={device},unit=u1,rule=r,severity=major id="a",transition="{step}",acked=0i,by="sample" {now - minutes * MIN}'
    yield f'alarm,rule=ioc_blind,severity=critical id="b",transition="raised",acked=0i,by="tick" {now - 3 * MIN}'


def _value(metric: Metric, n: int) -> str:
    if metric.type is MetricType.ENUM:
        return f'"{metric.values[0]}"'
    if metric.type is MetricType.STRING:
        return '"text"'
    if metric.type is MetricType.BOOL:
        return "1i"
    return f"{n}i" if metric.type is MetricType.INT else f"{n}.5"


def every_query() -> dict[str, str]:
    """Title of the panel and ref of the target → query; variables too."""
    (board,) = render_boards(site()).values()
    found = {}
    for panel in board["panels"]:
        for one in (panel, *(panel.get("panels") or [])):
            found.update({f"{one['title']}/{one['id']}/{target['refId']}": target["query"] for target in one.get("targets", [])})
    return found | {f"variable {one['name']}": one["query"] for one in board["templating"]["list"]}


@pytest.mark.real("influxdb")
def test_every_query_of_the_board_finds_its_points(influxdb: InfluxDB) -> None:
    """No error, and rows for each; the lists of open alarms and offline devices hold what is open and offline."""
    bucket, now = influxdb.new_bucket(), time.time_ns() // 1_000_000
    influxdb.write(bucket, "\n".join(points(now)))

    def rows(query: str) -> list[dict[str, Any]]:
        return influxdb.influxql(bucket, interpolate(query, since=now - 60 * MIN, until=now, variables=VARIABLES))

    answers = {title: rows(query) for title, query in every_query().items()}
    assert [title for title, found in answers.items() if not found] == []
    by_title = {title.partition("/")[0]: found for title, found in answers.items()}
    assert {(row["rule"], row["device"] or "") for row in by_title["Cảnh báo kỹ thuật đang mở (30 ngày)"]} == {
        ("r", "d1"),
        ("ioc_blind", ""),
    }
    assert [row["device"] for row in by_title["Thiết bị mất kết nối"]] == ["d1"]
    assert {row["unit"]: row["working"] for row in by_title["Theo đơn vị"]} == {"u1": 8 * len(FAMILIES), "u2": 8 * len(FAMILIES)}
    assert list(by_title["Chênh lệch sổ cái"][0].values())[1:] == [0]
    assert {row["value"] for row in by_title["variable speaker_device"]} == {"d1", "d2"}


@pytest.mark.real("influxdb")
def test_devices_of_a_unit_are_found_as_the_contract_says(influxdb: InfluxDB) -> None:
    """By the tag values of `availability`."""
    bucket, now = influxdb.new_bucket(), time.time_ns() // 1_000_000
    influxdb.write(bucket, "\n".join(points(now)))
    found = influxdb.influxql(bucket, "SHOW TAG VALUES FROM availability WITH KEY = device WHERE unit = 'u1'")
    assert [row["value"] for row in found] == ["d1", "d2"]
