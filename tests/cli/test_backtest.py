"""`ioc rules backtest` and `ioc rules diff` on a site's own store."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ioc.adapters.embedded import EmbeddedStore
from proving.live import MINUTE, START, Live, devices
from ruling.stage import sample

Ioc = Callable[..., Any]
FROM, TO = "2026-03-05T23:10", "2026-03-06T00:10"
MAIN = """\
site: {id: phu-tho, language: en}
broker: {url: "mqtt://127.0.0.1:1"}
store: {kind: embedded, retention: 3650d}
notify: {file: ./notify.yaml}
"""
NOTIFY = """\
channels: {ops: {kind: file, path: ops.jsonl}}
routes: [{group_by: [rule, device], group_wait: 30s, channels: [ops]}]
"""
RULES = """\
rules:
  - id: too_warm
    family: speaker
    when: {kind: threshold, metric: amp_temp_c, above: LIMIT}
    for: FOR
    severity: minor
    summary: {vi: x, en: warm}
    action: {vi: x, en: look}
"""


async def live_hour() -> Live:
    """Three devices; one overheats, one tells late that it was faulty, one falls silent."""
    live = Live(devices("d1", "d2", "d3"))
    fine = {"state": "idle", "amp_temp_c": 40.0}
    await live.begin()
    await live.pass_time(10 * MINUTE, {"d1": fine, "d2": fine, "d3": fine})
    await live.pass_time(10 * MINUTE, {"d1": {"amp_temp_c": 95.0}, "d3": {}})
    for minute in range(10, 20):
        await live.tell(sample(START + minute * MINUTE, "d2", live=False, arrival=live.hand.now, state="fault"))
    await live.pass_time(40 * MINUTE, {"d1": fine, "d2": fine, "d3": {}})
    return live


async def store_all(folder: Path) -> None:
    live = await live_hour()
    store = EmbeddedStore(folder / "data" / "series.db", clock=lambda: live.hand.now)
    await store.prepare(0)
    assert await store.write(live.points) == []
    await store.close()


@pytest.fixture
def past(site: Path, ioc: Ioc) -> Path:
    """A site whose store holds the hour, and whose registry knows the devices."""
    (site / "ioc.yaml").write_text(MAIN)
    (site / "notify.yaml").write_text(NOTIFY)
    (site / "data").mkdir()
    (site / "devices.csv").write_text(
        "device,family,unit,name,lat,lon,labels,valid_from\n" + "".join(f"d{n},speaker,,,,,,\n" for n in (1, 2, 3))
    )
    assert ioc("devices", "import", "devices.csv", "--yes").code == 0
    asyncio.run(store_all(site))
    for name, limit, lasts in (("old", 60, "0s"), ("new", 60, "5m"), ("none", 99, "0s")):
        (site / f"{name}.yaml").write_text(RULES.replace("LIMIT", str(limit)).replace("FOR", lasts))
    return site


@pytest.mark.usefixtures("past")
def test_backtest_shows_alarms_messages_nights_and_what_was_found_later(ioc: Ioc) -> None:
    """As JSON; every number that people read is in it."""
    ended = ioc("rules", "backtest", "--from", FROM, "--to", TO, "--json")
    assert (ended.code, ended.err) == (0, "")
    found = json.loads(ended.out)
    rules = sorted((one["rule"], one["device"]) for one in found["alarms"])
    expected = [("speaker_amp_overheating", "d1"), ("speaker_amp_warm", "d1"), ("speaker_fault", "d2"), ("speaker_offline", "d2")]
    assert rules == [*expected, ("speaker_offline", "d3")]
    assert [(one["rule"], one["device"]) for one in found["found_later"]] == [("speaker_fault", "d2")]
    assert found["only_live"] == []
    assert found["nights"] == {"2026-03-05": {"ops": len(found["messages"])}}
    assert found["messages"][0]["text"].startswith("[")
    assert found["times_real_time"] > 1
    assert found["devices"] == 3


@pytest.mark.usefixtures("past")
def test_backtest_tells_people_the_same(ioc: Ioc) -> None:
    """Speed, sums by rule, messages by night and channel, what was found later."""
    lines = ioc("rules", "backtest", "--from", FROM, "--to", TO).out.splitlines()
    assert "× real time." in lines[0]
    assert "  speaker_fault: 1 alarms of 1 devices; found later 1, only live 0" in lines
    assert any(line.startswith("  night of 2026-03-05 (22–06): ops ") for line in lines)
    assert "Found later: live did not raise them (1):" in lines


@pytest.mark.usefixtures("past")
def test_backtest_of_other_rules_says_which_alarms_they_would_not_raise(ioc: Ioc) -> None:
    """`--rules` stands in place of the site's own; `--no-shipped` leaves the pack out."""
    ended = ioc("rules", "backtest", "--from", FROM, "--to", TO, "--rules", "none.yaml", "--no-shipped", "--json")
    found = json.loads(ended.out)
    assert (found["alarms"], found["messages"]) == ([], [])
    assert {one["rule"] for one in found["only_live"]} == {"speaker_amp_overheating", "speaker_amp_warm", "speaker_offline"}


@pytest.mark.usefixtures("past")
def test_diff_of_two_rule_sets_says_what_comes_later_and_what_is_gone(ioc: Ioc) -> None:
    """And how many messages a night that means."""
    ended = ioc("rules", "diff", "old.yaml", "new.yaml", "--no-shipped", "--from", FROM, "--to", TO, "--json")
    later = json.loads(ended.out)
    assert ([one["device"] for one in later["later"]], later["new"], later["gone"]) == (["d1"], [], [])
    gone = ioc("rules", "diff", "old.yaml", "none.yaml", "--no-shipped", "--from", FROM, "--to", TO).out.splitlines()
    assert "Messages a night (22–06): -2.0." in gone
    assert "Gone (1):" in gone


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["backtest", "--from", "noon"], 2, "'noon' is not a time"),
        (["backtest", "--from", TO, "--to", FROM], 2, "--from lies after --to"),
        (["backtest", "--from", FROM, "--step", "10m"], 2, "--step lies between 1s and 60s"),
        (["backtest", "--from", FROM, "--step", "soon"], 2, "'soon' is not a duration"),
        (["backtest", "--from", FROM, "--rules", "no.yaml"], 1, "no.yaml: does not exist"),
        (["diff", "old.yaml", "bad.yaml", "--from", FROM], 1, "bad.yaml:2: rules[0]: "),
    ],
)
def test_what_cannot_be_run_is_said(ioc: Ioc, past: Path, args: list[str], code: int, said: str) -> None:
    """Never a traceback."""
    (past / "bad.yaml").write_text("rules:\n  - 7\n")
    ended = ioc("rules", *args)
    assert ended.code == code
    assert said in ended.err


def test_site_without_a_store_is_told_so(ioc: Ioc, site: Path) -> None:
    """A server makes it."""
    (site / "ioc.yaml").write_text(MAIN)
    (site / "notify.yaml").write_text(NOTIFY)
    (site / "data").mkdir()
    ended = ioc("rules", "backtest", "--from", FROM, "--to", TO)
    assert ended.code == 1
    assert "there is no store" in ended.err
