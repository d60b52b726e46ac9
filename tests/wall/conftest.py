"""A screen in front of a province on a bad evening."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, Request

from servers.waiting import PATIENCE_S
from wall.stage import Stage


class Screen:
    """A page at 1080p that notes every complaint and every request."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self.complaints.append(message.text) if message.type in {"error", "warning"} else None)
        page.on("request", self._note)

    async def open(self, url: str) -> None:
        """Waits for the first picture."""
        await self.page.goto(url)
        await self.page.wait_for_selector("body[data-ready]")

    async def tile(self, unit: str) -> tuple[str, str]:
        """A tile's state and text."""
        node = self.page.locator(f".tile[data-unit='{unit}']")
        return (await node.get_attribute("class") or "").removeprefix("tile "), await node.inner_text()

    def _note(self, request: Request) -> None:
        self.asked.append(request.url)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """Not started yet; stopped at the end."""
    stage = Stage()
    stage.trouble()
    yield stage
    await stage.stop()


@pytest.fixture
async def screen(chromium: Browser) -> AsyncIterator[Screen]:
    """One page of its own."""
    page = await chromium.new_page(viewport={"width": 1920, "height": 1080})
    page.set_default_timeout(PATIENCE_S * 1000)
    yield Screen(page)
    await page.close()
