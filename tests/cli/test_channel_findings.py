"""`ioc doctor` and `ioc check` on channels: mistakes with file and line, receivers that are away, tokens that are spent."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.channel_set import token_path
from alerts.rotating_token import TokenState, write_state

Ioc = Callable[..., Any]
TOKENS = """\
tokens:
  zalo:
    url: http://127.0.0.1:{port}/token
    form: {{refresh_token: "{{refresh_token}}"}}
    refresh_token_file: ./refresh.token
"""


def configure(site: Path, notify: str) -> None:
    """The site with a notify file."""
    (site / "ioc.yaml").write_text("broker: {url: 'mqtt://127.0.0.1:1'}\nnotify: {file: notify.yaml}\n")
    (site / "notify.yaml").write_text(notify)


def about(ioc: Ioc, what: str) -> list[tuple[str, str]]:
    """What `ioc doctor` finds about one thing."""
    found = json.loads(ioc("doctor", "--json").out)["findings"]
    return [(one["state"], one["text"]) for one in found if one["about"] == what]


@pytest.fixture
def listening() -> Iterator[int]:
    """The port of something that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("notify", "said"),
    [
        (
            "channels:\n  sms:\n    kind: http\n    url: https://x.vn/\n    json: {a: '{txt}'}\n",
            "notify.yaml:2: channels.sms: there is no field `{txt}`: did you mean `{text}`?",
        ),
        (
            "channels:\n  mail:\n    kind: smtp\n    host: m.vn\n    form: a@b.vn\n    to: c@d.vn\n",
            "notify.yaml:5: channels.mail.form: unknown key",
        ),
        (
            "channels:\n  mail:\n    kind: smtp\n    host: m.vn\n    from: a@b.vn\n    to: nobody\n",
            "notify.yaml:6: channels.mail.to: `nobody` is no mail",
        ),
        ("channels:\n  a:\n    kind: webhook\n    url: http://169.254.169.254/\n", "notify.yaml:4: channels.a.url: "),
        ("channels:\n  a:\n    kind: file\n    path: x\n    fallback: b\n", "notify.yaml:5: channels.a.fallback: there is no channel `b`"),
        ("channels: {}\nallow_private:\n  - 10.0.0.0/33\n", "notify.yaml:2: allow_private: `10.0.0.0/33` is neither"),
        (
            "channels:\n  s:\n    kind: http\n    url: https://x.vn/\n    secrets:\n      key: {value_file: gone.key}\n",
            "notify.yaml:6: channels.s.secrets.key.value_file: ",
        ),
        (TOKENS.format(port=1), "notify.yaml:5: tokens.zalo.refresh_token_file: "),
        ("acknowledge: {url: ioc.example}\n", "notify.yaml:1: acknowledge.url: is no URL"),
    ],
)
def test_check_names_file_and_line(ioc: Ioc, site: Path, notify: str, said: str) -> None:
    """Before anything is sent."""
    configure(site, notify)
    ended = ioc("check", "--no-connect")
    assert ended.code == 1
    assert said.replace("?", "") in ended.err.replace(";", ":")


def test_doctor_reaches_receivers_without_sending(ioc: Ioc, site: Path, listening: int, free_port: int) -> None:
    """Who takes connections, who is away, and who may not be reached."""
    configure(
        site,
        f"channels:\n  ops: {{kind: webhook, url: 'http://127.0.0.1:{listening}/hook'}}\n"
        f"  sms: {{kind: http, url: 'http://127.0.0.1:{free_port}/'}}\n"
        f"  mail: {{kind: smtp, host: 127.0.0.1, port: {free_port}, security: none, from: a@b.vn, to: c@d.vn}}\n",
    )
    assert about(ioc, "channel ops") == [("fine", "127.0.0.1 takes connections")]
    assert about(ioc, "channel sms") == [("unreachable", "can't be reached (Connection refused)")]
    assert about(ioc, "channel mail") == [("unreachable", "127.0.0.1: can't be reached (Connection refused)")]


def test_doctor_names_a_name_that_leads_inside(ioc: Ioc, site: Path) -> None:
    """An address in disguise is judged by what it leads to."""
    configure(site, "channels:\n  ops: {kind: webhook, url: 'http://127.1:9/hook'}\n")
    found = about(ioc, "channel ops")
    assert found[0][0] == "wrong"
    assert "`allow_private`" in found[0][1]


@pytest.mark.parametrize(
    ("more", "state", "words"),
    [
        ({}, "fine", "serves until 2026-03-06T"),
        ({"asked_at": 1_772_800_000_000}, "note", "has not come; the access token serves until"),
        ({"spent": "the refresh token is used up"}, "wrong", "the refresh token is used up"),
    ],
)
def test_doctor_tells_how_a_token_fares(ioc: Ioc, site: Path, listening: int, *, more: dict[str, Any], state: str, words: str) -> None:
    """From its file, without renewing it."""
    configure(site, TOKENS.format(port=listening))
    (site / "refresh.token").write_text("r0")
    assert about(ioc, "token zalo")[-1] == ("note", "not used yet; the first message renews it")
    write_state(
        token_path(site / "data", "zalo"),
        TokenState(refresh_token="r1", seed="s", access_token="a1", expires_at=1_772_817_240_000, **more),  # noqa: S106
    )
    found = about(ioc, "token zalo")[-1]
    assert found[0] == state
    assert words in found[1]
