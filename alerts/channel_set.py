"""The channels of a notify file, ready to send."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp.abc import AbstractResolver

from alerts.addresses import Allowance, parse_allowance, url_refusal
from alerts.channel import Channel, Link
from alerts.channel_models import HttpChannel, Secret, SmtpChannel, Templates, TokenSource
from alerts.channels.apprise_target import AppriseTarget
from alerts.channels.apprise_target import load as load_apprise
from alerts.channels.file import FileOutbox
from alerts.channels.http import Http
from alerts.channels.smtp import MailServer, Smtp
from alerts.channels.webhook import Webhook
from alerts.notify_file import AppriseChannel, FileChannel, NotifyFile, WebhookChannel
from alerts.pinned import open_session
from alerts.rotating_token import RotatingToken
from alerts.secret_files import ChannelSetupError, read_secret, secret_bytes, secret_text
from alerts.wording import WORDS

ATTEMPT_TIMEOUT_S = 10.0
_STEP_TIMEOUT_S = 5.0
"""For each request of an attempt that may take several: to renew the token, to send."""
Key = tuple[str, ...]


def no_link(_message: object) -> str:
    """Messages without a link that acknowledges."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What channels need besides their declaration: where relative paths start and state is kept, the clock, links, the site's language."""

    folder: Path
    data_dir: Path
    clock: Callable[[], int]
    link: Link = no_link
    language: str = "vi"
    names: AbstractResolver | None = None
    """Resolves host names; None = the system does."""


@asynccontextmanager
async def open_channels(notify: NotifyFile, around: Surroundings) -> AsyncIterator[dict[str, Channel]]:
    """The channels by name while the block runs. ChannelSetupError names the key that is wrong."""
    async with AsyncExitStack() as stack:
        allowance = parse_allowance(notify.allow_private)
        session = await stack.enter_async_context(open_session(allowance, around.names))
        tokens = {name: _Opening(("tokens", name), around, session, allowance).token(declared) for name, declared in notify.tokens.items()}
        channels: dict[str, Channel] = {}
        for name, declared in notify.all_channels.items():
            opening = _Opening(("channels", name), around, session, allowance)
            match declared:
                case WebhookChannel():
                    channels[name] = opening.webhook(declared)
                case HttpChannel():
                    channels[name] = opening.http(declared, tokens.get(declared.token or ""))
                case AppriseChannel():
                    channels[name] = target = opening.apprise(declared)
                    stack.callback(target.close)
                case SmtpChannel():
                    channels[name] = mail = open_smtp(opening.path, declared, around)
                    stack.callback(mail.close)
                case FileChannel():
                    channels[name] = FileOutbox(around.folder / declared.path)
        yield channels


def check_channels(notify: NotifyFile, folder: Path) -> list[ChannelSetupError]:
    """What would keep the channels from being set up: missing secrets, addresses, unknown Apprise services. Sends nothing."""
    allowance, wrong = parse_allowance(notify.allow_private), []
    declared = [*((("tokens", name), one) for name, one in notify.tokens.items())]
    for path, one in [*declared, *((("channels", name), one) for name, one in notify.channels.items())]:
        try:
            _check(path, one, folder, allowance)
        except ChannelSetupError as error:
            wrong.append(error)
    return wrong


def _check(path: Key, declared: object, folder: Path, allowance: Allowance) -> None:
    match declared:
        case WebhookChannel():
            _check_address(path, declared.url, allowance)
            secret_bytes((*path, "secret"), declared.secret, declared.secret_file, folder)
        case Templates():
            _check_address(path, declared.url, allowance)
            _secrets(path, declared.secrets, folder)
        case SmtpChannel():
            secret_text((*path, "password"), declared.password, declared.password_file, folder)
        case AppriseChannel():
            _check_apprise(path, declared, folder)


def _check_address(path: Key, url: str, allowance: Allowance) -> None:
    refused = url_refusal(url, allowance)
    if refused is not None:
        what, _, do = refused.partition("; ")
        raise ChannelSetupError((*path, "url"), what, do)


def _check_apprise(path: Key, declared: AppriseChannel, folder: Path) -> None:
    try:
        load_apprise(_apprise_url(path, declared, folder))
    except ValueError as error:
        at = (*path, "url" if declared.url is not None else "url_file")
        raise ChannelSetupError(at, str(error), "see the Apprise documentation for the service's URL") from None


def _apprise_url(path: Key, declared: AppriseChannel, folder: Path) -> str:
    return secret_text((*path, "url"), declared.url, declared.url_file, folder) or ""


def _secrets(path: Key, secrets: dict[str, Secret], folder: Path) -> dict[str, str]:
    return {
        name: secret_text((*path, "secrets", name, "value"), secret.value, secret.value_file, folder) or ""
        for name, secret in secrets.items()
    }


@dataclass(frozen=True, slots=True)
class _Opening:
    """Opens what is declared at `path`."""

    path: Key
    around: Surroundings
    session: aiohttp.ClientSession
    allowance: Allowance

    def webhook(self, declared: WebhookChannel) -> Webhook:
        _check_address(self.path, declared.url, self.allowance)
        secret = secret_bytes((*self.path, "secret"), declared.secret, declared.secret_file, self.around.folder)
        return Webhook(self.session, url=declared.url, secret=secret, timeout_s=ATTEMPT_TIMEOUT_S)

    def http(self, declared: HttpChannel, token: RotatingToken | None) -> Http:
        _check_address(self.path, declared.url, self.allowance)
        return Http(
            self.session,
            declared,
            secrets=_secrets(self.path, declared.secrets, self.around.folder),
            token=token,
            link=self.around.link,
            timeout_s=ATTEMPT_TIMEOUT_S if token is None else _STEP_TIMEOUT_S,
        )

    def token(self, declared: TokenSource) -> RotatingToken:
        _check_address(self.path, declared.url, self.allowance)
        file = self.around.folder / declared.refresh_token_file
        return RotatingToken(
            self.session,
            declared,
            secrets=_secrets(self.path, declared.secrets, self.around.folder),
            seed=lambda: read_secret((*self.path, "refresh_token_file"), file).decode(),
            path=token_path(self.around.data_dir, self.path[-1]),
            clock=self.around.clock,
            timeout_s=_STEP_TIMEOUT_S,
        )

    def apprise(self, declared: AppriseChannel) -> AppriseTarget:
        url = _apprise_url(self.path, declared, self.around.folder)
        return AppriseTarget(url, link=self.around.link, timeout_s=ATTEMPT_TIMEOUT_S)


def open_smtp(path: Key, declared: SmtpChannel, around: Surroundings) -> Smtp:
    """The mail channel declared at `path`; ChannelSetupError where its password can't be read."""
    server = MailServer(
        host=declared.host,
        port=declared.port_used,
        security=declared.security,
        username=declared.username,
        password=secret_text((*path, "password"), declared.password, declared.password_file, around.folder),
        ca_file=None if declared.ca_file is None else str(around.folder / declared.ca_file),
    )
    ask = WORDS[around.language].acknowledge
    return Smtp(server, sender=declared.from_, to=declared.to, link=around.link, ask=ask, timeout_s=ATTEMPT_TIMEOUT_S)


def token_path(data_dir: Path, name: str) -> Path:
    """Where the rotating token of that name is kept."""
    return data_dir / "tokens" / f"{name}.json"
