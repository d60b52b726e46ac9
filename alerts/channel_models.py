"""Declared models of the channels that have more to them than an address: mail, and any HTTP interface."""

import re
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, StringConstraints, field_validator, model_validator

from alerts.template import FIELDS, check
from ioc.domain.duration import DurationMs
from ioc.domain.payload_path import parse_path
from ioc.domain.texts import Texts, as_list

ChannelName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
SecretName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$")]
_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
MAX_DEPTH = 16


def http_url(url: str) -> str:
    """The URL; ValueError unless it has a scheme of HTTP and a host."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        msg = "is no URL; write it as http://host:port/path or https://host/path"
        raise ValueError(msg)
    return url


def is_mail_address(text: str) -> bool:
    """Whether it has the form of one."""
    return _MAIL.fullmatch(text) is not None


def _path(text: str) -> str:
    parse_path(text)
    return text


Url = Annotated[str, BeforeValidator(http_url)]
PayloadPath = Annotated[str, BeforeValidator(_path)]


class Declared(BaseModel):
    """A mapping of the file: unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AnyChannel(Declared):
    """What every channel may say of itself."""

    person: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    """Who reads it: stands in the journal when a link in its message acknowledges."""
    fallback: ChannelName | None = None
    """The channel that gets the message when this one does not take it."""
    fallback_after: DurationMs = Field(default=60_000, ge=0, le=86_400_000)
    """For how long this channel may fail before that."""


class Secret(Declared):
    """A secret, from a file or (for trials) as it stands."""

    value: SecretStr | None = None
    value_file: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.value is None and self.value_file is None:
            msg = "a secret needs `value_file`; name the file that holds it"
            raise ValueError(msg)
        return self


class SmtpChannel(AnyChannel):
    """A mail server that takes our messages."""

    kind: Literal["smtp"]
    host: str = Field(min_length=1)
    port: int | None = Field(default=None, ge=1, le=65535)
    """None = 587 with STARTTLS, 465 with TLS, 25 without."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: str | None = None
    username: str | None = None
    password: SecretStr | None = None
    password_file: str | None = None
    from_: str = Field(alias="from")
    to: Texts = Field(min_length=1, max_length=50)
    allow_insecure: bool = False

    @field_validator("from_", "to")
    @classmethod
    def _addresses(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for one in (value,) if isinstance(value, str) else value:
            if not is_mail_address(one):
                msg = f"`{one[:80]}` is no mail address; write it as truc.ca@example.gov.vn"
                raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.security == "none" and self.host not in _LOOPBACK and not self.allow_insecure:
            msg = "without TLS everybody on the way reads the messages; remove `security: none`, or set `allow_insecure: true`"
            raise ValueError(msg)
        if (self.username is None) != (self.password is None and self.password_file is None):
            msg = "`username` and `password_file` belong together; give both or none"
            raise ValueError(msg)
        return self

    @property
    def port_used(self) -> int:
        """The port, by default the one that belongs to the security."""
        return self.port or _PORTS[self.security]


class TextForm(Declared):
    """How `{text}` is written for the channel."""

    unaccented: bool = False
    """Without Vietnamese accents, in the alphabet of ordinary short messages."""
    length: int = Field(default=2_000, ge=40, le=10_000)
    """Most characters."""
    parts: int | None = Field(default=None, ge=1, le=10)
    """Most parts of a short message."""


class Success(Declared):
    """What an answer says when the message was taken."""

    status: Annotated[tuple[Annotated[int, Field(ge=200, le=299)], ...], BeforeValidator(as_list)] = ()
    """Statuses that mean success; none = every 2xx."""
    field: PayloadPath | None = None
    """Where the JSON answer holds its code; None = the status decides."""
    is_: Texts = Field(default=("0",), alias="is", min_length=1)
    """The codes that mean success."""
    reason: PayloadPath | None = None
    """Where the answer explains itself: goes into the journal."""
    receipt: PayloadPath | None = None
    """Where the answer holds the message's number there: goes into the journal."""


class ErrorCodes(Declared):
    """Codes at `success.field` by whose fault they are; any other is the channel's."""

    message: Texts = ()
    """This message is refused for good: it goes to the fallback at once."""
    later: Texts = ()
    """Not now; others may pass."""
    token: Texts = ()
    """The access token is no longer valid: it is renewed, and the message sent once more."""


def _json_body(value: object) -> object:
    """A mapping as it stands, or the JSON document in a text, which keeps numbers and truth values."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        msg = f"is not JSON ({error}); write a mapping, or a JSON document in quotes"
        raise ValueError(msg) from None


class Templates(Declared):
    """A request as declared: texts with fields in braces."""

    url: Url
    headers: dict[HeaderName, str] = Field(default_factory=dict)
    form: dict[str, str] | None = None
    secrets: dict[SecretName, Secret] = Field(default_factory=dict)

    @property
    def secret_fields(self) -> list[str]:
        """The names under which templates reach the secrets."""
        return [f"secret.{name}" for name in self.secrets]


class HttpChannel(AnyChannel, Templates):
    """Any HTTP interface that takes a message in one request."""

    kind: Literal["http"]
    method: Literal["POST", "GET", "PUT"] = "POST"
    query: dict[str, str] = Field(default_factory=dict)
    json_: Annotated[Any, BeforeValidator(_json_body)] = Field(default=None, alias="json")
    token: SecretName | None = None
    """The rotating token whose value is the field `{access_token}`."""
    to: str = Field(default="", max_length=200)
    text: TextForm = TextForm()
    success: Success = Success()
    errors: ErrorCodes = ErrorCodes()

    @property
    def fields(self) -> list[str]:
        """What its templates may name."""
        return [*FIELDS, *self.secret_fields, *(["access_token"] if self.token else [])]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.json_ is not None and self.form is not None:
            msg = "`json` and `form` exclude each other; keep one"
            raise ValueError(msg)
        if self.method == "GET" and (self.json_ is not None or self.form is not None):
            msg = "a GET has no body; write its fields under `query`, or use `method: POST`"
            raise ValueError(msg)
        if self.errors != ErrorCodes() and self.success.field is None:
            msg = "`errors` are codes in the answer; say where it holds them with `success: {field: …}`"
            raise ValueError(msg)
        for part in (self.headers, self.query, self.form, self.json_):
            check(part, self.fields)
        return self


class TokenSource(Templates):
    """An access token that a refresh token renews; every renewal gives a new refresh token, and the old one is spent."""

    form: dict[str, str] = Field(min_length=1)
    refresh_token: SecretStr | None = None
    refresh_token_file: str
    """Holds the first one; a new content starts again from it."""
    error: PayloadPath = "error"
    """Where a refusal holds its code."""
    spent: Texts = ("invalid_grant",)
    """The codes that say that the refresh token is used up or expired."""

    @model_validator(mode="after")
    def _fields(self) -> Self:
        known = ["refresh_token", *self.secret_fields]
        for part in (self.headers, self.form):
            check(part, known)
        if not any("{refresh_token}" in text for text in (*self.form.values(), *self.headers.values())):
            msg = "`form` has no `{refresh_token}`; without it nothing is renewed"
            raise ValueError(msg)
        return self
