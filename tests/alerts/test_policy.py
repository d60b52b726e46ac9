"""Which routes take an alarm, which group it joins, and what a notify file may say."""

from typing import Any

import pytest
from pydantic import ValidationError

from alerts.grouping import Reason
from alerts.notify_file import NotifyFile
from alerts.policy import Policy
from ioc.domain.alarm import Alarm, Severity
from notifying.stage import Stage, notify_file


def alarm(**values: Any) -> Alarm:
    """A major alarm of a loudspeaker."""
    usual = {"id": "1", "rule": "r1", "severity": Severity.MAJOR, "family": "speaker", "device": "d1", "unit": "u1", "since": 0}
    return Alarm(**{**usual, **values})


@pytest.mark.parametrize(
    ("match", "takes"),
    [
        ({}, True),
        ({"severity": "major"}, True),
        ({"severity": ["critical", "minor"]}, False),
        ({"rule": ["r1", "r2"], "unit": "u1"}, True),
        ({"rule": "r1", "unit": "u2"}, False),
        ({"family": "factory_line"}, False),
        ({"device": "d1"}, True),
        ({"label": "team=ky_thuat"}, True),
        ({"label": ["team=a", "team=ky_thuat"]}, True),
        ({"label": ["team=ky_thuat", "carrier=viettel"]}, False),
        ({"label": {"team": ["a", "ky_thuat"]}}, True),
        ({"label": {"team": "a"}}, False),
    ],
)
def test_route_takes_alarm_when_every_key_holds(match: dict[str, Any], takes: bool) -> None:  # noqa: FBT001
    """One key with several values holds for any of them; several keys must all hold."""
    policy = Policy(notify_file({"match": match}).routes)
    assert bool(policy.plans_for(alarm(labels={"team": "ky_thuat"}))) is takes


def test_first_matching_route_takes_the_alarm_unless_it_continues() -> None:
    """`continue` lets further routes have it too."""
    routes = notify_file(
        {"match": {"severity": "critical"}},
        {"match": {"severity": "major"}, "continue": "true"},
        {"match": {"family": "speaker"}},
        {},
    ).routes
    policy = Policy(routes)
    assert [policy.plans.index(plan) for plan in policy.plans_for(alarm())] == [1, 2]
    assert [policy.plans.index(plan) for plan in policy.plans_for(alarm(severity=Severity.CRITICAL))] == [0]


def test_own_alarms_match_by_rule_and_severity() -> None:
    """An alarm about ourselves has no device, unit or family, and routes take it all the same."""
    policy = Policy(notify_file({"match": {"rule": "ioc_blind"}, "group_by": ["rule", "unit", "device"]}).routes)
    own = alarm(rule="ioc_blind", severity=Severity.CRITICAL, device=None, unit=None, family=None)
    assert len(policy.plans_for(own)) == 1


@pytest.mark.parametrize(
    ("group_by", "other", "same"),
    [
        (["rule", "unit"], {"device": "d2"}, True),
        (["rule", "unit"], {"unit": "u2"}, False),
        (["severity"], {"severity": Severity.MINOR}, False),
        (["carrier"], {"labels": {"carrier": "vnpt"}}, False),
        (["label:carrier"], {"labels": {"carrier": "viettel"}}, True),
        ([], {"rule": "r2", "unit": "u2"}, True),
    ],
)
def test_alarms_join_one_group_when_the_grouped_values_agree(group_by: list[str], other: dict[str, Any], same: bool) -> None:  # noqa: FBT001
    """Groups follow from attributes and label keys."""
    plan = Policy(notify_file({"group_by": group_by}).routes).plans[0]
    first = alarm(labels={"carrier": "viettel"})
    second = alarm(**{"id": "2", "labels": {"carrier": "viettel"}, **other})
    assert (plan.group_of(first) == plan.group_of(second)) is same


def test_values_cannot_run_into_each_other() -> None:
    """A separator inside a value makes no two groups alike."""
    plan = Policy(notify_file({"group_by": ["unit", "device"]}).routes).plans[0]
    assert plan.group_of(alarm(unit="a,b", device="c")) != plan.group_of(alarm(unit="a", device="b,c"))


def test_equal_routes_keep_groups_of_their_own() -> None:
    """The same match for two channels is two routes."""
    policy = Policy(notify_file({"continue": "true"}, {}).routes)
    assert len({plan.group_of(alarm()) for plan in policy.plans}) == 2


def test_unmatched_alarm_is_counted_and_named() -> None:
    """No default route is invented."""
    stage = Stage({"match": {"severity": "critical"}, "group_wait": "0s"})
    stage.raise_("a")
    assert stage.outbox == []
    assert [(one.rule, one.reason) for one in stage.notices[-1].untold] == [("speaker_offline", Reason.UNMATCHED)]
    assert stage.notifier.untold_counts[Reason.UNMATCHED] == 1


def test_usual_file_is_read() -> None:
    """The contract's example, with scalars as text."""
    read = NotifyFile.model_validate(
        {
            "channels": {
                "ops": {"kind": "webhook", "url": "http://127.0.0.1:9000/hook", "secret_file": "./hook.key"},
                "mail": {"kind": "apprise", "url_file": "./mail.url"},
                "demo": {"kind": "file", "path": "./outbox.jsonl"},
            },
            "routes": [
                {
                    "match": {"severity": ["critical", "major"]},
                    "group_by": ["rule", "unit"],
                    "group_wait": "30s",
                    "group_interval": "5m",
                    "repeat_interval": "4h",
                    "channels": ["ops", "mail"],
                }
            ],
        }
    )
    route = read.routes[0]
    assert (route.group_wait, route.group_interval, route.repeat_interval) == (30_000, 300_000, 14_400_000)
    assert route.channels == ("ops", "mail")
    assert not route.continue_


@pytest.mark.parametrize(
    ("routes", "where", "words"),
    [
        ([{"channels": ["opps"]}], ("routes", 0, "channels", 0), "did you mean `ops`?"),
        ([{"channels": ["ops"], "group_by": "unti"}], ("routes", 0, "group_by"), "looks like `unit`"),
        ([{"channels": ["ops"], "group_by": "a b"}], ("routes", 0, "group_by"), "neither one of"),
        ([{"channels": ["ops"], "group_wait": "soon"}], ("routes", 0, "group_wait"), "not a duration"),
        ([{"channels": ["ops"], "match": {"severity": "high"}}], ("routes", 0, "match", "severity", 0), "critical"),
        ([{"channels": ["ops"], "match": {"label": "team"}}], ("routes", 0, "match", "label", 0), "pattern"),
        ([{"channels": ["ops"], "wait": "1s"}], ("routes", 0, "wait"), "not permitted"),
        ([{"channels": []}], ("routes", 0), "it reaches nobody"),
    ],
)
def test_wrong_route_is_refused_where_it_is_wrong(routes: list[Any], where: tuple[str | int, ...], words: str) -> None:
    """The error carries the key's path and what was expected."""
    with pytest.raises(ValidationError) as caught:
        NotifyFile.model_validate({"channels": {"ops": {"kind": "file", "path": "x"}}, "routes": routes})
    assert [error["loc"] for error in caught.value.errors()] == [where]
    assert words in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        ({"kind": "webhook", "url": "ftp://x/y"}, "http://host:port/path"),
        ({"kind": "webhook", "url": "http://x/y", "secret": "a", "secret_file": "b"}, "exclude each other"),
        ({"kind": "apprise"}, "one of `url_file` and `url`"),
        ({"kind": "pigeon"}, "webhook"),
        ({"kind": "file", "path": "x", "mode": "w"}, "not permitted"),
    ],
)
def test_wrong_channel_is_refused(channel: dict[str, str], words: str) -> None:
    """Kinds and their keys are declared."""
    with pytest.raises(ValidationError, match=words):
        NotifyFile.model_validate({"channels": {"ops": channel}})


def test_secrets_stay_out_of_words() -> None:
    """Neither repr nor an error shows a secret or an Apprise URL."""
    read = NotifyFile.model_validate(
        {
            "channels": {
                "a": {"kind": "webhook", "url": "http://x/y", "secret": "s3cret"},
                "b": {"kind": "apprise", "url": "mailto://u:s3cret@x"},
            }
        }
    )
    assert "s3cret" not in repr(read)
    assert "s3cret" not in read.model_dump_json()
