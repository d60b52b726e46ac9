"""Debian's Chromium, headless, through playwright."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

from servers.presence import program

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
        launched = await driver.chromium.launch(executable_path=program("chromium"), headless=True, args=_QUIET)
        try:
            yield launched
        finally:
            await launched.close()
