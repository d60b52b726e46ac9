"""Which addresses a channel may reach, and that the address which was checked is the one connected to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.addresses import Allowance, parse_allowance, refusal, url_refusal
from alerts.channel import SendError
from alerts.channel_set import check_channels, open_channels
from alerts.notify_file import NotifyFile
from alerts.secret_files import ChannelSetupError
from ioc.domain.alarm import OutboxMessage
from notifying.names import Names
from notifying.surroundings import around

NOBODY = Allowance()
SPELT_OTHERWISE = ("１６９.２５４.１６９.２５４", "169。254。169。254", "①⑥⑨.254.169.254")
"""169.254.169.254 to whoever connects."""
MESSAGE = OutboxMessage(key="k1", channel="ops", event="raised", at=0, body=b"{}")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",  # noqa: S104  an address to judge, nothing is bound
        "255.255.255.255",
        "224.0.0.1",
        "100.64.0.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
        "::127.0.0.1",
        "64:ff9b:1::a00:1",
        "fec0::1",
    ],
)
def test_name_that_leads_inside_is_refused(address: str) -> None:
    """Private, loopback, link-local, metadata and reserved addresses, also in an IPv6 wrapping."""
    assert refusal("evil.example", address, NOBODY) is not None


@pytest.mark.parametrize("address", ["1.1.1.1", "203.162.4.190", "2606:4700::1", "2001:ee0:4f4b::1", "::ffff:1.1.1.1"])
def test_name_that_leads_to_the_internet_passes(address: str) -> None:
    """Public addresses need no allowing."""
    assert refusal("business.openapi.zalo.me", address, NOBODY) is None


def test_allowed_networks_and_names_pass() -> None:
    """A network covers its addresses, a name whatever it leads to; neither opens anything else."""
    allowance = parse_allowance(["10.20.0.0/16", "Desk.Local", "169.254.169.254"])
    assert refusal("x", "10.20.3.4", allowance) is None
    assert refusal("x", "::ffff:10.20.3.4", allowance) is None
    assert refusal("desk.local", "192.168.0.9", allowance) is None
    assert refusal("x", "169.254.169.254", allowance) is None
    assert refusal("x", "10.21.0.1", allowance) is not None


def test_written_out_address_is_meant_unless_it_is_a_metadata_service() -> None:
    """The operator who writes 127.0.0.1 or 10.0.0.5 allows it by writing; nobody means a metadata address."""
    assert url_refusal("http://127.0.0.1:9000/hook", NOBODY) is None
    assert url_refusal("http://10.0.0.5/hook", NOBODY) is None
    assert url_refusal("http://[fd12::5]/hook", NOBODY) is None
    for address in ("169.254.169.254", "169.254.1.1", "0.0.0.0", "[fe80::1]", "[::ffff:169.254.169.254]", "[fd00:ec2::254]"):  # noqa: S104
        assert url_refusal(f"http://{address}/", NOBODY) is not None, address
    for host in SPELT_OTHERWISE:
        assert url_refusal(f"http://{host}/", NOBODY) is not None, host


@given(st.ip_addresses())
def test_every_address_is_judged(address: object) -> None:
    """No address breaks the judgement, and what is allowed by itself always passes."""
    text = str(address)
    assert refusal("h", text, NOBODY) is None or "allow_private" in str(refusal("h", text, NOBODY))
    assert refusal("h", text, parse_allowance([text, "h"])) is None


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "1.2.3", "a b", "http://x", "10.0.0.1/8", ""])
def test_allowance_that_means_nothing_is_refused(entry: str) -> None:
    """A slip opens nothing."""
    with pytest.raises(ValidationError, match="neither an address, a network nor a host name"):
        NotifyFile.model_validate({"allow_private": [entry]})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A receiver on loopback."""
    app = web.Application()

    async def taken(_request: web.Request) -> web.Response:
        return web.Response()

    app.router.add_post("/hook", taken)
    async with TestServer(app) as server:
        assert server.port is not None
        yield server.port


def notify(port: int, **more: object) -> NotifyFile:
    return NotifyFile.model_validate({"channels": {"ops": {"kind": "webhook", "url": f"http://desk.example:{port}/hook"}}, **more})


async def test_webhook_to_a_name_that_leads_inside_is_not_sent(tmp_path: Path, port: int) -> None:
    """The attempt fails with a sentence that names the address and the key to allow it."""
    async with open_channels(notify(port), around(tmp_path, names=Names({"desk.example": [["127.0.0.1"]]}))) as channels:
        with pytest.raises(SendError, match=r"desk\.example leads to 127\.0\.0\.1, which is this machine itself; .* `allow_private`"):
            await channels["ops"].send(MESSAGE)


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "017700000001"])
async def test_address_in_disguise_is_refused(tmp_path: Path, port: int, host: str) -> None:
    """What the system takes for an address, though it does not look like one, is judged by where it leads."""
    declared = NotifyFile.model_validate({"channels": {"ops": {"kind": "webhook", "url": f"http://{host}:{port}/hook"}}})
    async with open_channels(declared, around(tmp_path)) as channels:
        with pytest.raises(SendError, match=r"leads to 127\.0\.0\.1|can't be reached"):
            await channels["ops"].send(MESSAGE)


async def test_webhook_to_an_allowed_name_is_sent(tmp_path: Path, port: int) -> None:
    """The explicit allowing, by name or by network."""
    for entry in ("desk.example", "127.0.0.0/8"):
        names = Names({"desk.example": [["127.0.0.1"]]})
        async with open_channels(notify(port, allow_private=entry), around(tmp_path, names=names)) as channels:
            assert await channels["ops"].send(MESSAGE) == "desk.example answered 200"


async def test_connection_goes_to_the_address_that_was_checked(tmp_path: Path, port: int) -> None:
    """A name that says something else at the next look-up (DNS rebinding) is asked once: the checked answer is used."""
    names = Names({"desk.example": [["127.0.0.1"], ["169.254.169.254"]]})
    async with open_channels(notify(port, allow_private="127.0.0.1"), around(tmp_path, names=names)) as channels:
        assert await channels["ops"].send(MESSAGE) == "desk.example answered 200"
    assert names.asked == ["desk.example"]


async def test_mixed_answer_leaves_only_what_may_be_reached(tmp_path: Path, port: int) -> None:
    """An inside address among allowed ones is never tried."""
    names = Names({"desk.example": [["10.0.0.1", "127.0.0.1"]]})
    async with open_channels(notify(port, allow_private="127.0.0.1"), around(tmp_path, names=names)) as channels:
        assert await channels["ops"].send(MESSAGE) == "desk.example answered 200"


async def test_metadata_address_in_the_file_is_a_mistake(tmp_path: Path) -> None:
    """Named by its key, for `ioc check` and for the start."""
    declared = NotifyFile.model_validate({"channels": {"ops": {"kind": "webhook", "url": "http://169.254.169.254/latest"}}})
    assert [one.path for one in check_channels(declared, tmp_path)] == [("channels", "ops", "url")]
    with pytest.raises(ChannelSetupError, match="credentials"):
        async with open_channels(declared, around(tmp_path)):
            pass
