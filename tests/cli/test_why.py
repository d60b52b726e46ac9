"""`ioc why`: what is on record about an alarm, or about a person at a time, on the files of a site."""

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from cli.conftest import Command
from ioc.adapters.state.store import StateDb
from ioc.domain.alarm import Alarm, Attempt, Decisions, OutboxMessage, Severity, Step, Transition, Unsent

AT = 1_763_860_385_000
"""2025-11-23 08:13:05 in Phú Thọ."""
TEXTS = {"vi": "cụm loa không lên tiếng", "en": "loudspeaker silent"}


def alarm(name: str, device: str, since: int = AT, cleared: int | None = None) -> Alarm:
    """A major one of a loudspeaker."""
    return Alarm(
        id=name, rule="silent", severity=Severity.MAJOR, family="speaker", device=device, unit="u1", since=since, cleared_at=cleared,
        summary=TEXTS,
    )  # fmt: skip


def raised(seq: int, one: Alarm) -> Transition:
    """Its first journal entry."""
    return Transition(
        seq=seq, alarm=one.id, rule=one.rule, severity=one.severity, device=one.device, unit=one.unit, step=Step.RAISED, at=one.since,
        recorded=one.since + 900, by="sample", detail="audio_dbfs=-80",
    )  # fmt: skip


def message(key: str, channel: str, *alarms: str, at: int = AT + 30_000) -> OutboxMessage:
    """One that names alarms."""
    return OutboxMessage(
        key=key, channel=channel, event="raised", at=at, body=msgspec.json.encode({"alarms": [{"id": one} for one in alarms]})
    )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """An's SMS was told of `a`; `b` belongs to an incident, `c` went to somebody else, `d` to nobody yet, `e` is an hour old."""
    (tmp_path / "notify.yaml").write_text(
        "channels:\n"
        "  sms: {kind: file, path: ./a.jsonl, person: An}\n"
        "  mail: {kind: file, path: ./b.jsonl, person: Bình}\n"
        "routes: [{channels: [sms]}]\n"
    )
    (tmp_path / "ioc.yaml").write_text("broker: {url: mqtt://localhost}\nsite: {language: en}\nnotify: {file: notify.yaml}\ndata_dir: .\n")
    ones = [alarm("a", "d1"), alarm("b", "d2"), alarm("c", "d3"), alarm("d", "d4"), alarm("e", "d5", AT - 3_600_000, AT - 3_500_000)]

    async def fill() -> None:
        async with await StateDb.open(tmp_path / "state.db") as state:
            await state.take_epoch()
            await state.commit(
                Decisions(
                    alarms=tuple(ones),
                    transitions=tuple(raised(n, one) for n, one in enumerate(ones, 1)),
                    outbox=(message("k1", "sms", "a"), message("k2", "mail", "c")),
                    unsent=(Unsent(alarm="b", at=AT + 1_000, reason="incident", by="i7"),),
                )
            )
            await state.record_attempt(Attempt(key="k1", channel="sms", at=AT + 31_000, ok=False, detail="503"), done=False)
            await state.record_attempt(Attempt(key="k1", channel="sms", at=AT + 33_000, ok=True, detail="accepted"), done=True)

    asyncio.run(fill())
    return tmp_path


def told(ioc: Command, site: Path, *words: str) -> list[str]:
    """The sentences without their times."""
    said = ioc("why", *words, "--json", "--config", site / "ioc.yaml")
    assert said.code == 0, said.err
    return [item["text"] for item in json.loads(said.out)["items"]]


def test_alarm_is_told_from_its_condition_to_the_receipt(ioc: Command, site: Path) -> None:
    """What was seen, by which rule, and how the message fared; in the order of time, with the site's hours."""
    assert told(ioc, site, "a") == [
        "d1: loudspeaker silent. We knew at 08:13:05; rule silent: audio_dbfs=-80.",
        "Message (raised) to An (sms) delivered at 08:13:38, attempt 2: accepted.",
    ]
    shown = ioc("why", "a", "--config", site / "ioc.yaml").out.splitlines()
    assert [line[:19] for line in shown] == ["2025-11-23 08:13:05", "2025-11-23 08:13:35"]


def test_alarm_that_caused_no_message_says_what_held_it_back(ioc: Command, site: Path) -> None:
    """An incident tells of one; another waits."""
    assert told(ioc, site, "b")[1] == "Its own messages held back: mass outage i7 tells of it."
    assert told(ioc, site, "d")[1].startswith("No message names this technical alarm yet")


def test_person_is_told_why_and_why_not(ioc: Command, site: Path) -> None:
    """Each alarm that stood then is explained once; what was over before is left out."""
    sentences = told(ioc, site, "--person", "An", "--at", "2025-11-23T08:13:00")
    assert sum(line.startswith("An was called: Message (raised) to An (sms) delivered") for line in sentences) == 1
    not_called = {line.split(",")[0].rpartition(" ")[2]: line for line in sentences if "was not called about" in line}
    assert set(not_called) == {"d2", "d3", "d4"}
    assert "mass outage i7 tells of it" in not_called["d2"]
    assert "the messages went to Bình (mail); its route names no channel of An" in not_called["d3"]
    assert "No message names this technical alarm yet" in not_called["d4"]
    late = told(ioc, site, "--person", "An", "--at", "2025-11-23T08:12:00", "--minutes", "1")
    assert late == ["From 08:11:00 to 08:13:00 there was no technical alarm."]
    assert told(ioc, site, "--person", "Chi", "--at", "2025-11-23T08:13:00") == [
        "Chi has no channel; channels and people: mail (Bình), sms (An)."
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "name an alarm, or a person with a time"),
        (["a", "--person", "An"], 2, "name an alarm, or a person with a time"),
        (["--person", "An"], 2, "name an alarm, or a person with a time"),
        (["--person", "An", "--at", "soon"], 2, "is not a time"),
        (["nothing"], 1, "there is no alarm 'nothing'"),
    ],
)
def test_question_that_can_not_be_answered_is_refused(ioc: Command, site: Path, words: list[str], code: int, said: str) -> None:
    """With what to ask instead."""
    answer = ioc("why", *words, "--config", site / "ioc.yaml")
    assert answer.code == code
    assert said in answer.err


def test_alarm_load_is_reported_against_the_standards(ioc: Command, site: Path) -> None:
    """Five alarms in two hours are fine; three of one device within a minute are not, which 1 says."""
    words = ("load", "--from", "2025-11-23T07:00:00", "--to", "2025-11-23T09:00:00", "--config", site / "ioc.yaml")
    said = ioc(*words, "--json")
    report = json.loads(said.out)
    assert (report["raised"], report["by_severity"]["major"], report["floods"]) == (5, 5, [])
    assert all(one["holds"] for one in report["findings"])
    assert said.code == 0
    assert "5 alarms, 0 acknowledged." in ioc(*words).out

    async def chatter() -> None:
        async with await StateDb.open(site / "state.db") as state:
            await state.take_epoch()
            await state.commit(Decisions(transitions=tuple(raised(n, alarm(f"x{n}", "d9", AT + n)) for n in range(10, 13))))

    asyncio.run(chatter())
    noisy = ioc(*words)
    assert noisy.code == 1
    assert "chattering_alarms" in noisy.out
    assert ioc("load", "--from", "2025-11-23T09:00:00", "--to", "2025-11-23T07:00:00", "--config", site / "ioc.yaml").code == 2
