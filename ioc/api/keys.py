"""What the application carries for its handlers."""

from collections.abc import Callable

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry

from ioc.api.metrics import ApiMetrics
from ioc.api.ports import Backend
from ioc.api.stream import Hub


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """How the API runs."""

    open_access: bool
    clock: Callable[[], int]
    assets: str
    """Digest of the wall's files: open pages load themselves anew when it changes."""


BACKEND = web.AppKey("backend", Backend)
HUB = web.AppKey("hub", Hub)
SETTING = web.AppKey("setting", Setting)
REGISTRY = web.AppKey("registry", CollectorRegistry)
METRICS = web.AppKey("metrics", ApiMetrics)
OPENAPI = web.AppKey("openapi", bytes)
