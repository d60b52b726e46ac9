"""Vendors' topics: what a template matches, subscribes to, and shares with another."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.payload_path import look_up, parse_path, path_text
from ioc.domain.topic_template import parse_template

ANY_TOPIC = st.text(alphabet="ab/+#${}\x00é", max_size=12)
LEVELS = st.lists(st.sampled_from(["a", "b", "{device}", "{group}"]), min_size=1, max_size=4, unique=True)


@contextmanager
def refused_with_a_sentence() -> Iterator[None]:
    """What is refused says what to do."""
    try:
        yield
    except ValueError as error:
        if "; " not in str(error):
            raise


def covers(filter_: str, topic: str) -> bool:
    """Whether an MQTT filter without # takes a topic."""
    ours, theirs = filter_.split("/"), topic.split("/")
    return len(ours) == len(theirs) and all(one in {"+", other} for one, other in zip(ours, theirs, strict=True))


@given(ANY_TOPIC, ANY_TOPIC)
def test_any_text_is_a_template_or_refused_with_a_sentence(text: str, topic: str) -> None:
    """No text makes it fall; what it matches has its number of levels."""
    with refused_with_a_sentence():
        template = parse_template(text, {})
        found = template.match(topic)
        assert found is None or list(found) == list(template.names)


@given(LEVELS, st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=4), st.lists(st.sampled_from("abc"), min_size=1))
def test_filters_take_exactly_what_the_template_matches(levels: list[str], topic: list[str], allowed: list[str]) -> None:
    """So the broker sends nothing that nobody reads."""
    template = parse_template("/".join(levels), {"group": allowed})
    text = "/".join(topic)
    assert any(covers(one, text) for one in template.filters) == (template.match(text) is not None)


@given(LEVELS, LEVELS, st.lists(st.sampled_from("abc"), min_size=1), st.lists(st.sampled_from("abc"), min_size=1))
def test_common_topic_is_matched_by_both(first: list[str], second: list[str], mine: list[str], theirs: list[str]) -> None:
    """And where there is none, no topic of the alphabet is."""
    one, other = parse_template("/".join(first), {"group": mine}), parse_template("/".join(second), {"group": theirs})
    common = one.common_topic(other)
    if common is not None:
        assert one.match(common) is not None
        assert other.match(common) is not None
    else:
        assert not any(
            covers(ours, their.replace("+", "c")) and covers(their, ours.replace("+", "c"))
            for ours in one.filters
            for their in other.filters
        )


@pytest.mark.parametrize(
    ("template", "below"),
    [("ioc/v1/{x}/{device}", True), ("{device}/{x}", True), ("{device}/state", False), ("ioc/v2/{device}", False), ("ioc", False)],
)
def test_tells_whether_it_reaches_below_a_root(template: str, below: bool) -> None:  # noqa: FBT001  a table
    """Our own topics are never a vendor's."""
    assert parse_template(template, {}).reaches_below("ioc/v1") is below


@given(st.text(max_size=30))
def test_any_text_is_a_path_or_refused_with_a_sentence(text: str) -> None:
    """A path that is read is written the same way again, and looks into anything."""
    with refused_with_a_sentence():
        path = parse_path(text)
        assert parse_path(path_text(path)) == path
        look_up({"a": [1, {"b": None}]}, path)


@given(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=5))
def test_every_key_can_be_written_as_a_path(keys: list[str]) -> None:
    """Dots, brackets and backslashes in a vendor's keys are escaped."""
    document: object = 1
    for key in reversed(keys):
        document = {key: document}
    assert look_up(document, parse_path(path_text(tuple(keys)))) == 1
