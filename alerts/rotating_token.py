"""An access token renewed by a refresh token that each renewal replaces: the new pair is on disk before it is used."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import msgspec
import structlog

from alerts.channel import SendError
from alerts.channel_models import TokenSource
from alerts.http_answer import json_of, read_answer, unreachable
from alerts.private_file import write_private
from alerts.secret_files import ChannelSetupError
from alerts.template import fill
from ioc.domain.payload_path import look_up, parse_path
from ioc.domain.rfc3339 import to_rfc3339

log = structlog.get_logger("ioc.token")

_AGAIN_MS = 60_000
"""After a renewal that failed the old access token serves for so long before the next try."""
_USED = 0.8
"""The share of an access token's life after which it is renewed: what is left is the time to repair a lost renewal."""
_LIFE_S = 3_600


class TokenState(msgspec.Struct, frozen=True, kw_only=True):
    """What the file in the data folder holds; times Unix ms."""

    refresh_token: str
    seed: str
    """Digest of the operator's refresh token from which this line of tokens began."""
    access_token: str = ""
    renewed_at: int | None = None
    renew_at: int = 0
    expires_at: int = 0
    asked_at: int | None = None
    """When a renewal was asked for whose answer has not come: the provider may have spent the refresh token."""
    spent: str = ""
    """Why this refresh token is of no more use; only a new one from the operator helps."""


class RotatingToken:
    """One line of tokens in one file; renewals never overlap. `clock` gives Unix ms."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        declared: TokenSource,
        *,
        secrets: Mapping[str, str],
        seed: Callable[[], str],
        path: Path,
        clock: Callable[[], int],
        timeout_s: float = 5.0,
    ) -> None:
        self._session = session
        self._declared = declared
        self._secrets = {f"secret.{name}": value for name, value in secrets.items()}
        self._seed = seed
        self._path = path
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._host = urlsplit(declared.url).hostname or "?"
        self._lock = asyncio.Lock()
        self._not_before = 0

    async def access(self, stale: str | None = None) -> str:
        """An access token that is not `stale`, renewed where it is time; SendError says why there is none."""
        async with self._lock:
            state = await asyncio.to_thread(self._state)
            now = self._clock()
            usable = bool(state.access_token) and state.access_token != stale and now < state.expires_at
            if usable and (now < state.renew_at or now < self._not_before):
                return state.access_token
            try:
                return (await self._renew(state, now)).access_token
            except SendError as error:
                self._not_before = now + _AGAIN_MS
                log.warning("token_not_renewed", host=self._host, detail=error.detail, still_valid=usable)
                if usable:
                    return state.access_token
                raise

    def _state(self) -> TokenState:
        """What is kept; a refresh token that the operator has put in place since begins a new line."""
        try:
            seed = self._seed()
            kept = read_state(self._path)
        except (OSError, ValueError, ChannelSetupError) as error:
            detail = f"no refresh token: {error}"
            raise SendError(detail) from None
        digest = hashlib.blake2b(seed.encode(), digest_size=8).hexdigest()
        return kept if kept is not None and kept.seed == digest else TokenState(refresh_token=seed, seed=digest)

    async def _renew(self, state: TokenState, now: int) -> TokenState:
        if state.spent:
            raise SendError(state.spent)
        await self._keep(msgspec.structs.replace(state, asked_at=state.asked_at or now))
        try:
            status, document = await self._ask(state.refresh_token)
        except aiohttp.ClientConnectorError as error:
            await self._keep(state)  # nothing was sent
            raise SendError(unreachable(self._host, error)) from None
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            detail = f"the answer of {self._host} to a renewal was lost ({type(error).__name__}); the same refresh token is tried again"
            raise SendError(detail) from None
        renewed = _renewed(document, state, now)
        if renewed is None:
            raise await self._refused(state, status, document, now)
        await self._keep(renewed)
        log.info("token_renewed", host=self._host, expires_at=to_rfc3339(renewed.expires_at))
        return renewed

    async def _ask(self, refresh_token: str) -> tuple[int, object]:
        values = self._secrets | {"refresh_token": refresh_token}
        async with self._session.post(
            self._declared.url,
            data={name: fill(text, values) for name, text in self._declared.form.items()},
            headers={name: fill(text, values) for name, text in self._declared.headers.items()},
            timeout=self._timeout,
            allow_redirects=False,
        ) as answer:
            body = await read_answer(answer)
        return answer.status, json_of(body)

    async def _refused(self, state: TokenState, status: int, document: object, now: int) -> SendError:
        code = look_up(document, parse_path(self._declared.error))
        if code is None and document is None:
            return SendError(
                f"{self._host} answered {status} to a renewal, and nothing that can be read; the same refresh token is tried again"
            )
        if str(code) not in self._declared.spent:
            await self._keep(state)  # an answer that names another fault has not spent the token
            return SendError(f"{self._host} answered {status} to a renewal, {self._declared.error} = {code}")
        lost = ""
        if state.asked_at is not None:
            lost = f": the answer to the renewal of {to_rfc3339(state.asked_at)} was lost, and with it the new refresh token"
        spent = (
            f"the refresh token is used up or expired ({self._declared.error} = {code}){lost}; "
            f"have the provider issue a new one and write it into {Path(self._declared.refresh_token_file).name}"
        )
        await self._keep(msgspec.structs.replace(state, spent=spent, asked_at=state.asked_at or now))
        return SendError(spent)

    async def _keep(self, state: TokenState) -> None:
        try:
            await asyncio.to_thread(write_state, self._path, state)
        except OSError as error:
            detail = f"{self._path.name} can't be written ({error.strerror}); without that no token is renewed"
            raise SendError(detail) from None


def read_state(path: Path) -> TokenState | None:
    """What a token's file holds, None where there is none yet or none that can be read as one; OSError where the disk fails."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=TokenState)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def write_state(path: Path, state: TokenState) -> None:
    """Replaces the token's file, on disk when the call returns."""
    write_private(path, msgspec.json.encode(state))


def _renewed(document: object, state: TokenState, now: int) -> TokenState | None:
    """The new tokens of an answer, None where it holds none; a provider whose refresh tokens last names no new one."""
    access, refresh = look_up(document, ("access_token",)), look_up(document, ("refresh_token",)) or state.refresh_token
    if not isinstance(access, str) or not access or not isinstance(refresh, str) or not refresh:
        return None
    try:
        life_ms = round(float(str(look_up(document, ("expires_in",)) or _LIFE_S)) * 1000)
    except (ValueError, OverflowError):
        life_ms = 0
    life_ms = life_ms if life_ms > 0 else _LIFE_S * 1000
    return TokenState(
        refresh_token=refresh,
        seed=state.seed,
        access_token=access,
        renewed_at=now,
        renew_at=now + round(life_ms * _USED),
        expires_at=now + life_ms,
    )
