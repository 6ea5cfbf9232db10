"""What the console looks like: screenshots for people to look at, and what must hold at every width."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.console.conftest import SCREENSHOTS, Open, sign_in
from tests.console.scenes import night, unsure
from tests.console.server import Site, pooled, subject
from tests.support.world import operator

pytestmark = pytest.mark.browser

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
NARROWEST: dict[str, Any] = {"viewport": {"width": 360, "height": 740}}
SHARP: dict[str, Any] = {"device_scale_factor": 1.5}


@pytest.fixture
def turns(site: Site) -> list[str]:
    found = night(site.world)
    site.world.post(f"/v1/escalations/{found[3]}/claim", {}, who=pooled(operator("olga")))
    return found


def shoot(page: Page, name: str, *, whole: bool = False) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)


def answering(page: Page) -> None:
    page.get_by_role("button", name="Claim and answer").click()
    page.get_by_label("Reply to").fill(
        "Hana Kim can take both of you on Friday, 4 December: you at 14:30, your daughter right after. Shall I book it?"
    )
    page.get_by_label("Send structured output too").check()
    page.get_by_label("Name").fill("Hana Kim")
    page.get_by_label("Date").fill("2026-12-04")
    page.get_by_label("Time").fill("14:30")
    page.get_by_label("Service type").select_option("Hair stylist")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_desktop(visit: Open, turns: list[str], scheme: str) -> None:
    suffix = "desktop" if scheme == "light" else "dark"
    page = visit(color_scheme=scheme, **SHARP)
    expect(page.locator(".row")).to_have_count(3)
    expect(page.locator(".tab", has_text="Claimed")).to_have_text("Claimed1")
    page.keyboard.press("j")
    shoot(page, f"console-list-{suffix}")
    page.goto(f"{page.url.split('#')[0]}#/escalations/{turns[0]}")
    expect(page.get_by_text("A tool may have acted.")).to_be_visible()
    shoot(page, f"console-unknown-outcome-{suffix}")
    page.goto(f"{page.url.split('#')[0]}#/escalations/{turns[1]}")
    answering(page)
    page.evaluate("document.activeElement.blur()")
    shoot(page, "console-dark" if scheme == "dark" else "console-escalation-desktop", whole=True)
    assert contrast(page.locator(".one-why")) >= 4.5
    assert contrast(page.get_by_role("button", name="Send answer")) >= 4.5


def test_phone(visit: Open, turns: list[str]) -> None:
    page = visit(**PHONE)
    expect(page.locator(".row")).to_have_count(3)
    shoot(page, "console-list-phone")
    page.locator(".row a").nth(1).tap()
    expect(page.get_by_role("heading", name=f"Customer {subject('carla')[:8]}")).to_be_visible()
    shoot(page, "console-open-phone")
    answering(page)
    shoot(page, "console-escalation-phone", whole=True)


def test_an_outage_on_a_phone_takes_one_line_of_the_header(visit: Open, site: Site, turns: list[str]) -> None:
    for _ in range(2):
        site.world.clock.now += 610
        site.world.reconcile()
    for n in range(3):
        unsure(site.world, f"Can the {n + 2} of us come in together, please?", f"customer-{n}")
    page = visit(**PHONE, who="")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/health", hold)
    sign_in(page, "otto")
    expect(page.locator(".row")).to_have_count(7)
    before = page.locator(".row").nth(0).bounding_box()
    held.pop().continue_()
    expect(page.get_by_role("button", name="2 models cannot be called")).to_be_visible()
    assert before == page.locator(".row").nth(0).bounding_box()
    assert page.locator(".top").evaluate("(e) => e.getBoundingClientRect().height") <= 100
    assert page.locator(".top").evaluate("(e) => getComputedStyle(e).position") == "static"
    shoot(page, "console-outage-phone")
    page.get_by_role("button", name="2 models cannot be called").click()
    expect(page.locator("#health-lines")).to_be_visible()
    shoot(page, "console-outage-list-phone")


def test_states(visit: Open, site: Site) -> None:
    page = visit(who="")
    expect(page.get_by_label("E-mail")).to_be_visible()
    shoot(page, "console-sign-in")
    page = visit(**SHARP)
    expect(page.get_by_text("Nobody is waiting")).to_be_visible()
    shoot(page, "console-empty")
    site.down = True
    page = visit(**SHARP)
    expect(page.get_by_role("button", name="Try now")).to_be_visible()
    shoot(page, "console-error")
    site.down = False
    page = visit(who="carla", **SHARP)
    expect(page.get_by_text("This console is for operators")).to_be_visible()
    shoot(page, "console-stranger")


def test_a_lost_race(visit: Open, site: Site, turns: list[str]) -> None:
    page = visit(f"#/escalations/{turns[2]}", **SHARP)
    expect(page.get_by_role("button", name="Claim and answer")).to_be_visible()
    with site.lock:
        site.world.post(f"/v1/escalations/{turns[2]}/claim", {}, who=pooled(operator("olga")))
    page.keyboard.press("c")
    expect(page.get_by_role("alert")).to_contain_text("olga@example.com has it now")
    shoot(page, "console-lost-race")


def test_the_narrowest_phone_needs_no_sideways_scrolling_and_no_small_targets(visit: Open, turns: list[str]) -> None:
    page = visit(**NARROWEST)
    expect(page.locator(".row")).to_have_count(3)
    for where in ("#/open", f"#/escalations/{turns[0]}", f"#/escalations/{turns[1]}"):
        page.goto(page.url.split("#")[0] + where)
        expect(page.locator("main[tabindex] h1")).to_be_visible()
        expect(page.locator(".skeleton")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert small_targets(page) == []
    answering(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert small_targets(page) == []


def small_targets(page: Page) -> list[str]:
    """Buttons, links and fields of less than 38 pixels in height; text links of a dialog or a summary aside."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("main :is(button, a, input:not([type=checkbox]), select, textarea)")]
            .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 38)
            .map((e) => e.textContent || e.name)"""
    )
    return found


def test_every_field_and_button_has_a_name(visit: Open, turns: list[str]) -> None:
    page = visit(f"#/escalations/{turns[1]}")
    answering(page)
    for control in page.locator("main :is(button, input, select, textarea, a), header :is(button, a)").all():
        if control.is_visible():
            expect(control).not_to_have_accessible_name("")
    for landmark in ("banner", "main", "complementary"):
        expect(page.get_by_role(landmark)).to_have_count(1)


_COLOURS = """(element) => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const ground = (e) => getComputedStyle(e).backgroundColor;
  let behind = element;
  while (ground(behind) === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
  return [rgb(getComputedStyle(element).color), rgb(ground(behind))];
}"""


def contrast(element: Locator) -> float:
    """The contrast ratio of an element's text to what is behind it, as WCAG counts it."""
    colours: list[list[int]] = element.evaluate(_COLOURS)
    lighter, darker = sorted((_luminance(colour) for colour in colours), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: list[int]) -> float:
    parts = [c / 255 for c in colour[:3]]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
