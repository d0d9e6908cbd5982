"""Tickets as customers and staff see them: asked once, answered live, nothing lost."""

import re

import pytest
from playwright.async_api import FilePayload, Page, expect

from tests.browser.pages import first_of
from tests.browser.portal import PHONE, People
from tests.browser.sight import too_wide
from tests.e2e.client import PROOF, Api, Json
from tests.e2e.journey import PASSWORD, Customer, order

PROTOCOL = re.compile(
    r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{2}"
)
SUBJECT = "My site shows an error"
MESSAGE = "It shows error 500 since this morning.\n\nSee the screenshot."
REVERSED = "\N{RIGHT-TO-LEFT OVERRIDE}"
HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(1)> {{ 7*7 }} %(name)s "
    f"\N{PILE OF POO} {REVERSED}txt.exe"
)
SEND_AT_ONCE = """async () => {
  const form = document.querySelector("main form");
  const send = () => fetch(form.action, {method: "POST", body: new FormData(form)});
  const answers = await Promise.all([send(), send(), send()]);
  return answers.map((answer) => answer.url);
}"""
HOSTILE_MESSAGE = f"""{HOSTILE}

[click me](javascript:alert(1)) ![pixel](http://elsewhere.test/pixel.png)

{"W" * 2000}
"""


@pytest.mark.parametrize("javascript", [True, False], ids=["js", "no js"])
async def test_a_customer_asks_about_a_service_with_a_screenshot(
    people: People, *, javascript: bool
) -> None:
    page, customer = await people.new_customer(javascript=javascript)
    await order(customer)
    await page.goto("/tickets/new")
    screenshot = await page.screenshot()
    await _fill_in(page)
    await page.locator("input[name=service_ids]").check()
    await page.locator("#files").set_input_files(
        _png("my screen 100% é.png", screenshot)
    )
    await _send(page)

    [ticket] = await _tickets(customer)
    assert await page.locator(".protocol").inner_text() == ticket["protocol"]
    assert PROTOCOL.fullmatch(ticket["protocol"])
    assert len(ticket["service_ids"]) == 1
    async with page.expect_download() as download:
        await page.get_by_role("link", name="my screen 100% é.png").click()
    kept = await (await download.value).path()
    assert kept.read_bytes() == screenshot
    await _expect_a_download(page)


async def test_a_refused_file_keeps_the_text_and_the_good_files(people: People) -> None:
    page, customer = await people.new_customer()
    people.watch.allow(422)
    await page.goto("/tickets/new")
    await _fill_in(page)
    await page.locator("#files").set_input_files(
        [
            _png("good.png", PROOF),
            FilePayload(name="tool.exe", mimeType="image/png", buffer=PROOF),
            _png("large.png", PROOF.ljust(10 * 1024 * 1024 + 1)),
        ]
    )
    await page.get_by_role("button", name="Send").click()

    faults = page.locator("#files-fault")
    await expect(faults).to_contain_text("tool.exe: must be one of csv, docx")
    await expect(faults).to_contain_text("large.png: has more than 10 MB")
    await expect(page.locator("#message")).to_have_value(MESSAGE)
    await expect(page.locator("#subject")).to_have_value(SUBJECT)
    await expect(page.get_by_label("good.png")).to_be_checked()
    assert await _tickets(customer) == []

    await _send(page)
    [ticket] = await _tickets(customer)
    [message] = await _messages(customer.api, ticket["id"])
    assert [file["name"] for file in message["attachments"]] == ["good.png"]


async def test_of_eleven_files_ten_go_along(people: People) -> None:
    page, customer = await people.new_customer()
    people.watch.allow(422)
    await page.goto("/tickets/new")
    await _fill_in(page)
    chosen = [_png(f"{number}.png", PROOF) for number in range(1, 12)]
    await page.locator("#files").set_input_files(chosen)
    await page.get_by_role("button", name="Send").click()
    fault = page.locator("#files-fault")
    await expect(fault).to_have_text(re.compile(r"^11\.png: .*up to 10 files"))
    await page.get_by_label("10.png").uncheck()
    await _send(page)
    await expect(page.locator("a[download]")).to_have_count(9)
    assert len(await _tickets(customer)) == 1


async def test_a_file_that_was_sent_already_is_named(people: People) -> None:
    page, customer = await people.new_customer()
    people.watch.allow(422)
    file = await customer.api.upload("sent.png", PROOF, "image/png")
    await _ask(customer.api, attachment_ids=[file["id"]])
    await page.goto("/tickets/new")
    await _fill_in(page)
    await page.locator("#message").evaluate(
        """(message, value) => message.insertAdjacentHTML(
            "afterend", `<input type="hidden" name="kept" value="${value}">`)""",
        f"{file['id']}/70/sent.png",
    )
    await page.get_by_role("button", name="Send").click()
    fault = page.locator("#files-fault")
    await expect(fault).to_contain_text("sent.png: can't be sent any more")
    assert len(await _tickets(customer)) == 1


@pytest.mark.parametrize("javascript", [True, False], ids=["js", "no js"])
async def test_pressing_send_twice_opens_one_ticket(
    people: People, *, javascript: bool
) -> None:
    page, customer = await people.new_customer(javascript=javascript)
    await page.goto("/tickets/new")
    await _fill_in(page)
    await page.locator("#files").set_input_files(_png("screen.png", PROOF))
    await page.get_by_role("button", name="Send").dblclick(no_wait_after=True)
    await page.wait_for_url(re.compile(r"/tickets/[0-9a-f-]{36}"))
    [ticket] = await _tickets(customer)
    assert await page.locator(".protocol").inner_text() == ticket["protocol"]


async def test_a_form_that_arrives_three_times_at_once_opens_one_ticket(
    people: People,
) -> None:
    page, customer = await people.new_customer()
    await page.goto("/tickets/new")
    await _fill_in(page)
    await page.locator("#files").set_input_files(_png("screen.png", PROOF))
    shown = await page.evaluate(SEND_AT_ONCE)
    [ticket] = await _tickets(customer)
    assert shown == [f"{people.portal.url}/tickets/{ticket['id']}"] * 3


async def test_going_back_and_sending_again_opens_no_second_ticket(
    people: People,
) -> None:
    page, customer = await people.new_customer()
    await page.goto("/tickets/new")
    await _fill_in(page)
    await _send(page)
    await page.go_back()
    await page.get_by_role("button", name="Send").click()
    await page.wait_for_load_state()
    assert len(await _tickets(customer)) == 1


async def test_an_answer_reaches_the_open_page_and_a_note_never_does(
    people: People,
) -> None:
    page, customer = await people.new_customer()
    await page.goto("/tickets/new")
    await _fill_in(page)
    await _send(page)
    await page.locator("#message").fill("And since yesterday my")

    staff = await people.staff("support")
    ticket_id = page.url.rpartition("/")[2]
    await staff.goto(f"/staff/tickets/{ticket_id}")
    await staff.locator("#note").fill("A secret among us")
    await staff.get_by_role("button", name="Save the note").click()
    await expect(staff.locator(".conversation .note")).to_contain_text("A secret")
    await staff.locator("#message").fill("It **works** again.")
    await staff.get_by_role("button", name="Send the answer").click()
    await expect(staff.locator(".conversation")).to_contain_text("It works again.")

    await expect(page.locator(".conversation")).to_contain_text("It works again.")
    await expect(page.locator("#ticket")).to_contain_text("Answered")
    await expect(page.locator("#message")).to_have_value("And since yesterday my")
    await expect(page.locator("#message")).to_be_focused()
    assert "secret" not in await page.content()
    shown = await _messages(customer.api, ticket_id)
    assert [message["author"]["kind"] for message in shown] == ["customer", "staff"]


async def test_a_new_ticket_shows_up_in_the_staff_s_open_list(people: People) -> None:
    staff = await people.staff("support")
    await staff.goto("/staff/tickets")
    _, customer = await people.new_customer()
    ticket = await _ask(customer.api, subject="Please look at this at once")
    row = staff.locator("tr", has_text=ticket["protocol"])
    await expect(row).to_contain_text("Please look at this at once")
    await expect(row).to_contain_text("left")


async def test_hostile_text_is_shown_as_it_stands_on_both_sides(people: People) -> None:
    page, customer = await people.new_customer(phone=True)
    ticket = await _ask(customer.api, subject=HOSTILE, message=HOSTILE_MESSAGE)
    staff_api = await people.portal.api_of("support")
    note = {"message": HOSTILE_MESSAGE}
    await staff_api.post(f"/staff/tickets/{ticket['id']}/notes", note)

    staff = await people.staff("support", phone=True)
    for reader, path in (
        (page, f"/tickets/{ticket['id']}"),
        (page, "/tickets"),
        (staff, f"/staff/tickets/{ticket['id']}"),
        (staff, f"/staff/tickets?q={ticket['protocol']}"),
    ):
        reader.on("dialog", lambda dialog: pytest.fail(dialog.message))
        await reader.goto(path)
        await expect(reader.locator("main")).to_contain_text(HOSTILE.strip())
        assert await reader.locator("main img, main script").count() == 0
        assert await reader.locator("[href^='javascript' i]").count() == 0
        await reader.set_viewport_size({"width": 320, "height": PHONE["height"]})
        assert await too_wide(reader) == []


async def test_a_session_that_ended_while_writing_costs_no_word(people: People) -> None:
    page, customer = await people.new_customer()
    people.watch.allow(401, 409)
    await page.goto("/tickets/new")
    await _fill_in(page)
    await _end_other_sessions(customer.api)
    await page.get_by_role("button", name="Send").click()

    await page.locator("input[name=email]").fill(customer.email)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.locator("input[name=password]").press("Enter")
    await expect(page.locator("main")).to_contain_text("It shows error 500")
    await page.get_by_role("button", name="Send it now").click()
    await page.wait_for_url(re.compile(r"/tickets/[0-9a-f-]{36}"))
    [ticket] = await _tickets(customer)
    assert ticket["subject"] == SUBJECT
    [message] = await _messages(customer.api, ticket["id"])
    assert message["text"] == MESSAGE


async def test_a_ticket_is_set_aside_taken_up_closed_and_opened_again(
    people: People,
) -> None:
    page, customer = await people.new_customer()
    ticket = await _ask(customer.api)
    staff = await people.staff("support")
    state = staff.locator("#ticket")
    await staff.goto(f"/staff/tickets/{ticket['id']}")
    await staff.get_by_role("button", name="Put on hold").click()
    await expect(state).to_contain_text("On hold")

    await page.goto(f"/tickets/{ticket['id']}")
    await page.locator("#message").fill("Any news?")
    await _send(page)
    await expect(state).to_contain_text("Customer reply")
    await staff.get_by_role("button", name="Close the ticket").click()
    await expect(page.locator("#ticket")).to_contain_text("Closed")
    await page.get_by_role("button", name="Open again").click()
    await expect(page.locator("#ticket")).to_contain_text("Open")


async def test_who_logs_in_on_the_way_to_close_a_ticket_comes_to_it(
    people: People,
) -> None:
    page, customer = await people.new_customer()
    ticket = await _ask(customer.api)
    await page.goto(f"/tickets/{ticket['id']}/close")
    assert page.url.endswith(f"/tickets/{ticket['id']}")
    await expect(page.locator("#ticket")).to_contain_text("Open")


async def test_a_department_says_how_soon_it_answers(people: People) -> None:
    page = await people.customer()
    await page.goto("/tickets/new")
    await page.locator("#department").select_option("finance")
    await expect(page.locator("#priority")).to_contain_text("Answer within 3 days")
    await page.get_by_label("Urgent").check(force=True)
    await page.locator("#department").select_option("support")
    await expect(page.locator("#priority")).to_contain_text("Answer within 30 minutes")
    await expect(page.get_by_label("Urgent")).to_be_checked()


async def test_a_ticket_about_an_invoice_names_it(people: People) -> None:
    api = await people.portal.api_of("customer")
    invoice = (await api.get("/invoices"))["items"][0]
    page = await people.customer()
    await page.goto(f"/tickets/new?department=finance&invoice={invoice['id']}")
    await expect(page.locator("#department")).to_have_value("finance")
    await expect(page.get_by_label(f"Invoice {invoice['number']}")).to_be_checked()


async def test_a_proof_is_a_file_so_it_is_asked_for_and_costs_no_word(
    people: People,
) -> None:
    people.watch.allow(422)
    page, customer = await people.new_customer(javascript=False)
    await page.goto("/tickets/new?proof=1&department=finance&subject=My+transfer")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Send the proof")
    await expect(page.locator("#priority")).to_have_count(0)
    await page.locator("#message").fill(MESSAGE)
    # As a browser would that knows nothing of required fields.
    await page.locator("main form").evaluate("form => { form.noValidate = true }")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("#files-fault")).to_have_text("Please choose the file")
    await expect(page.locator("#message")).to_have_value(MESSAGE)
    assert await _tickets(customer) == []
    await page.locator("#files").set_input_files(_png("receipt.png", PROOF))
    await _send(page)
    [ticket] = await _tickets(customer)
    assert (ticket["subject"], ticket["priority"]) == ("My transfer", "medium")


async def test_other_peoples_tickets_and_files_are_not_there(people: People) -> None:
    page, _ = await people.new_customer()
    people.watch.allow(404)
    api = await people.portal.api_of("customer")
    listed = (await api.get("/tickets"))["items"]
    tickets = [await api.get(f"/tickets/{ticket['id']}") for ticket in listed]
    [file, *_] = [
        file
        for ticket in tickets
        for message in ticket["messages"]
        for file in message["attachments"]
    ]
    for path in (await first_of(api, "/tickets"), f"/attachments/{file['id']}"):
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status == 404
        await expect(page.locator("h1")).to_have_text("Page not found")


async def _fill_in(page: Page) -> None:
    await page.locator("#department").select_option("support")
    await page.locator("#subject").fill(SUBJECT)
    await page.locator("#message").fill(MESSAGE)


async def _send(page: Page) -> None:
    await page.get_by_role("button", name="Send").click()
    await page.wait_for_url(re.compile(r"/tickets/[0-9a-f-]{36}"))


def _png(name: str, content: bytes) -> FilePayload:
    return FilePayload(name=name, mimeType="image/png", buffer=content)


async def _expect_a_download(page: Page) -> None:
    """Check that the page's file is never shown, whatever a browser makes of it."""
    path = await page.locator("a[download]").get_attribute("href")
    assert path is not None
    answer = await page.request.get(path)
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def _ask(api: Api, **details: object) -> Json:
    body = {
        "department": "support",
        "subject": SUBJECT,
        "message": MESSAGE,
        "priority": "urgent",
        **details,
    }
    return await api.post("/tickets", body)


async def _tickets(customer: Customer) -> list[Json]:
    return (await customer.api.get("/tickets"))["items"]


async def _messages(api: Api, ticket_id: str) -> list[Json]:
    return (await api.get(f"/tickets/{ticket_id}"))["messages"]


async def _end_other_sessions(api: Api) -> None:
    for session in (await api.get("/sessions"))["items"]:
        if not session["current"]:
            await api.call("DELETE", f"/sessions/{session['id']}")
