"""`ioc families`: what is declared, what it makes of captured messages, and a proposal that reads them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.conftest import Command
from ioc.cli.captured import Captured
from ioc.cli.failure import Failure
from ioc.cli.learning import Learner
from ioc.cli.proposal import proposal_text
from ioc.cli.reading import read_samples
from ioc.config.document import parse_document
from ioc.config.validation import validate
from ioc.domain.dialect_check import dialect_faults
from ioc.domain.family import Family
from servers.wheel import ROOT

CASES = Path(__file__).parents[1] / "collectors" / "cases" / "speaker"
HEARTBEAT: dict[str, Any] = {"sn": "HB1", "id": 1, "t": 1_700_000_000, "st": 2, "vol": 70, "tmp": 41.5}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("Bật"),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=4),
    max_leaves=12,
)
TOPICS = st.one_of(st.sampled_from(["tx/g/HB1", "tx/h/HB1", "tx/g/HB2", "one"]), st.text(min_size=1, max_size=12))


@pytest.fixture
def samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A heartbeat on two groups, as `mosquitto_sub -v` writes it, in the folder where commands are given."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("IOC_CONFIG", raising=False)
    path = tmp_path / "samples.txt"
    path.write_text("".join(f"tx/{group}/HB1 {json.dumps(HEARTBEAT)}\n" for group in ("a", "b")))
    return path


def test_lists_families_with_their_dialects(ioc: Command, samples: Path) -> None:
    """With topics, format, and whether they are listened to."""
    assert samples.exists()
    listed = {row["family"]: row for row in json.loads(ioc("families", "list", "--json").out)["items"]}
    assert {"speaker", "factory_line", "network_site"} <= set(listed)
    assert {key: value for key, value in listed["speaker"]["dialects"][0].items() if key != "about"} == {
        "id": "group_heartbeat",
        "topic": "tx/{group}/{device}",
        "format": "json",
        "enabled": False,
    }
    assert "group_heartbeat (tx/{group}/{device})" in ioc("families", "list").out


def test_shows_what_a_dialect_makes_of_each_message(ioc: Command, samples: Path) -> None:
    """Device, time, values with units, what repeats; 0 when all fits."""
    said = ioc("families", "check", "group_heartbeat", samples)
    assert said.code == 0, said.err
    assert f"ok     {samples}:1: tx/a/HB1 → speaker HB1, 2023-11-14T22:13:20.000Z, stored" in said.out
    assert "volume = 70%" in said.out
    assert "board_temp_c = 41.5 °C" in said.out
    assert "tx/b/HB1 → speaker HB1, duplicate" in said.out
    assert "2 of 2 messages fit." in said.out


def test_ends_with_1_and_says_why_when_something_does_not_fit(ioc: Command, samples: Path) -> None:
    """A code that nobody declared, a key that nobody reads, a topic that is nobody's."""
    samples.write_text('tx/a/HB1 {"t": 1700000000, "st": 7, "vol": 1, "mic": 1}\nother/x {"vol": 1}\n')
    said = ioc("families", "check", "speaker", samples, "--json")
    report = json.loads(said.out)
    assert (said.code, report["ok"], report["messages"], report["fit"]) == (1, False, 2, 0)
    first, second = report["items"]
    assert [refusal["field"] for refusal in first["refusals"]] == ["state"]
    assert (first["unmapped"], first["values"]) == (["mic"], {"volume": 1})
    assert (second["family"], second["outcome"]) == ("unknown", "quarantined")


def test_finds_a_time_read_in_the_wrong_unit(ioc: Command, samples: Path) -> None:
    """Seconds for milliseconds: the message would be stored, but not where it belongs."""
    (samples.parent / "mine.yaml").write_text(
        "dialects_of: speaker\ndialects:\n  mine:\n    topic: tx/{g}/{device}\n    time: {path: t, unit: ms}\n    fields: {volume: vol}\n"
    )
    said = ioc("families", "check", "mine.yaml", samples)
    assert said.code == 1
    assert "refused ts: 1970-01-20T16:13:20.000Z can't be; check the unit of the time" in said.out


def test_names_file_and_line_of_a_mistake_in_the_dialect(ioc: Command, samples: Path) -> None:
    """Before any message is looked at."""
    (samples.parent / "mine.yaml").write_text(
        "dialects_of: speaker\ndialects:\n  mine:\n    topic: tx/{device}\n    fields: {volum: vol}\n"
    )
    said = ioc("families", "check", "mine.yaml", samples)
    assert said.code == 1
    assert "mine.yaml:5: dialects.mine.fields.volum: the family `speaker` has no metric `volum`; did you mean 'volume'?" in said.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the samples hold no message"),
        ("tx/a\n", "samples.txt:1: no `topic payload`"),
        ('\n{"topic": "a"}\n', "samples.txt:2: lacks `topic` or `payload`"),
        ("{a\n", "samples.txt:1: neither `topic payload` nor JSON"),
    ],
)
def test_names_the_line_that_is_no_message(ioc: Command, samples: Path, text: str, said: str) -> None:
    """And how to capture messages."""
    samples.write_text(text)
    ended = ioc("families", "check", "speaker", samples)
    assert ended.code == 1
    assert said in ended.err


def test_reads_every_kind_of_capture(ioc: Command, samples: Path) -> None:
    """`-F '%j'` with payload as text and arrival, JSON lines with payload as object, folders of cases."""
    lines = [
        {"tst": "2023-11-15T05:13:21.500000+0700", "topic": "tx/a/HB1", "qos": 1, "retain": 0, "payload": json.dumps(HEARTBEAT)},
        {"topic": "tx/a/HB2", "payload": HEARTBEAT},
    ]
    samples.write_text("\n".join(json.dumps(line) for line in lines))
    said = ioc("families", "check", "group_heartbeat", samples, CASES / "group_heartbeat" / "once_for_each_group")
    assert said.code == 0, said.out
    assert "4 of 4 messages fit." in said.out


def test_documentations_example_is_what_the_program_says(ioc: Command, samples: Path) -> None:
    """docs/dialects.md: its capture, its dialect, its output."""
    page = (ROOT / "docs" / "dialects.md").read_text()
    capture, dialect, said = re.findall(r"```(?:yaml)?\n(.*?)```", page, re.DOTALL)[:3]
    samples.write_text(capture)
    (samples.parent / "song_hong.yaml").write_text(dialect)
    shown = ioc("families", "check", "song_hong.yaml", "samples.txt")
    assert (shown.code, shown.out) == (0, said)


@pytest.mark.parametrize("dialect", sorted(path.name for path in CASES.iterdir()))
def test_what_is_learnt_from_messages_reads_them(ioc: Command, samples: Path, dialect: str) -> None:
    """The proposal loads through our loader and fits the samples that it was learnt from."""
    good = [
        case.parent
        for case in sorted((CASES / dialect).glob("*/expected.json"))
        if all(one["outcome"] != "quarantined" and not one.get("refusals") for one in json.loads(case.read_text()))
    ]
    learnt = ioc("families", "learn", *good, "--name", "learnt")
    assert learnt.code == 0, learnt.err
    proposal = samples.parent / "learnt.yaml"
    proposal.write_text(learnt.out)
    said = ioc("families", "check", proposal, *good)
    assert said.code == 0, said.out + said.err


def test_guesses_device_time_units_codes_and_what_tells_a_repetition(ioc: Command, samples: Path) -> None:
    """From names, ranges and what repeats; what was seen stands beside each metric."""
    rows = [
        (
            group,
            {**HEARTBEAT, "sn": sn, "id": n, "t": 1_700_000_000 + 60 * n, "mode": mode, "on": n % 2 == 0, "fw": "1.2", "log": ["x" * 200]},
        )
        for n, (group, sn, mode) in enumerate([("a", "HB1", "AUTO"), ("b", "HB2", "MAN"), ("a", "HB3", "AUTO")] * 3)
    ]
    samples.write_text("".join(f"tx/{group}/{row['sn']} {json.dumps(row)}\n" for group, row in rows))
    said = ioc("families", "learn", samples, "--name", "horn", "--json")
    proposal = json.loads(said.out)
    (dialect,) = proposal["dialects"].values()
    assert dialect["topic"] == "tx/{level2}/{device}"
    assert dialect["time"] == {"path": "t", "unit": "s"}
    assert dialect["duplicate"] == ["sn", "t", "id"]
    assert dialect["fields"]["mode"] == {"path": "mode", "values": {"AUTO": "auto", "MAN": "man"}}
    types = {name: (metric["type"], metric.get("unit")) for name, metric in proposal["metrics"].items()}
    assert types == {
        "st": ("int", None), "vol": ("int", "%"), "tmp": ("float", "°C"),
        "mode": ("enum", None), "on": ("bool", None), "fw": ("string", None),
    }  # fmt: skip
    assert "unmapped: log[0]" in said.err
    assert "9 of 9 messages fit." in said.err


def test_proposes_a_dialect_of_a_known_family(ioc: Command, samples: Path) -> None:
    """Metrics by name where type and range allow it; what is left is told with what was seen."""
    more = {"amp_temp": 50.5, "net": {"network": "4G", "rssi": -70}, "uptime": 5, "mains_v": 229.9, "volume": 200, "fw": "1.2"}
    samples.write_text(f"tx/a/HB1 {json.dumps({**HEARTBEAT, **more})}\n")
    learnt = ioc("families", "learn", samples, "--name", "acme", "--family", "speaker")
    assert "1 of 1 messages fit." in learnt.err
    assert "unmapped: st (int; seen: 2)" in learnt.err
    assert "unmapped: volume (int; seen: 200)" in learnt.err
    (samples.parent / "acme.yaml").write_text(learnt.out)
    said = ioc("families", "check", "acme.yaml", samples, "--json")
    assert said.code == 0, said.err
    (item,) = json.loads(said.out)["items"]
    assert item["values"] == {
        "volume": 70, "amp_temp_c": 50.5, "rssi_dbm": -70, "network": "4g", "uptime_s": 5, "mains_v": 229.9, "fw": "1.2",
    }  # fmt: skip
    assert "no family 'speker'; did you mean 'speaker'?" in ioc("families", "learn", samples, "--family", "speker").err


def test_device_in_the_payload_is_found_where_no_topic_tells_it(ioc: Command, samples: Path) -> None:
    """The weaker way, and the only one here."""
    samples.write_text("".join(f'box/all {{"serial": "D{n}", "v": 220.5}}\n' for n in range(3)))
    (dialect,) = json.loads(ioc("families", "learn", samples, "--json").out)["dialects"].values()
    assert (dialect["topic"], dialect["device"], dialect["fields"]) == (
        "box/all",
        "serial",
        {"v": "v"},
    )


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(st.lists(st.tuples(TOPICS, st.one_of(JSON.map(lambda one: json.dumps(one).encode()), st.binary(max_size=40))), max_size=8))
def test_any_capture_gives_a_file_that_loads_or_a_refusal(messages: list[tuple[str, bytes]]) -> None:
    """Whatever came, what is proposed is no mistake in the eyes of our loader, and trying it out ends well."""
    captured = [Captured(place="x", topic=topic, payload=payload) for topic, payload in messages]
    learner = Learner("learnt")
    for message in captured:
        learner.take(message)
    try:
        text = proposal_text(learner.proposal())
    except Failure:
        return
    family = validate(Family, parse_document(text, "proposal"))
    assert not [fault for dialect in family.dialects for fault in dialect_faults(family, dialect)]
    assert len(read_samples(captured, {"learnt": family}, {dialect.id for dialect in family.dialects}, topic_root="ioc/v1")) == len(
        captured
    )
