"""Whether the channels' receivers can be reached, and what becomes of rotating tokens: looked at without sending a message."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from alerts.addresses import is_address, parse_allowance
from alerts.channel import SendError
from alerts.channel_models import HttpChannel, SmtpChannel
from alerts.channel_set import open_smtp, token_path
from alerts.notify_file import NotifyFile, WebhookChannel
from alerts.pinned import CheckedResolver, RefusedAddressError
from alerts.rotating_token import read_state
from ioc.app.ack_links import AckKey, LinkSigner
from ioc.app.channels import surroundings
from ioc.cli.finding import Finding
from ioc.config.load import Config
from ioc.domain.rfc3339 import to_rfc3339

TIMEOUT_S = 5.0
_PORTS = {"http": 80, "https": 443}


async def channel_findings(config: Config) -> list[Finding]:
    """Every receiver of webhook, http and smtp channels, and every rotating token."""
    notify, data_dir = config.notify, config.settings.data_dir
    around = surroundings(config, LinkSigner(AckKey(data_dir), None))
    async with asyncio.TaskGroup() as group:
        mails = [
            group.create_task(_found(f"channel {name}", open_smtp(("channels", name), declared, around).probe))
            for name, declared in notify.channels.items()
            if isinstance(declared, SmtpChannel)
        ]
        others = [group.create_task(_found(about, partial(_connect, url, notify))) for about, url in _urls(notify)]
    return [*(task.result() for task in (*mails, *others)), *(_token(name, data_dir) for name in notify.tokens)]


def _urls(notify: NotifyFile) -> Iterator[tuple[str, str]]:
    for name, channel in notify.channels.items():
        if isinstance(channel, WebhookChannel | HttpChannel):
            yield f"channel {name}", channel.url
    for name, token in notify.tokens.items():
        yield f"token {name}", token.url


async def _found(about: str, look: Callable[[], Awaitable[str]]) -> Finding:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return Finding(about=about, state="fine", text=await look())
    except RefusedAddressError as error:
        return Finding(about=about, state="wrong", text=str(error))
    except SendError as error:
        return Finding(about=about, state="unreachable", text=error.detail)
    except (OSError, TimeoutError) as error:
        words = os.strerror(error.errno) if error.errno is not None and error.errno > 0 else type(error).__name__
        return Finding(about=about, state="unreachable", text=f"can't be reached ({words})")


async def _connect(url: str, notify: NotifyFile) -> str:
    """Connects to a checked address and leaves again."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    address = host if is_address(host) else (await CheckedResolver(parse_allowance(notify.allow_private)).resolve(host, port))[0]["host"]
    _, writer = await asyncio.open_connection(address, port)
    writer.close()
    return f"{host} takes connections"


def _token(name: str, data_dir: Path) -> Finding:
    about = f"token {name}"
    try:
        state = read_state(token_path(data_dir, name))
    except OSError as error:
        return Finding(about=about, state="wrong", text=f"{error.filename} can't be read ({error.strerror}); check its permissions")
    if state is None:
        return Finding(about=about, state="note", text="not used yet; the first message renews it")
    if state.spent:
        return Finding(about=about, state="wrong", text=state.spent)
    if state.asked_at is not None:
        lost = f"the answer to the renewal of {to_rfc3339(state.asked_at)} has not come"
        return Finding(about=about, state="note", text=f"{lost}; the access token serves until {to_rfc3339(state.expires_at)}")
    return Finding(about=about, state="fine", text=f"serves until {to_rfc3339(state.expires_at)}")
