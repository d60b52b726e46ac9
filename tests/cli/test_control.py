"""The socket between command line and server: one line, one answer, whatever happens."""

import asyncio
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ioc.api.control import MAX_REQUEST, SOCKET_NAME, ControlError, serve_control
from ioc.cli.control_client import NotRunningError, ask
from ioc.domain.state import StateUnavailableError


async def _echo(args: Mapping[str, Any]) -> dict[str, Any]:
    return {"got": dict(args)}


async def _refuse(_args: Mapping[str, Any]) -> None:
    msg = "there is no such thing; see the list"
    raise ControlError(msg)


async def _away(_args: Mapping[str, Any]) -> None:
    msg = "the disk is full"
    raise StateUnavailableError(msg)


async def _break(_args: Mapping[str, Any]) -> None:
    msg = "secret inside"
    raise RuntimeError(msg)


@pytest.fixture(params=["short", "long"])
async def data_dir(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Path]:
    """A data folder with a server's socket in it, once with a path too long for a socket's name."""
    folder = tmp_path if request.param == "short" else tmp_path / ("d" * 60) / ("e" * 60)
    folder.mkdir(parents=True, exist_ok=True)
    handlers = {"echo": _echo, "refuse": _refuse, "away": _away, "break": _break}
    async with asyncio.TaskGroup() as group:
        task = group.create_task(serve_control(folder / SOCKET_NAME, handlers))
        while not (folder / SOCKET_NAME).exists():  # noqa: ASYNC110  nobody tells when a socket appears
            await asyncio.sleep(0)
        yield folder
        task.cancel()
    assert not (folder / SOCKET_NAME).exists()


async def test_answers_a_command(data_dir: Path) -> None:
    """Arguments arrive as sent, text in any language."""
    assert await ask(data_dir, "echo", {"name": "Phú Thọ", "n": [1, None]}) == {"got": {"name": "Phú Thọ", "n": [1, None]}}


@pytest.mark.parametrize(
    ("command", "kind", "said"),
    [
        ("refuse", "refused", "there is no such thing; see the list"),
        ("away", "unavailable", "the disk is full"),
        ("break", "failed", "the server's log says why"),
        ("gone", "unknown", "knows no command 'gone'"),
    ],
)
async def test_names_what_went_wrong(data_dir: Path, command: str, kind: str, said: str) -> None:
    """Every failure comes back as a sentence and a kind; the inside of a fault of ours stays in the log."""
    with pytest.raises(ControlError, match=said) as caught:
        await ask(data_dir, command, {})
    assert caught.value.kind == kind
    assert "secret inside" not in str(caught.value)


async def test_lets_only_its_user_in(data_dir: Path) -> None:
    """The socket may do everything, so nobody else may open it."""
    assert stat.S_IMODE((data_dir / SOCKET_NAME).stat().st_mode) == 0o600


async def test_takes_a_large_file(data_dir: Path) -> None:
    """A registry of many thousand rows travels in one line."""
    answer = await ask(data_dir, "echo", {"csv": "x" * 2_000_000})
    assert len(answer["got"]["csv"]) == 2_000_000


async def test_survives_garbage(data_dir: Path) -> None:
    """A line that is no request is answered, and the connection goes on."""
    if len(str(data_dir)) > 100:
        pytest.skip("the raw connection needs a short path")
    reader, writer = await asyncio.open_unix_connection(str(data_dir / SOCKET_NAME))
    for line in (b"\xff\n", b"{}\n", b"[1]\n", b'{"command": "echo", "args": 5}\n'):
        writer.write(line)
        assert msgspec.json.decode(await reader.readline())["kind"] == "refused"
    writer.write(b'{"command": "echo"}\n')
    assert msgspec.json.decode(await reader.readline()) == {"ok": {"got": {}}}
    writer.close()


async def test_refuses_an_endless_line(data_dir: Path) -> None:
    """A request has a bound."""
    with pytest.raises(ControlError, match="larger than 16 MiB"):
        await ask(data_dir, "echo", {"csv": "x" * (MAX_REQUEST + 10)})


async def test_says_that_no_server_runs(tmp_path: Path) -> None:
    """No socket, or one left behind by a killed server, means that nobody runs."""
    with pytest.raises(NotRunningError):
        await ask(tmp_path, "echo", {})
    server = await asyncio.start_unix_server(lambda _r, _w: None, str(tmp_path / SOCKET_NAME))
    server.close()
    (tmp_path / SOCKET_NAME).touch()
    with pytest.raises(NotRunningError):
        await ask(tmp_path, "echo", {})
