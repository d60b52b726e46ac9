"""Whatever bytes come, decoders, topics, rule files and line protocol answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harm.fuzzing import TARGETS, feed, lines, topics


@pytest.mark.parametrize("name", list(TARGETS))
def test_mutated_input_is_answered_and_never_raises(name: str) -> None:
    """Two thousand inputs of each kind; `make faults` goes on for minutes."""
    fed = feed(name, runs=2_000)
    assert fed.runs == 2_000
    assert fed.uncaught == {}


@given(st.text(max_size=120))
def test_topic_of_any_text_is_parts_or_a_sentence(text: str) -> None:
    """Parts only where they make up that very topic again."""
    topics(text.encode(errors="surrogatepass"))


@given(st.lists(st.text(max_size=20), min_size=4, max_size=4))
def test_point_of_any_text_is_one_line_or_refused(parts: list[str]) -> None:
    """Over all of Unicode, surrogates and control characters included."""
    lines("\x1f".join(parts).encode(errors="surrogatepass"))
