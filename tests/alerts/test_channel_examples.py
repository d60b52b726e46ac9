"""The shipped examples against local receivers: Zalo ZNS with its rotating refresh token, and an SMS gateway."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts.channel import Channel, Fault, SendError
from alerts.channel_set import open_channels, token_path
from alerts.rotating_token import read_state, write_state
from alerts.sms import parts
from ioc.config.notify import load_notify
from ioc.config.problem import Problem
from ioc.domain.alarm import OutboxMessage
from notifying.gateway import Gateway, TokenServer
from notifying.names import Names
from notifying.stage import START, Stage
from notifying.surroundings import around

EXAMPLES = files("alerts") / "examples"
HOUR = 3_600_000
LINK = "https://ioc.example.gov.vn/a/sms.x"


def message(**alarm: Any) -> OutboxMessage:
    """A message about one alarm."""
    stage = Stage({"group_wait": "0s", "group_interval": "0s"})
    stage.raise_("tt-1", **alarm)
    return stage.outbox[0]


class Zalo:
    """The example's channel between a local ZNS and a local authorisation server, over restarts and hours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.api = Gateway()
        self.oauth = TokenServer()
        self.now = START
        self.ports: dict[str, int] = {}
        (folder / "zalo-app.key").write_text("app-secret\n")
        (folder / "zalo-refresh.token").write_text("r0\n")

    @property
    def token_file(self) -> Path:
        return token_path(self.folder / "data", "zalo")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Channel]:
        """The channel, from one start to the next."""
        text = (EXAMPLES / "zalo_zns.yaml").read_text()
        for host, port in self.ports.items():
            text = text.replace(f"https://{host}/", f"http://{host}:{port}/")
        (self.folder / "notify.yaml").write_text(text + "\nallow_private: [127.0.0.1]\n")
        problems: list[Problem] = []
        notify = load_notify(self.folder / "notify.yaml", problems, families=(), rules=())
        assert problems == []
        names = Names({host: [["127.0.0.1"]] for host in self.ports})
        async with open_channels(notify, around(self.folder, names=names, clock=lambda: self.now, link=lambda _message: LINK)) as channels:
            yield channels["zalo"]

    @property
    def tokens_used(self) -> list[str]:
        """The access tokens of the messages that came."""
        return [request["headers"]["access_token"] for request in self.api.requests]


@pytest.fixture
async def zalo(tmp_path: Path) -> AsyncIterator[Zalo]:
    """Both servers, and nothing sent yet."""
    zalo = Zalo(tmp_path)
    zalo.api.says((200, {"error": 0, "message": "Success", "data": {"msg_id": "m1"}}))
    async with zalo.api.server() as api, zalo.oauth.server() as oauth:
        assert api.port is not None
        assert oauth.port is not None
        zalo.ports = {"business.openapi.zalo.me": api.port, "oauth.zaloapp.com": oauth.port}
        yield zalo


async def test_zalo_gets_its_template_data(zalo: Zalo) -> None:
    """Phone, template, its parameters and the tracking id; the token in its header."""
    sent = message()
    async with zalo.running() as channel:
        assert await channel.send(sent) == "business.openapi.zalo.me answered 200, m1"
    assert zalo.api.requests[0]["json"] == {
        "phone": "84912345678",
        "template_id": "123456",
        "template_data": {
            "muc_do": "CAO",
            "su_co": "Cụm loa Xóm Tháp, Phường Việt Trì: mất kết nối từ 23:14",
            "viec": "kiểm tra nguồn điện",
            "ma": sent.key,
        },
        "tracking_id": sent.key,
    }
    assert zalo.tokens_used == ["a1"]
    assert zalo.oauth.requests[0]["form"] == {"app_id": "1234567890", "grant_type": "refresh_token", "refresh_token": "r0"}
    assert zalo.oauth.requests[0]["headers"]["secret_key"] == "app-secret"  # noqa: S105  the fake's


async def test_token_is_renewed_before_it_ends_and_kept_over_a_restart(zalo: Zalo) -> None:
    """One renewal for 25 hours, whoever restarts; the file holds the newest refresh token, for the owner's eyes only."""
    async with zalo.running() as channel:
        await channel.send(message())
    async with zalo.running() as channel:
        await channel.send(message())
        zalo.now += 21 * HOUR
        await channel.send(message())
    assert zalo.tokens_used == ["a1", "a1", "a2"]
    assert [request["form"]["refresh_token"] for request in zalo.oauth.requests] == ["r0", "r1"]
    assert zalo.token_file.stat().st_mode & 0o777 == 0o600
    state = read_state(zalo.token_file)
    assert state is not None
    assert (state.refresh_token, state.asked_at) == ("r2", None)


@pytest.mark.parametrize("refusal", [(200, {"error": -124, "message": "Access token invalid"}), (401, b"")])
async def test_token_that_is_no_longer_taken_is_renewed_at_once(zalo: Zalo, refusal: Any) -> None:
    """The message goes out in the same attempt, with the same tracking id."""
    zalo.api.says((200, {"error": 0}), refusal, (200, {"error": 0}))
    async with zalo.running() as channel:
        await channel.send(message())
        await channel.send(message())
    assert zalo.tokens_used == ["a1", "a1", "a2"]
    assert len({request["json"]["tracking_id"] for request in zalo.api.requests[1:]}) == 1


async def test_token_that_is_refused_again_is_the_channels_fault(zalo: Zalo) -> None:
    """No circle of renewals: the next attempt tries again."""
    zalo.api.says((200, {"error": -124}))
    async with zalo.running() as channel:
        with pytest.raises(SendError, match="error = -124, though it was renewed just now") as caught:
            await channel.send(message())
    assert caught.value.fault is Fault.CHANNEL
    assert len(zalo.oauth.requests) == 2


async def test_lost_answer_is_survived_while_the_access_token_lives(zalo: Zalo) -> None:
    """The renewal comes early: when its answer is lost, messages still go, and the next try says what has happened."""
    async with zalo.running() as channel:
        await channel.send(message())
        zalo.oauth.lose = 1
        zalo.now += 21 * HOUR
        await channel.send(message())
        zalo.now += HOUR
        await channel.send(message())
        assert zalo.tokens_used == ["a1", "a1", "a1"]
        zalo.now += 4 * HOUR
        with pytest.raises(SendError) as caught:
            await channel.send(message())
    assert "the answer to the renewal of 2026-03-06T13:14:00.000Z was lost, and with it the new refresh token" in caught.value.detail
    assert "write it into zalo-refresh.token" in caught.value.detail
    assert caught.value.fault is Fault.CHANNEL


async def test_spent_token_is_not_asked_with_again(zalo: Zalo) -> None:
    """Also after a restart: the provider is left in peace until the operator has put a new one in place."""
    zalo.oauth.lose = 1
    async with zalo.running() as channel:
        for _ in range(3):
            with pytest.raises(SendError):
                await channel.send(message())
    async with zalo.running() as channel:
        with pytest.raises(SendError, match="used up or expired"):
            await channel.send(message())
        assert len(zalo.oauth.requests) == 2
        zalo.oauth.current = "new"
        (zalo.folder / "zalo-refresh.token").write_text("new\n")
        await channel.send(message())
    assert zalo.tokens_used == ["a2"]


async def test_crash_between_asking_and_keeping_is_a_lost_answer(zalo: Zalo) -> None:
    """What is on disk before the request tells the next start that an answer may have been lost."""
    async with zalo.running() as channel:
        await channel.send(message())
    state = read_state(zalo.token_file)
    assert state is not None
    zalo.oauth.current = "r9"
    write_state(zalo.token_file, msgspec.structs.replace(state, asked_at=START, expires_at=START))
    async with zalo.running() as channel:
        with pytest.raises(SendError, match=r"the renewal of 2026-03-05T16:14:00\.000Z was lost"):
            await channel.send(message())


async def test_authorisation_server_that_is_away_costs_nothing(zalo: Zalo, free_port: int) -> None:
    """Nothing was sent, so nothing was lost: the same refresh token serves when it is back."""
    port, zalo.ports["oauth.zaloapp.com"] = zalo.ports["oauth.zaloapp.com"], free_port
    async with zalo.running() as channel:
        with pytest.raises(SendError, match=r"oauth\.zaloapp\.com can't be reached"):
            await channel.send(message())
    state = read_state(zalo.token_file)
    assert state is not None
    assert state.asked_at is None
    zalo.ports["oauth.zaloapp.com"] = port
    async with zalo.running() as channel:
        await channel.send(message())


async def test_token_that_can_not_be_kept_is_not_asked_for(zalo: Zalo) -> None:
    """Without a place for the new pair the old refresh token must not be spent."""
    (zalo.folder / "data").write_text("a file in the way")
    async with zalo.running() as channel:
        with pytest.raises(SendError, match=r"zalo\.json can't be written|no refresh token"):
            await channel.send(message())
    assert zalo.oauth.requests == []


async def test_several_messages_at_once_renew_once(zalo: Zalo) -> None:
    """Two channels on one token never spend the same refresh token."""
    async with zalo.running() as channel:
        await asyncio.gather(*(channel.send(message()) for _ in range(5)))
    assert len(zalo.oauth.requests) == 1


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (-108, Fault.MESSAGE),
        (-118, Fault.MESSAGE),
        (-133, Fault.MESSAGE),
        (-144, Fault.LATER),
        (-115, Fault.CHANNEL),
        (-120, Fault.CHANNEL),
    ],
)
async def test_zalos_codes_name_their_fault(zalo: Zalo, code: int, fault: Fault) -> None:
    """All of them come with status 200."""
    zalo.api.says((200, {"error": code, "message": "said so"}))
    async with zalo.running() as channel:
        with pytest.raises(SendError, match=f"answered 200, error = {code} \\(said so\\)") as caught:
            await channel.send(message())
    assert caught.value.fault is fault


@pytest.fixture
async def sms(tmp_path: Path) -> AsyncIterator[tuple[Gateway, Channel]]:
    """The example of a gateway, and its channel."""
    gateway = Gateway()
    gateway.says((200, {"CodeResult": "100", "SMSID": "77"}))
    (tmp_path / "sms-api.key").write_text("key\n")
    (tmp_path / "sms-api.secret").write_text("s3cret\n")
    async with gateway.server() as server:
        text = (EXAMPLES / "sms_brandname.yaml").read_text()
        text = text.replace("https://sms-gateway.example.vn/", f"http://127.0.0.1:{server.port}/")
        (tmp_path / "notify.yaml").write_text(text)
        problems: list[Problem] = []
        notify = load_notify(tmp_path / "notify.yaml", problems, families=(), rules=())
        assert problems == []
        async with open_channels(notify, around(tmp_path, link=lambda _message: LINK)) as channels:
            yield gateway, channels["sms"]


async def test_short_message_is_unaccented_with_its_link(sms: tuple[Gateway, Channel]) -> None:
    """Two parts at most; the gateway's number stands in the receipt."""
    gateway, channel = sms
    assert await channel.send(message(summary={"vi": "mất kết nối " * 30})) == "127.0.0.1 answered 200, 77"
    sent = gateway.requests[0]["json"]
    assert sent["Content"].startswith("[CAO] Cum loa Xom Thap, Phuong Viet Tri: mat ket noi")
    assert sent["Content"].endswith(f"... {LINK}")
    assert parts(sent["Content"]) == 2
    assert (sent["ApiKey"], sent["SecretKey"], sent["Phone"]) == ("key", "s3cret", "84912345678")


async def test_repetition_that_the_gateway_knows_is_delivered(sms: tuple[Gateway, Channel]) -> None:
    """After a lost answer the same RequestId is refused as a repetition: that message has arrived."""
    gateway, channel = sms
    gateway.says((0, None), (200, {"CodeResult": "124", "ErrorMessage": "duplicate"}))
    with pytest.raises(SendError, match="can't be reached"):
        await channel.send(message())
    await channel.send(message())
    assert len({request["json"]["RequestId"] for request in gateway.requests}) == 1


def examples() -> Iterator[str]:
    return (one.name for one in EXAMPLES.iterdir())


def test_every_example_is_used_here() -> None:
    """None is shipped untried."""
    assert set(examples()) == {"zalo_zns.yaml", "sms_brandname.yaml", "vietnam_holidays.yaml"}  # the last in tests/config/test_calendar.py
