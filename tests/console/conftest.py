"""A browser, and the console in it: no page of a test may log an error or break its own security policy."""

import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.console.scenes import bookings
from tests.console.server import WORD, Site, served

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SCREENSHOTS = Path(__file__).parents[2] / ".local/screenshots"
_HTTP_ERROR = re.compile(r"Failed to load resource: the server responded with a status of")
"""What a browser logs by itself for an HTTP error: tests provoke some."""

Open = Callable[..., Page]
UNDER_WAY: Counter[Page] = Counter()
"""How many requests each page waits for."""

expect.set_options(timeout=10_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield the system's Chromium."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on PATH")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def site() -> Iterator[Site]:
    """Yield the console of a world in which nothing has happened yet."""
    with served(bookings()) as site:
        yield site


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Open]:
    """Yield a function that opens the console in a browser of its own: `visit(hash, who=..., **context)`."""
    complaints: list[str] = []
    contexts = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not _HTTP_ERROR.match(message.text):
            complaints.append(message.text)

    def visit(where: str = "", *, who: str = "otto", **options: object) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, **options})  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda _: UNDER_WAY.update([page]))
        page.on("requestfinished", lambda _: UNDER_WAY.subtract([page]))
        page.on("requestfailed", lambda _: UNDER_WAY.subtract([page]))
        page.clock.install()
        page.goto(site.url + where)
        if who:
            sign_in(page, who)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []


def sign_in(page: Page, who: str, password: str = WORD) -> None:
    """Fill the form of the page in, and send it."""
    page.get_by_label("E-mail").fill(f"{who}@example.com")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def later(page: Page, seconds: float = 5) -> None:
    """Let time pass in a page, so that it looks again; a request that is under way would be cut off by it."""
    deadline = time.monotonic() + 10
    quiet = 0
    while quiet < 3 and time.monotonic() < deadline:
        page.wait_for_timeout(15)
        quiet = 0 if UNDER_WAY[page] else quiet + 1
    page.clock.fast_forward(int(seconds * 1000))
