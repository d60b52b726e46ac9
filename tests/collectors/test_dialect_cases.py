"""What shipped dialects make of messages: a case is a folder `cases/<family>/<dialect>/<case>`.

`topic` holds one topic a line, on each of which `payload` arrives; `expected.json` says what each delivery became.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from collectors.delivery import Delivery
from collectors.ingest import Ingest, Taken
from collectors.redelivery import RedeliveryMemory
from ioc.domain.family import Family
from ioc.domain.sample import Sample

ROOT = Path(__file__).parent / "cases"
ARRIVAL = 1_700_000_000_000
CASES = sorted(path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("*/*/*/topic"))


def became(taken: Taken, family: Family) -> dict[str, Any]:
    """As `expected.json` writes it; what is empty is left out."""
    found: dict[str, Any] = {"outcome": taken.outcome, "device": taken.device}
    if isinstance(taken.news, Sample):
        named = zip((metric.name for metric in family.metrics), taken.news.values, strict=True)
        found |= {"ts": taken.news.ts, "values": {name: value for name, value in named if value is not None}}
    if taken.refusals:
        found["refusals"] = [[refusal.reason.value, refusal.field] for refusal in taken.refusals]
    if taken.unmapped:
        found["unmapped"] = list(taken.unmapped)
    return found


@pytest.mark.parametrize("case", CASES)
def test_each_message_of_a_case_becomes_what_is_expected(families: dict[str, Family], case: str) -> None:
    """Its dialect alone is listened to; every value has the family's type."""
    family, dialect, _ = case.split("/")
    folder = ROOT / case
    payload = (folder / "payload").read_bytes()
    topics = (folder / "topic").read_text(encoding="utf-8").splitlines()
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    reader = Ingest(families, topic_root="ioc/v1", history_limit=10**11, redelivery=RedeliveryMemory(), dialects={dialect})
    taken = reader.read([Delivery(topic.encode(), payload, ARRIVAL, mid, 1) for mid, topic in enumerate(topics, 1)])
    assert {one.family for one in taken} == {family}
    found = [became(one, families[family]) for one in taken]
    assert found == expected
    assert [_types(one) for one in found] == [_types(one) for one in expected]


def test_every_shipped_dialect_has_a_good_and_a_bad_case(families: dict[str, Family]) -> None:
    """A dialect without cases is a claim without proof."""
    for family in families.values():
        for dialect in family.dialects:
            wanted = [json.loads(path.read_text()) for path in (ROOT / family.family / dialect.id).glob("*/expected.json")]
            outcomes = {(one["outcome"], bool(one.get("refusals"))) for case in wanted for one in case}
            assert {("stored", False), ("quarantined", True)} <= outcomes, dialect.id


def _types(found: dict[str, Any]) -> dict[str, type]:
    return {name: type(value) for name, value in found.get("values", {}).items()}
