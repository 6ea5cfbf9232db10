"""A turn that only a person can answer, in the operators' page in a real browser: from the page to the customer."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.cloud import Cloud, new_customer, until

pytestmark = [pytest.mark.cloud, pytest.mark.browser]

EVERYTHING = {"model": "*", "mode": "error", "times": None}
HOUR = 3_600
PATIENCE_MS = 30_000
"""A page asks several functions at once, and some of them have yet to load."""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Yield an empty page, in which nothing may break the console's security policy or its code."""
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def sign_in(page: Page, cloud: Cloud) -> None:
    page.goto(cloud.stack["console_url"])
    page.get_by_label("E-mail").fill("operator")
    page.get_by_label("Password").fill(cloud.stack["console_password"])
    page.get_by_role("button", name="Sign in").click()


def test_a_person_who_is_notified_answers_the_customer_from_the_console(cloud: Cloud, page: Page) -> None:
    """One notice until somebody claims; the reply that is written in the page is the turn's outcome."""
    message, customer = "My tooth hurts, can you help me?", new_customer()
    with cloud.faults(EVERYTHING):
        turn_id = cloud.send(message, customer_id=customer).json()["turn_id"]
        notices = cloud.pages(turn_id)
    cloud.move(turn_id, "ESC", next_page_at=HOUR, due_at=HOUR)  # a browser takes longer than the local page interval

    sign_in(page, cloud)
    page.get_by_role("list", name="escalations").get_by_role("link").filter(has_text=customer).click()
    expect(page.locator("blockquote")).to_have_text(message, timeout=PATIENCE_MS)
    assert notices[0]["link"] == page.url
    page.get_by_role("button", name="Claim and answer").click()
    page.get_by_label("Reply to").fill("Come in at nine, we keep a chair free.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.locator(".one-head .status")).to_have_text("Answered", timeout=PATIENCE_MS)

    turn = cloud.get(f"/v1/turns/{turn_id}").json()
    assert [f"{turn_id}#1"] == [notice["dedup_key"] for notice in notices]
    assert ("completed", "human", "Come in at nine, we keep a chair free.") == (
        turn["status"],
        turn["tier"],
        turn["reply"],
    )
    assert [] == cloud.pages_now(turn_id)
    until(lambda: cloud.execution_status(turn_id) == "SUCCEEDED", "the execution has ended")
