"""The console in a real browser, over the real API."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import Open, later, sign_in
from tests.console.scenes import half_done, unreachable, unsure
from tests.console.server import CODE, FIRST_WORD, WORD, Site, pooled, subject
from tests.support.world import customer, operator

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>alert(1)</script> [x](javascript:alert(1))"
DAY = 86_400


def opened(turn: str) -> str:
    return f"#/escalations/{turn}"


def rows(page: Page) -> Any:
    return page.get_by_role("list", name="escalations").get_by_role("listitem")


def status(page: Page, word: str) -> None:
    expect(page.locator(".one-head .status")).to_have_text(word)


def claim(page: Page) -> None:
    page.get_by_role("button", name="Claim and answer").click()
    expect(page.get_by_label("Reply to")).to_be_focused()


def turn_of(site: Site, turn: str, who: str = "carla") -> Any:
    with site.lock:
        return site.world.get(f"/v1/turns/{turn}", who=pooled(customer(who))).json


def as_operator(site: Site, path: str, body: Any, who: str = "olga") -> Any:
    with site.lock:
        return site.world.post(path, body, who=pooled(operator(who)))


# --- signing in -------------------------------------------------------------------------------------------------------


def test_a_wrong_password_is_said_and_the_form_stays(visit: Open) -> None:
    page = visit(who="")
    sign_in(page, "otto", "wrong")
    expect(page.get_by_role("alert")).to_have_text("Wrong e-mail or password.")
    sign_in(page, "otto")
    expect(page.get_by_role("heading", name="Escalations")).to_be_visible()


def test_a_first_password_must_be_replaced(visit: Open) -> None:
    page = visit(who="")
    sign_in(page, "newcomer", FIRST_WORD)
    page.get_by_label("New password").fill(WORD)
    page.get_by_label("Once more").fill("something else")
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_role("alert")).to_have_text("The two passwords differ.")
    page.get_by_label("Once more").fill(WORD)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_role("heading", name="Escalations")).to_be_visible()


def test_an_authenticator_is_asked_for_its_code(visit: Open) -> None:
    page = visit(who="careful")
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not right")
    page.get_by_label("Code").fill(CODE)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Escalations")).to_be_visible()


def test_who_is_no_operator_is_told_so(visit: Open) -> None:
    page = visit(who="carla")
    expect(page.get_by_role("heading", name="This console is for operators")).to_be_visible()
    page.get_by_role("button", name="Sign in as somebody else").click()
    expect(page.get_by_label("Password")).to_be_visible()


def test_a_token_is_renewed_before_it_expires(visit: Open, site: Site) -> None:
    site.cognito.seconds = 90
    page = visit()
    expect(page.get_by_text("Nobody is waiting")).to_be_visible()
    assert "REFRESH_TOKEN_AUTH" not in site.cognito.calls
    later(page, 45)
    expect(page.get_by_text("Updated just now")).to_be_visible()
    assert "REFRESH_TOKEN_AUTH" in site.cognito.calls


def test_a_revoked_session_asks_to_sign_in_and_returns_to_the_same_place(visit: Open, site: Site) -> None:
    turn = unsure(site.world, "Hello?")
    page = visit(opened(turn))
    claim(page)
    page.get_by_label("Reply to").fill("Half a sentence")
    site.cognito.revoked.append("otto")
    later(page, 2 * 3_600)
    expect(page.get_by_text("Your session is over")).to_be_visible()
    site.cognito.revoked.clear()
    sign_in(page, "otto")
    expect(page.get_by_label("Reply to")).to_have_value("Half a sentence")


def test_signing_out_revokes_the_tokens_and_forgets_drafts(visit: Open, site: Site) -> None:
    turn = unsure(site.world, "Hello?")
    page = visit(opened(turn))
    claim(page)
    page.get_by_label("Reply to").fill("Half a sentence")
    with page.expect_response(lambda response: response.url.startswith(site.cognito_url)):
        page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    assert site.cognito.revoked == ["otto"]
    assert page.evaluate("sessionStorage.length") == 0


def test_a_new_tab_takes_the_session_over_and_all_tabs_sign_out_together(visit: Open) -> None:
    page = visit()
    expect(page.get_by_role("heading", name="Escalations")).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("heading", name="Escalations")).to_be_visible()
    other.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


# --- the list ---------------------------------------------------------------------------------------------------------


def test_an_empty_list_says_that_nobody_waits(visit: Open) -> None:
    page = visit()
    expect(page.get_by_role("heading", name="Nobody is waiting")).to_be_visible()
    page.get_by_role("link", name="Expired").click()
    expect(page.get_by_role("heading", name="Nothing expired")).to_be_visible()


def test_an_escalation_appears_by_itself_behind_the_older_ones(visit: Open, site: Site) -> None:
    unsure(site.world, "First", "anna")
    page = visit()
    expect(rows(page)).to_have_count(1)
    page.keyboard.press("j")
    with site.lock:
        site.world.clock.now += 60
        unsure(site.world, "Second", "bert")
    later(page)
    expect(rows(page)).to_have_count(2)
    expect(rows(page).nth(0)).to_contain_text("First")
    expect(rows(page).nth(1)).to_contain_text("Second")
    expect(rows(page).nth(1)).to_contain_text("The models were not sure enough")
    expect(rows(page).nth(0).get_by_role("link")).to_be_focused()
    expect(page.locator("#announcer")).to_have_text("1 new escalation, 2 open")
    expect(page).to_have_title("(2) Escalations · Turnkeeper")


def test_waiting_time_goes_on_between_two_looks(visit: Open, site: Site) -> None:
    unsure(site.world, "First")
    page = visit()
    expect(rows(page)).to_have_count(1)
    site.down = True
    later(page, 120)
    expect(rows(page).nth(0)).to_contain_text("2 min")
    expect(page.get_by_text("trying again")).to_be_visible()
    site.down = False
    later(page)
    expect(page.get_by_text("trying again")).to_be_hidden()


def test_a_list_that_cannot_be_loaded_offers_to_try_again(visit: Open, site: Site) -> None:
    site.down = True
    page = visit()
    expect(page.get_by_role("heading", name="The state store did not answer")).to_be_visible()
    site.down = False
    page.get_by_role("button", name="Try now").click()
    expect(page.get_by_role("heading", name="Nobody is waiting")).to_be_visible()


def test_open_breakers_are_seen_from_everywhere(visit: Open, site: Site) -> None:
    for n in range(3):
        unsure(site.world, f"Number {n}")
    page = visit()
    page.get_by_role("button", name="2 models cannot be called").click()
    expect(page.locator("#health-lines")).to_contain_text(re.compile(r"openai:gpt-6-lunaopen, tried again in \d"))
    page.keyboard.press("Escape")
    expect(page.locator("#health-lines")).to_be_hidden()


def test_nobody_on_call_is_said_before_everything_else(visit: Open, site: Site) -> None:
    unsure(site.world, "Hello?")

    health = site.world.get("/v1/health", operator()).json
    counts = {"confirmed": 0, "unconfirmed": 1}
    health |= {"unconfirmed_subscriptions": 1, "subscriptions": {"on_call": counts}}
    page = visit(who="")
    page.route("**/v1/health", lambda route: route.fulfill(json=health))
    sign_in(page, "otto")
    expect(page.locator("#health button")).to_have_text(re.compile("^Nobody is subscribed to the on-call topic · "))


def test_an_agent_that_cannot_be_loaded_is_named_with_its_fault(visit: Open, site: Site) -> None:
    health = site.world.get("/v1/health", operator()).json
    health |= {"broken_agents": [{"agent": "booking", "fault": "SyntaxError at agents/booking.py:3"}]}
    page = visit(who="")
    page.route("**/v1/health", lambda route: route.fulfill(json=health))
    sign_in(page, "otto")
    told = "booking cannot be loaded: SyntaxError at agents/booking.py:3"
    expect(page.locator("#health button")).to_have_text(told)


def test_what_is_stopped_is_named(visit: Open, site: Site) -> None:
    health = site.world.get("/v1/health", operator()).json
    stop = {"what": "agent", "name": "booking", "since": "2026-11-24T00:00:00Z", "reason": ""}
    page = visit(who="")
    page.route("**/v1/health", lambda route: route.fulfill(json=health | {"stopped": [stop]}))
    sign_in(page, "otto")
    expect(page.locator("#health button")).to_have_text("Agent booking is stopped")


def test_a_tab_in_the_background_goes_on_counting_who_waits(visit: Open, site: Site) -> None:
    page = visit()
    expect(page.get_by_role("heading", name="Nobody is waiting")).to_be_visible()
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
    later(page, 5)
    with site.lock:
        unsure(site.world, "Hello?")
    later(page, 30)
    expect(page).to_have_title("(1) Escalations · Turnkeeper")


def test_a_row_tells_what_was_asked_by_whom_and_how_loud_the_pages_were(visit: Open, site: Site) -> None:
    unsure(site.world, "Friday after two would be great.", "anna")
    for _ in range(2):
        site.world.clock.now += 700
        site.world.reconcile()
    page = visit()
    row = rows(page).nth(0)
    expect(row.locator(".row-message")).to_have_text("Friday after two would be great.")
    expect(row.locator(".row-about")).to_have_text(
        f"{subject('anna')[:8]}… · booking · The models were not sure enough"
    )
    expect(row.locator(".row-pages")).to_contain_text(re.compile("3. · critical"))
    row.get_by_role("link").click()
    expect(page.locator(".one-title")).to_contain_text("critical")
    expect(page.get_by_role("button", name=subject("anna"))).to_be_visible()


# --- one escalation ---------------------------------------------------------------------------------------------------


def test_answering_with_an_output_completes_the_turn(visit: Open, site: Site) -> None:
    turn = unsure(site.world, "A haircut on Friday, please.")
    page = visit()
    rows(page).nth(0).get_by_role("link").click()
    expect(page.get_by_text("A haircut on Friday, please.")).to_be_visible()
    claim(page)
    status(page, "Claimed by you")
    page.get_by_label("Reply to").fill("Booked: Friday at 14:30 with Hana Kim.")
    page.get_by_label("Send structured output too").check()
    page.get_by_label("Name").fill("Hana Kim")
    page.get_by_label("Date").fill("2026-12-04")
    page.get_by_label("Time").fill("14:30")
    page.get_by_label("Service type").select_option("Hair stylist")
    page.get_by_role("button", name="Send answer").click()
    status(page, "Answered")
    expect(page.get_by_text("Answered. The customer has your reply.").first).to_be_visible()
    outcome = turn_of(site, turn)
    assert (outcome["status"], outcome["tier"]) == ("completed", "human")
    assert outcome["reply"] == "Booked: Friday at 14:30 with Hana Kim."
    assert outcome["output"] == {
        "name": "Hana Kim",
        "date": "2026-12-04",
        "time": "14:30:00",
        "service_type": "hair_stylist",
        "phone": None,
    }
    assert page.evaluate(f"sessionStorage.getItem('turnkeeper.draft.{turn}')") is None


def test_what_is_wrong_with_an_output_is_shown_at_its_field(visit: Open, site: Site) -> None:
    turn = unsure(site.world, "A haircut on Friday, please.")
    page = visit(opened(turn))
    claim(page)
    page.get_by_label("Reply to").fill("Booked.")
    page.get_by_label("Send structured output too").check()
    page.get_by_label("Name").fill("Hana Kim")
    page.get_by_label("Time").fill("20:30")
    page.get_by_label("Phone").fill("12")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_role("alert")).to_contain_text("the output does not fit")
    expect(page.get_by_label("Time")).to_have_accessible_description(re.compile("09:00 to before 19:00"))
    expect(page.get_by_label("Phone")).to_have_accessible_description(re.compile("at least 7 digits"))
    expect(page.get_by_label("Date")).to_have_accessible_description(re.compile("Field required"))
    expect(page.get_by_label("Date")).to_be_focused()
    expect(page.get_by_label("Name")).not_to_have_attribute("aria-invalid", "true")
    assert turn_of(site, turn)["status"] == "awaiting_human"
    page.get_by_label("Date").fill("2026-12-04")
    page.get_by_label("Time").fill("18:30")
    page.get_by_label("Phone").fill("")
    page.get_by_label("Service type").select_option("Hair stylist")
    page.keyboard.press("Control+Enter")
    status(page, "Answered")


def test_an_empty_reply_is_not_sent(visit: Open, site: Site) -> None:
    turn = unsure(site.world, "Hello?")
    page = visit(opened(turn))
    claim(page)
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_label("Reply to")).to_have_accessible_description(re.compile("Write a reply first"))
    assert turn_of(site, turn)["status"] == "awaiting_human"


def test_who_loses_a_race_for_a_claim_sees_who_won(visit: Open, site: Site) -> None:
    turn = unsure(site.world, "Hello?")
    otto, olga = visit(opened(turn)), visit(opened(turn), who="olga")
    expect(otto.get_by_role("button", name="Claim and answer")).to_be_visible()
    claim(olga)
    otto.get_by_role("button", name="Claim and answer").click()
    expect(otto.get_by_role("alert")).to_contain_text("Somebody else was first. olga@example.com has it now.")
    expect(otto.get_by_text("olga@example.com is answering")).to_be_visible()
    expect(otto.get_by_label("Reply to")).to_be_hidden()
    otto.get_by_role("button", name="Dismiss").click()
    expect(otto.get_by_role("heading", name="olga@example.com is answering")).to_be_focused()


def test_who_loses_a_race_for_an_answer_keeps_the_text(visit: Open, site: Site) -> None:
    turn = unsure(site.world, "Hello?")
    page = visit(opened(turn))
    claim(page)
    page.get_by_label("Reply to").fill("My long and careful answer")
    with site.lock:
        site.world.clock.now += 3_600
    version = as_operator(site, f"/v1/escalations/{turn}/claim", {}).json["version"]
    as_operator(site, f"/v1/escalations/{turn}/answer", {"version": version, "reply": "Quicker"})
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_role("alert")).to_contain_text("Not sent: somebody else was first. It is answered now.")
    expect(page.get_by_text("Answered by olga@example.com")).to_be_visible()
    expect(page.get_by_text("My long and careful answer")).to_be_visible()
    assert turn_of(site, turn)["reply"] == "Quicker"


def test_a_lapsed_claim_that_nobody_took_may_still_answer(visit: Open, site: Site) -> None:
    turn = unsure(site.world, "Hello?")
    page = visit(opened(turn))
    claim(page)
    page.get_by_label("Reply to").fill("Sorry for the wait.")
    with site.lock:
        site.world.clock.now += 3_600
    later(page)
    expect(page.get_by_text("Your claim is over, and nobody else took it.")).to_be_visible()
    page.get_by_role("button", name="Send answer").click()
    status(page, "Answered")


def test_an_answer_that_is_too_late_is_kept(visit: Open, site: Site) -> None:
    turn = unsure(site.world, "Hello?")
    page = visit(opened(turn))
    claim(page)
    page.get_by_label("Reply to").fill("Too late, alas")
    with site.lock:
        site.world.clock.now += 2 * DAY
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_role("alert")).to_contain_text("Too late: the time to answer is over.")
    status(page, "Expired")
    expect(page.get_by_text("Too late, alas").first).to_be_visible()
    assert turn_of(site, turn)["status"] == "expired"


def test_an_answer_that_did_not_arrive_can_be_sent_again(visit: Open, site: Site) -> None:
    turn = unsure(site.world, "Hello?")
    page = visit(opened(turn))
    claim(page)
    page.get_by_label("Reply to").fill("Here I am.")
    site.down = True
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_role("alert").last).to_contain_text("Your text is kept; sending it again is safe.")
    site.down = False
    page.get_by_role("button", name="Send answer").click()
    status(page, "Answered")
    assert turn_of(site, turn)["reply"] == "Here I am."


def test_an_answer_that_was_sent_although_nobody_said_so_is_a_success(visit: Open, site: Site) -> None:
    turn = unsure(site.world, "Hello?")
    page = visit(opened(turn))
    claim(page)
    page.get_by_label("Reply to").fill("Here I am.")
    site.silent = True
    page.get_by_role("button", name="Send answer").click()
    status(page, "Answered")
    expect(page.locator(".toast")).to_have_text("Answered. The customer has your reply.")
    expect(page.get_by_role("heading", name="Answered by you")).to_be_focused()
    expect(page.get_by_text("Not sent")).to_have_count(0)
    expect(page.get_by_text("Your unsent draft")).to_have_count(0)
    assert page.evaluate(f"sessionStorage.getItem('turnkeeper.draft.{turn}')") is None


def test_claim_release_and_stop_believe_what_they_see(visit: Open, site: Site) -> None:
    turn = unsure(site.world, "Hello?")
    page = visit(opened(turn))
    site.silent = True
    claim(page)
    status(page, "Claimed by you")
    page.get_by_role("button", name="Release").click()
    status(page, "Open")
    expect(page.locator(".toast")).to_contain_text("Released.")
    page.get_by_role("button", name="Stop…").click()
    page.get_by_role("button", name="Stop the turn").click()
    status(page, "Stopped")
    expect(page.locator(".toast").last).to_contain_text("Stopped.")
    expect(page.locator(".notice")).to_be_hidden()


def test_an_answer_whose_fate_is_seen_later_is_a_success_then(visit: Open, site: Site) -> None:
    turn = unsure(site.world, "Hello?")
    page = visit(opened(turn))
    claim(page)
    page.get_by_label("Reply to").fill("Here I am.")
    page.route(f"**/v1/escalations/{turn}", lambda route: route.fulfill(status=503, body="{}"))
    site.silent = True
    page.get_by_role("button", name="Send answer").click()
    alert = page.locator(".form-error")
    expect(alert).to_contain_text("It is not known whether it was sent. The server does not know the outcome yet.")
    expect(page.get_by_text("Idempotency")).to_have_count(0)
    page.unroute(f"**/v1/escalations/{turn}")
    later(page)
    status(page, "Answered")
    expect(page.locator(".toast")).to_have_text("Answered. The customer has your reply.")
    expect(page.get_by_text("Your unsent draft")).to_have_count(0)


def test_a_released_escalation_is_open_for_others(visit: Open, site: Site) -> None:
    turn = unsure(site.world, "Hello?")
    page = visit(opened(turn))
    claim(page)
    page.get_by_label("Reply to").fill("I am not sure")
    page.get_by_role("button", name="Release").click()
    status(page, "Open")
    expect(page.get_by_text("Your unsent draft")).to_be_visible()
    expect(page.get_by_role("heading", name="Nobody is answering yet")).to_be_focused()
    expect(page.locator("#announcer")).to_have_text("Released. The person on call is paged again.")
    assert as_operator(site, f"/v1/escalations/{turn}/claim", {}).status == 200


def test_stopping_asks_first(visit: Open, site: Site) -> None:
    turn = unsure(site.world, "Hello?")
    page = visit(opened(turn))
    page.get_by_role("button", name="Stop…").click()
    expect(page.get_by_role("dialog")).to_contain_text("cannot be undone")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert turn_of(site, turn)["status"] == "awaiting_human"
    page.get_by_role("button", name="Stop…").click()
    page.get_by_role("button", name="Stop the turn").click()
    status(page, "Stopped")
    expect(page.get_by_role("heading", name="Stopped", exact=True)).to_be_focused()
    expect(page.locator("#announcer")).to_have_text("Stopped. The customer was told.")
    assert turn_of(site, turn)["reason"] == "stopped"


def test_an_effect_whose_outcome_is_unknown_is_loud(visit: Open, site: Site) -> None:
    turn = half_done(site.world, "Book it")
    page = visit(opened(turn))
    expect(page.get_by_text("A tool may have acted.")).to_be_visible()
    expect(page.get_by_text("Outcome unknown", exact=True)).to_be_visible()


def test_attempts_tell_model_error_cost_and_duration(visit: Open, site: Site) -> None:
    turn = unsure(site.world, "Hello?")
    page = visit(opened(turn))
    tried = page.get_by_role("region", name="What was tried")
    expect(tried.get_by_role("heading", level=3)).to_have_text(["First attempt", "Corrected retry", "Alternative path"])
    first = tried.locator(".call").nth(0)
    for text in ("gpt-6-luna", "openai", "timed out", "$0.", " s"):
        expect(first).to_contain_text(text)
    expect(tried).to_contain_text("62 % sure, 70 % needed")


def test_what_a_call_says_is_not_said_again_below_it(visit: Open, site: Site) -> None:
    page = visit(opened(unreachable(site.world, "Hello?")))
    tried = page.get_by_role("region", name="What was tried")
    expect(tried.locator(".call-error").first).to_have_text("provider's error")
    expect(tried).not_to_contain_text("server_error")
    expect(tried.locator(".errors")).to_have_count(0)


def test_amounts_have_the_same_digits(visit: Open, site: Site) -> None:
    page = visit(opened(unsure(site.world, "Hello?")))
    expect(page.locator(".call-cost")).to_have_text([re.compile(r"^\$\d\.\d{4}$")] * 6)


def test_a_draft_survives_a_reload(visit: Open, site: Site) -> None:
    turn = unsure(site.world, "Hello?")
    page = visit(opened(turn))
    claim(page)
    page.get_by_role("button", name="Start from the model's words").click()
    expect(page.get_by_label("Reply to")).to_have_value(re.compile("Hana Kim"))
    page.get_by_label("Reply to").fill("A draft")
    page.get_by_label("Send structured output too").check()
    page.get_by_label("Name").fill("Hana")
    page.reload()
    expect(page.get_by_label("Reply to")).to_have_value("A draft")
    expect(page.get_by_label("Name")).to_have_value("Hana")


def test_typing_goes_on_while_the_page_looks_again(visit: Open, site: Site) -> None:
    turn = unsure(site.world, "Hello?")
    page = visit(opened(turn))
    claim(page)
    page.keyboard.type("One ")
    with page.expect_response(lambda response: response.url.endswith(turn)):
        later(page)
    page.keyboard.type("two")
    expect(page.get_by_label("Reply to")).to_have_value("One two")


def test_hostile_text_is_inert(visit: Open, site: Site) -> None:
    turn = unsure(site.world, HOSTILE, metadata={HOSTILE[:200]: HOSTILE[:200]})
    page = visit(opened(turn))
    expect(page.locator("blockquote")).to_have_text(HOSTILE)
    expect(page.locator("main img, main script, main a[href^='javascript']")).to_have_count(0)
    expect(page).to_have_title(f"Customer {subject('carla')[:8]}…: open · Turnkeeper")


HIDING = "Pay \u202e001$\u202c to \u2066me\u2069, a\u200bb\x00c\u00ad 👩\u200d🔧 कर्\u200cम"
SEEN = "Pay U+202E001$U+202C to U+2066meU+2069, aU+200BbU+0000cU+00AD 👩\u200d🔧 कर्\u200cम"


def test_what_hides_in_text_is_seen_and_turns_nothing_around_it(visit: Open, site: Site) -> None:
    turn = unsure(site.world, HIDING, metadata={"note": HIDING})
    page = visit()
    expect(rows(page).nth(0).locator(".row-message")).to_have_text(SEEN)
    rows(page).nth(0).get_by_role("link").click()
    asked = page.locator("blockquote")
    expect(asked).to_have_text(SEEN)
    expect(asked.locator(".unseen")).to_have_count(7)
    expect(page.locator("dd", has_text="Pay")).to_have_text(SEEN)
    assert asked.evaluate("(e) => getComputedStyle(e).unicodeBidi") == "plaintext"
    assert turn_of(site, turn)["status"] == "awaiting_human"


def test_the_models_words_are_taken_over_without_what_hides_in_them(visit: Open, site: Site) -> None:
    page = visit(opened(unsure(site.world, "Hello?", words="Hana\u202e Kim\u200b")))
    claim(page)
    page.get_by_role("button", name="Start from the model's words").click()
    expect(page.get_by_label("Reply to")).to_have_value("Hana Kim")


def test_everything_can_be_done_with_the_keyboard(visit: Open, site: Site) -> None:
    unsure(site.world, "First", "anna")
    second = unsure(site.world, "Second", "bert")
    page = visit(who="")
    page.keyboard.type("otto")
    page.keyboard.press("Tab")
    page.keyboard.type(WORD)
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(2)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Keyboard shortcuts")
    page.keyboard.press("Escape")
    for key in ("j", "j", "k", "j", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_role("heading", name=f"Customer {subject('bert')[:8]}")).to_be_visible()
    page.keyboard.press("c")
    expect(page.get_by_label("Reply to")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.keyboard.type("Good evening, cjk?")
    page.keyboard.press("Control+Enter")
    status(page, "Answered")
    expect(page.get_by_role("heading", name="Answered by you")).to_be_focused()
    expect(page.locator("#announcer")).to_have_text("Answered. The customer has your reply.")
    assert turn_of(site, second, "bert")["reply"] == "Good evening, cjk?"
    page.keyboard.press("Escape")
    expect(rows(page)).to_have_count(1)
    page.keyboard.press("2")
    expect(page.get_by_role("heading", name="Nothing is claimed")).to_be_visible()


def test_another_tenants_escalation_is_not_there(visit: Open) -> None:
    page = visit("#/escalations/turn_0000")
    expect(page.get_by_role("heading", name="There is no such escalation for you")).to_be_visible()
