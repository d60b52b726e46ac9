"""Logs: no secrets, and once a minute for what lasts."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from ioc.logs import LASTING_MS, Lasting, Redaction, set_up_logs


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    """The JSON lines written."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_writes_first_line_then_one_a_minute() -> None:
    """A condition seen every second costs one line a minute, which says how many were left out."""
    lasting = Lasting()
    said = {now: count for now in range(0, 3 * LASTING_MS, 1000) if (count := lasting.seen("store", now)) is not None}
    assert said == {0: 0, LASTING_MS: 59, 2 * LASTING_MS: 59}
    assert lasting.suppressed == 177


def test_writes_again_at_once_after_it_was_over() -> None:
    """A condition that returns is news."""
    lasting = Lasting()
    lasting.seen("store", 0)
    lasting.over("store")
    assert lasting.seen("store", 1) == 0


def test_keeps_conditions_apart_and_bounded() -> None:
    """Other conditions are not silenced, and a flood of them does not fill the memory."""
    lasting = Lasting()
    assert [lasting.seen(("rejected", n), 0) for n in range(5000)] == [0] * 5000
    assert len(lasting._conditions) <= 1000


def test_thins_repeated_warnings() -> None:
    """The same warning of the same source is written once; another source's still appears; information always does."""
    stream = io.StringIO()
    lasting = set_up_logs(log_format="json", stream=stream)
    log = structlog.get_logger("ioc.test")
    for _ in range(5):
        log.warning("store_down", source="a", detail="x")
        log.info("booked")
    log.warning("store_down", source="b")
    events = [(line["event"], line.get("source")) for line in lines(stream)]
    assert events.count(("store_down", "a")) == 1
    assert events.count(("store_down", "b")) == 1
    assert events.count(("booked", None)) == 5
    assert lasting.suppressed == 4


def test_hides_secrets_wherever_they_stand() -> None:
    """Canary secrets in fields, nested values, URLs, exceptions and libraries' lines never reach the log."""
    stream = io.StringIO()
    set_up_logs(log_format="json", secrets=["canary/secret"], stream=stream)
    log = structlog.get_logger("ioc.test")
    log.info("canary/secret", a="x canary/secret y", b={"c": ["canary/secret"]}, url="http://h/canary%2Fsecret", password="hunter2", n=5)  # noqa: S106  made up
    log.info("dsn", url="amqp://user:hunter2@host/")
    log.info("object", it=ValueError("canary/secret"))
    try:
        int("canary/secret")
    except ValueError:
        log.exception("failed")
    logging.getLogger("aiohttp.access").warning("GET %s", "canary/secret")
    text = stream.getvalue()
    assert "canary" not in text
    assert "hunter2" not in text
    assert len(lines(stream)) == 5
    assert lines(stream)[0]["n"] == 5


def test_leaves_ordinary_words_when_a_secret_is_tiny() -> None:
    """A secret of three letters would blank out half the log."""
    assert Redaction(["abc"]).text("abcdef") == "abcdef"
