"""Structured logs: JSON lines or a terminal's text, without secrets, and once a minute for what lasts."""

import logging
import re
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Literal, TextIO
from urllib.parse import quote

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

LogFormat = Literal["auto", "json", "console"]
MASK = "***"
LASTING_MS = 60_000
SECRET_NAMES = frozenset({"password", "passwd", "token", "secret", "authorization", "cookie", "api_key"})
IDENTITY = ("source", "channel", "store", "device", "path", "what")
"""Fields that tell two conditions with the same event name apart."""
_MAX_CONDITIONS = 1000
_SHORTEST_SECRET = 4
"""A shorter one would blank out ordinary words."""
_CREDENTIALS = re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)")


class Lasting:
    """Which lines of a condition that lasts are written: the first, then one a minute, with the number of those between."""

    def __init__(self, every_ms: int = LASTING_MS) -> None:
        self._every = every_ms
        self._conditions: OrderedDict[object, tuple[int, int]] = OrderedDict()
        """Condition → when its last line was written, and how often it was seen since."""
        self.suppressed = 0
        """Lines left out since the start."""

    def seen(self, condition: object, now: int) -> int | None:
        """None: say nothing. Else: write a line, this many having been left out since the last one. `now` in ms."""
        last = self._conditions.get(condition)
        if last is not None and 0 <= now - last[0] < self._every:
            self._conditions[condition] = (last[0], last[1] + 1)
            self.suppressed += 1
            return None
        self._conditions[condition] = (now, 0)
        self._conditions.move_to_end(condition)
        if len(self._conditions) > _MAX_CONDITIONS:
            self._conditions.popitem(last=False)
        return 0 if last is None else last[1]

    def over(self, condition: object) -> None:
        """Forgets a condition: its next line is written at once."""
        self._conditions.pop(condition, None)


class OncePerMinute:
    """A processor that thins warnings and errors with the same event and identity; adds `repeated` to the next line."""

    def __init__(self, lasting: Lasting, clock: Callable[[], int]) -> None:
        self._lasting = lasting
        self._clock = clock

    def __call__(self, _logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """The event, or DropEvent."""
        if method not in {"warning", "error", "exception", "critical"}:
            return event
        condition = (event.get("logger"), event.get("event"), *(str(event.get(name)) for name in IDENTITY))
        left_out = self._lasting.seen(condition, self._clock())
        if left_out is None:
            raise structlog.DropEvent
        return {**event, "repeated": left_out} if left_out else event


class Redaction:
    """A processor that masks known secrets anywhere, fields with a secret's name, and credentials in URLs."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {form for secret in secrets if len(secret) >= _SHORTEST_SECRET for form in (secret, quote(secret, safe=""))}
        longest_first = sorted(known, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, longest_first))) if known else None

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """The event without secrets."""
        return {name: self._field(name, value) for name, value in event.items()}

    def text(self, text: str) -> str:
        """A text without secrets."""
        if self._secrets is not None:
            text = self._secrets.sub(MASK, text)
        return _CREDENTIALS.sub(MASK, text)

    def _field(self, name: str, value: Any) -> Any:  # noqa: ANN401  whatever is logged
        if name.casefold() in SECRET_NAMES:
            return MASK
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self._field(str(key), part) for key, part in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._field("", part) for part in value]
        return value if isinstance(value, int | float | None) else self.text(str(value))


def set_up_logs(
    *, log_format: LogFormat = "auto", secrets: Iterable[str] = (), level: str = "info", stream: TextIO | None = None
) -> Lasting:
    """Sends our log lines and those of libraries to `stream` (standard error); returns what was left out, for the metrics."""
    out = sys.stderr if stream is None else stream
    lasting = Lasting()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            OncePerMinute(lasting, lambda: time.monotonic_ns() // 1_000_000),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=_last_steps(log_format, out, secrets), foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("ioc").setLevel(level.upper())
    return lasting


def _last_steps(log_format: LogFormat, out: TextIO, secrets: Iterable[str]) -> list[Processor]:
    console = log_format == "console" or (log_format == "auto" and out.isatty())
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=out.isatty()) if console else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        Redaction(secrets),
        renderer,
    ]
