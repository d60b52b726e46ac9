"""The channels of a notify file, ready to send."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from aiohttp.abc import AbstractResolver

from alerts.addresses import Allowance, parse_allowance, url_refusal
from alerts.channel import Channel
from alerts.channels.apprise_target import AppriseTarget
from alerts.channels.apprise_target import load as load_apprise
from alerts.channels.file import FileOutbox
from alerts.channels.webhook import Webhook
from alerts.notify_file import AppriseChannel, FileChannel, NotifyFile, WebhookChannel
from alerts.pinned import open_session

ATTEMPT_TIMEOUT_S = 10.0
_MAX_SECRET = 64 * 1024


class ChannelSetupError(Exception):
    """A channel can't be set up; `path` is the key in the notify file, `what` and `do` are for its author."""

    def __init__(self, path: tuple[str, ...], what: str, do: str) -> None:
        super().__init__(f"{'.'.join(path)}: {what}; {do}")
        self.path = path
        self.what = what
        self.do = do


@asynccontextmanager
async def open_channels(notify: NotifyFile, folder: Path, *, names: AbstractResolver | None = None) -> AsyncIterator[dict[str, Channel]]:
    """The channels by name while the block runs; `folder` is where the file's relative paths start.

    `names` resolves host names (None = the system does). ChannelSetupError names the key that is wrong.
    """
    async with AsyncExitStack() as stack:
        allowance = parse_allowance(notify.allow_private)
        session = await stack.enter_async_context(open_session(allowance, names))
        channels: dict[str, Channel] = {}
        for name, declared in notify.channels.items():
            match declared:
                case WebhookChannel():
                    _check_address(name, declared, allowance)
                    secret = _secret(name, declared, folder)
                    channels[name] = Webhook(session, url=declared.url, secret=secret, timeout_s=ATTEMPT_TIMEOUT_S)
                case AppriseChannel():
                    target = AppriseTarget(_apprise_url(name, declared, folder), timeout_s=ATTEMPT_TIMEOUT_S)
                    stack.callback(target.close)
                    channels[name] = target
                case FileChannel():
                    channels[name] = FileOutbox(folder / declared.path)
        yield channels


def check_channels(notify: NotifyFile, folder: Path) -> list[ChannelSetupError]:
    """What would keep the channels from being set up: missing secrets, unknown Apprise services. Sends nothing."""
    wrong = []
    for name, declared in notify.channels.items():
        try:
            if isinstance(declared, WebhookChannel):
                _check_address(name, declared, parse_allowance(notify.allow_private))
                _secret(name, declared, folder)
            elif isinstance(declared, AppriseChannel):
                _check_apprise(name, declared, folder)
        except ChannelSetupError as error:
            wrong.append(error)
    return wrong


def _check_address(name: str, declared: WebhookChannel, allowance: Allowance) -> None:
    refused = url_refusal(declared.url, allowance)
    if refused is not None:
        what, _, do = refused.partition("; ")
        raise ChannelSetupError(("channels", name, "url"), what, do)


def _secret(name: str, declared: WebhookChannel, folder: Path) -> bytes | None:
    if declared.secret is not None:
        return declared.secret.get_secret_value().encode()
    return None if declared.secret_file is None else _read(("channels", name, "secret_file"), folder / declared.secret_file)


def _apprise_url(name: str, declared: AppriseChannel, folder: Path) -> str:
    if declared.url is not None:
        return declared.url.get_secret_value()
    path = ("channels", name, "url_file")
    try:
        return _read(path, folder / (declared.url_file or "")).decode()
    except UnicodeDecodeError:
        raise ChannelSetupError(path, "is not text in UTF-8", "write the Apprise URL on one line") from None


def _check_apprise(name: str, declared: AppriseChannel, folder: Path) -> None:
    url = _apprise_url(name, declared, folder)
    try:
        load_apprise(url)
    except ValueError as error:
        path = ("channels", name, "url" if declared.url is not None else "url_file")
        raise ChannelSetupError(path, str(error), "see the Apprise documentation for the service's URL") from None


def _read(path: tuple[str, ...], file: Path) -> bytes:
    """A secret's file without the line's end."""
    try:
        with file.open("rb") as stream:
            content = stream.read(_MAX_SECRET + 1).strip()
    except OSError as error:
        raise ChannelSetupError(path, f"{file} can't be read: {error.strerror or error}", "check path and permissions") from None
    if not content or len(content) > _MAX_SECRET:
        raise ChannelSetupError(path, f"{file} is empty or larger than {_MAX_SECRET // 1024} KiB", "write the secret into it")
    return content
