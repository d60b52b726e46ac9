"""`ioc duty` and what `ioc check` says about the roster."""

import json
from pathlib import Path

import pytest

from cli.conftest import Command

NOTIFY = """\
channels: {out: {kind: file, path: ./out.jsonl}}
people:
  an: {name: Nguyễn Văn An, channels: out}
  binh: {channels: out}
teams:
  truc-ca:
    name: Tổ trực ca
    members: [an, binh]
    rotation: {start: "2026-01-05", hand_over: "07:30"}
    overrides: [{from: "2026-03-05 00:00", to: "2026-03-05 07:30", people: []}]
units:
  u1: {teams: truc-ca}
routes: [{on_duty_of_unit: true}]
"""


@pytest.fixture
def manned(site: Path) -> Path:
    """Two wards with devices, of which one is somebody's."""
    (site / "units.csv").write_text("unit,code,valid_from,valid_to,name,type,parent\nu1,1,2025-07-01,,Một,,\nu2,2,2025-07-01,,Hai,,\n")
    (site / "devices.csv").write_text("device,family,unit\nd1,speaker,u1\nd2,speaker,u2\nd3,speaker,u2\n")
    (site / "notify.yaml").write_text(NOTIFY)
    registry = "registry: {units: units.csv, devices: devices.csv}\n"
    (site / "ioc.yaml").write_text(f'broker: {{url: "mqtt://127.0.0.1:1"}}\nnotify: {{file: notify.yaml}}\ndata_dir: .\n{registry}')
    return site


def test_duty_names_who_is_and_what_is_uncovered(manned: Path, ioc: Command) -> None:
    """At any time, for people and for programs."""
    assert ioc("units", "import", manned / "units.csv", "--yes").code == 0
    assert ioc("devices", "import", manned / "devices.csv", "--yes").code == 0
    said = ioc("duty", "--at", "2026-03-04T12:00")
    assert said.code == 1
    assert said.out.splitlines() == [
        "Tổ trực ca (truc-ca): Nguyễn Văn An (an) until 2026-03-05 00:00",
        "Nobody answers for u2: 2 devices.",
        "Nobody of truc-ca is on duty from 2026-03-05 00:00 to 2026-03-05 07:30; it answers for u1.",
    ]
    said = ioc("duty", "--at", "2026-03-05T08:00", "--team", "truc-ca", "--json")
    assert (said.code, json.loads(said.out)["teams"][0]["people"]) == (0, [{"person": "binh", "name": "binh"}])
    said = ioc("duty", "--team", "truc")
    assert (said.code, "there is no team `truc`; did you mean `truc-ca`?" in said.err) == (2, True)


def test_check_shows_units_that_nobody_answers_for_and_those_that_do_not_exist(manned: Path, ioc: Command) -> None:
    """They stop nobody from starting."""
    (manned / "notify.yaml").write_text(NOTIFY.replace("  u1: ", "  u11: "))
    said = ioc("check", "--no-connect")
    looks = [line for line in said.out.splitlines() if line.startswith("Look at")]
    assert said.code == 0
    assert "notify.yaml:12: units.u11: there is no unit `u11` in the registry; did you mean `u1`?" in looks[0]
    assert "notify.yaml:11: units: nobody answers for u1, which has 1 devices" in looks[1]
    assert "nobody answers for u2, which has 2 devices" in looks[2]
