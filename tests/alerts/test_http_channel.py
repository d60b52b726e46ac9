"""The declared HTTP channel against a local receiver: what is sent, and what each answer means."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.channel import Fault, SendError
from alerts.channel_set import open_channels
from alerts.notify_file import NotifyFile
from alerts.template import FIELDS, check, fill, fill_all
from ioc.domain.alarm import OutboxMessage
from notifying.gateway import Gateway
from notifying.stage import Stage
from notifying.surroundings import around

AT_ONCE = {"group_wait": "0s", "group_interval": "0s"}
CODED = {"success": {"field": "error", "reason": "message", "receipt": "data.msg_id"}}


def message(**alarm: Any) -> OutboxMessage:
    """A message about one alarm."""
    stage = Stage(AT_ONCE)
    stage.raise_("tt-1", **alarm)
    return stage.outbox[0]


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
async def url(gateway: Gateway) -> AsyncIterator[str]:
    async with gateway.server() as server:
        yield str(server.make_url("/send"))


async def send(folder: Path, url: str, sent: OutboxMessage | None = None, **declared: Any) -> str:
    """Sends one message through a channel of its own."""
    notify = NotifyFile.model_validate({"channels": {"sms": {"kind": "http", "url": url, **declared}}})
    async with open_channels(notify, around(folder, link=lambda _message: "https://ioc.vn/a/x")) as channels:
        return await channels["sms"].send(sent or message())


async def test_json_body_is_filled(tmp_path: Path, gateway: Gateway, url: str) -> None:
    """Fields are values, whatever stands in them; numbers of a JSON text stay numbers."""
    (tmp_path / "api.key").write_text("s3cret\n")
    sent = message(summary={"vi": 'mất "kết nối" {to} \\n'})
    await send(
        tmp_path,
        url,
        sent,
        json='{"phone": "{to}", "n": 1, "what": "{summary}", "list": ["{tag}", true], "key": "{key}", "auth": "{secret.api}"}',
        to="84912345678",
        secrets={"api": {"value_file": "api.key"}},
    )
    assert gateway.requests[0]["json"] == {
        "phone": "84912345678",
        "n": 1,
        "what": 'mất "kết nối" {to} \\n',
        "list": ["CAO", True],
        "key": sent.key,
        "auth": "s3cret",
    }
    assert gateway.requests[0]["headers"]["Idempotency-Key"] == sent.key


async def test_form_and_query_are_escaped(tmp_path: Path, gateway: Gateway, url: str) -> None:
    """`&`, `=` and accents in a device's text stay inside their field."""
    sent = message(summary={"vi": "a&to=1 đ=ệ"})
    await send(tmp_path, url, sent, form={"text": "{summary}"}, query={"q": "{summary}", "to": "{to}"}, to="84")
    assert gateway.requests[0]["form"] == {"text": "a&to=1 đ=ệ"}
    assert gateway.requests[0]["query"] == {"q": "a&to=1 đ=ệ", "to": "84"}


async def test_text_becomes_no_header(tmp_path: Path, gateway: Gateway, url: str) -> None:
    """A line break can't end a header."""
    await send(tmp_path, url, headers={"X-What": "{text}"}, text={"unaccented": "true"})
    assert gateway.requests[0]["headers"]["X-What"].startswith("[CAO] Cum loa Xom Thap")


async def test_get_has_no_body(tmp_path: Path, gateway: Gateway, url: str) -> None:
    """Everything stands in the query."""
    await send(tmp_path, url, method="GET", query={"msg": "{headline:10}"})
    assert gateway.requests[0]["method"] == "GET"
    assert gateway.requests[0]["query"] == {"msg": "Cụm loa Xó"}
    assert gateway.requests[0]["body"] == b""


async def test_short_message_keeps_its_link_within_its_parts(tmp_path: Path, gateway: Gateway, url: str) -> None:
    """Unaccented and cut to one part of 160."""
    await send(tmp_path, url, message(summary={"vi": "mất kết nối " * 20}), json={"c": "{text}"}, text={"unaccented": "true", "parts": "1"})
    text = gateway.requests[0]["json"]["c"]
    assert text.isascii()
    assert len(text) <= 160
    assert text.endswith("... https://ioc.vn/a/x")


async def test_receipt_names_the_number_that_was_given(tmp_path: Path, gateway: Gateway, url: str) -> None:
    """So that the provider can be asked about it."""
    gateway.says((200, {"error": 0, "data": {"msg_id": "abc-1"}}))
    assert await send(tmp_path, url, json={}, **CODED) == "127.0.0.1 answered 200, abc-1"


@pytest.mark.parametrize(
    ("answer", "fault", "words"),
    [
        ((200, {"error": -108, "message": "Phone number invalid"}), Fault.MESSAGE, "error = -108 (Phone number invalid)"),
        ((200, {"error": "-144"}), Fault.LATER, "answered 200, error = -144"),
        ((200, {"error": -115}), Fault.CHANNEL, "error = -115"),
        ((200, {"other": 0}), Fault.CHANNEL, "answered 200 without error"),
        ((200, b"<html>"), Fault.CHANNEL, "answered 200 without error"),
        ((200, b'{"error": "\xff"}'), Fault.CHANNEL, "answered 200 without error"),
        ((200, b"[" * 50_000), Fault.CHANNEL, "answered 200 without error"),
        ((200, {"error": {"a": 1}}), Fault.CHANNEL, "answered 200 without error"),
        ((400, {"error": -108}), Fault.MESSAGE, "answered 400, error = -108"),
        ((500, {"error": 0}), Fault.CHANNEL, "answered 500, error = 0"),
        ((422, b""), Fault.MESSAGE, "answered 422"),
        ((404, b""), Fault.CHANNEL, "answered 404"),
        ((401, b""), Fault.CHANNEL, "answered 401"),
        ((429, b""), Fault.CHANNEL, "answered 429"),
        ((302, b"", {"Location": "/elsewhere"}), Fault.CHANNEL, "answered 302"),
        ((0, None), Fault.CHANNEL, "can't be reached (ServerDisconnectedError)"),
    ],
)
async def test_refusal_names_its_fault(tmp_path: Path, gateway: Gateway, url: str, *, answer: Any, fault: Fault, words: str) -> None:
    """By the code in the answer, else by the status."""
    gateway.says(answer)
    with pytest.raises(SendError) as caught:
        await send(tmp_path, url, json={}, errors={"message": ["-108"], "later": "-144"}, **CODED)
    assert caught.value.fault is fault
    assert words in caught.value.detail
    assert len(gateway.requests) == 1


async def test_secret_that_the_receiver_repeats_stays_out_of_the_journal(tmp_path: Path, gateway: Gateway, url: str) -> None:
    """Some gateways answer with the key that they refuse."""
    gateway.says((200, {"error": 101, "message": "wrong key k3y-s3cret"}))
    with pytest.raises(SendError) as caught:
        await send(tmp_path, url, json={"k": "{secret.api}"}, secrets={"api": {"value": "k3y-s3cret"}}, **CODED)
    assert caught.value.detail == "127.0.0.1 answered 200, error = 101 (wrong key …)"


async def test_wish_to_wait_is_heard(tmp_path: Path, gateway: Gateway, url: str) -> None:
    """Retry-After, also with a code of its own."""
    gateway.says((429, {"error": -144}, {"Retry-After": "30"}))
    with pytest.raises(SendError) as caught:
        await send(tmp_path, url, json={}, errors={"later": "-144"}, **CODED)
    assert (caught.value.fault, caught.value.retry_after_ms) == (Fault.LATER, 30_000)


async def test_receiver_that_says_nothing_is_given_up(tmp_path: Path, gateway: Gateway, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the timeout."""
    monkeypatch.setattr("alerts.channel_set.ATTEMPT_TIMEOUT_S", 0.1)
    gateway.says((-1, None))
    with pytest.raises(SendError, match=r"gave no answer within 0\.1 s"):
        await send(tmp_path, url, json={})


async def test_answer_without_end_is_cut(tmp_path: Path, gateway: Gateway, url: str) -> None:
    """A receiver can't fill our memory, and its words can't fill the journal."""
    gateway.says((400, {"error": -1, "message": "x" * 30_000}))
    with pytest.raises(SendError) as caught:
        await send(tmp_path, url, json={}, **CODED)
    assert len(caught.value.detail) < 300
    gateway.says((400, b'{"error": 0, "x": "' + b"x" * 200_000 + b'"}'))
    with pytest.raises(SendError, match="without error"):
        await send(tmp_path, url, json={}, **CODED)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"json": {"a": "{txt}"}}, r"there is no field `\{txt\}`; did you mean `\{text\}`\?"),
        ({"json": {"a": "{secret.key}"}}, r"there is no field `\{secret.key\}`"),
        ({"headers": {"X": "{access_token}"}}, r"there is no field `\{access_token\}`"),
        ({"json": "{"}, "is not JSON"),
        ({"json": {}, "form": {}}, "exclude each other"),
        ({"method": "GET", "json": {}}, "a GET has no body"),
        ({"errors": {"message": "1"}}, "say where it holds them"),
        ({"headers": {"X: Y": "1"}}, "String should match pattern"),
        ({"token": "zalo"}, "there is no token `zalo`; declare it under `tokens`"),
        ({"success": {"field": "a..b"}}, "is no path into a payload"),
        ({"url": "ftp://x/"}, "is no URL"),
        ({"secrets": {"a": {}}}, "a secret needs `value_file`"),
    ],
)
def test_declaration_that_can_not_be_right_is_a_mistake(wrong: dict[str, Any], words: str) -> None:
    """Found when the file is read."""
    with pytest.raises(ValidationError, match=words):
        NotifyFile.model_validate({"channels": {"sms": {"kind": "http", "url": "https://x.vn/", **wrong}}})


VALUES = st.fixed_dictionaries({name: st.text(max_size=40) for name in FIELDS})


@given(VALUES, st.sampled_from(sorted(FIELDS)))
def test_value_is_never_read_as_a_template(values: dict[str, str], name: str) -> None:
    """Braces in a device's text mean nothing; what is filled once is final."""
    assert fill(f"<{{{name}}}>", values) == f"<{values[name]}>"


@given(VALUES)
def test_filled_document_survives_json(values: dict[str, str]) -> None:
    """No value breaks out of its place."""
    document = {"a": ["{text}", {"b": "x{to}y"}], "n": 1}
    assert json.loads(json.dumps(fill_all(document, values))) == {"a": [values["text"], {"b": f"x{values['to']}y"}], "n": 1}


@given(st.text(max_size=60), st.integers(0, 20))
def test_field_is_cut_to_its_length(value: str, most: int) -> None:
    """`{text:N}` is a beginning of the value, at most N characters."""
    cut = fill(f"{{text:{most}}}", {"text": value})
    assert len(cut) <= most
    assert value.startswith(cut)


def test_braces_that_name_no_field_stay() -> None:
    """JSON and prose keep theirs; only names in lower case are fields."""
    check({"a": '{"x": 1} {X} {}'}, FIELDS)
    assert fill('{"x": 1} {X} {}', {}) == '{"x": 1} {X} {}'
