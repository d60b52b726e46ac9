"""Debian's Chromium, headless, through playwright."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright, expect

from servers.presence import program
from servers.waiting import PATIENCE_S

_PATIENCE_MS = PATIENCE_S * 1000
expect.set_options(timeout=_PATIENCE_MS)  # by itself it gives up after 5 s
# Nothing but the page under test goes over the network.
_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-features=OptimizationHints,Translate,MediaRouter",
    "--disable-dev-shm-usage",
]


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A browser that ends with the block."""
    async with async_playwright() as driver:
        launched = await driver.chromium.launch(executable_path=program("chromium"), headless=True, args=_QUIET, timeout=_PATIENCE_MS)
        try:
            yield launched
        finally:
            await launched.close()
