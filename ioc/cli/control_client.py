"""Asks the running server of a data folder to do something."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ioc.api.control import MAX_REQUEST, SOCKET_NAME, ControlError, short_path

_ANSWER_LIMIT = 256 * 1024 * 1024
"""Bytes: every list of a province fits."""


class NotRunningError(Exception):
    """No server listens in this data folder."""


async def ask(data_dir: Path, command: str, args: Mapping[str, Any], *, timeout_s: float = 60.0) -> Any:  # noqa: ANN401  any JSON
    """What the server answers; NotRunningError where none listens, ControlError where it refuses or says nothing in time."""
    request = msgspec.json.encode({"command": command, "args": args}) + b"\n"
    if len(request) > MAX_REQUEST:
        msg = f"the request is larger than {MAX_REQUEST // 1024**2} MiB; split the file"
        raise ControlError(msg)
    try:
        with short_path(data_dir / SOCKET_NAME) as name:
            reader, writer = await asyncio.open_unix_connection(name, limit=_ANSWER_LIMIT)
    except OSError as error:
        raise NotRunningError(str(data_dir)) from error
    try:
        async with asyncio.timeout(timeout_s):
            line = await _exchange(reader, writer, request)
    except TimeoutError:
        msg = f"the server did not answer within {timeout_s:g} s; it is overloaded or stuck, see its log"
        raise ControlError(msg, "unavailable") from None
    except OSError as error:
        msg = f"the server ended the connection ({error.strerror or error}); see its log"
        raise ControlError(msg, "unavailable") from None
    finally:
        writer.close()
    return _result(line)


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    writer.write(request)
    await writer.drain()
    return await reader.readline()


def _result(line: bytes) -> Any:  # noqa: ANN401  any JSON
    if not line.endswith(b"\n"):
        msg = "the server ended the connection without an answer; see its log"
        raise ControlError(msg, "unavailable")
    answer = msgspec.json.decode(line)
    if "error" in answer:
        raise ControlError(answer["error"], answer.get("kind", "failed"))
    return answer["ok"]
