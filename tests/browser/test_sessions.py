"""Sessions that end while a page is open: nothing is erased, nothing typed is lost."""

from playwright.async_api import FilePayload, Page, expect

from tests.browser.portal import Login, People, log_in
from tests.e2e.client import PROOF
from tests.e2e.journey import PASSWORD, Customer, order

SCREENSHOT = FilePayload(name="screen.png", mimeType="image/png", buffer=PROOF)


async def end_session(page: Page, customer: Customer) -> None:
    """End the browser's session from elsewhere, and wait until it is over here."""
    sessions = (await customer.api.get("/sessions"))["items"]
    [here] = [each for each in sessions if each["kind"] == "browser"]
    await customer.api.call("DELETE", f"/sessions/{here['id']}")
    other = await page.context.new_page()
    while True:
        await other.goto("/")
        if other.url.endswith("/login?next=%2F"):
            break
    await other.close()


async def test_a_page_that_refreshes_itself_after_the_end_stays_as_it_is(
    people: People,
) -> None:
    page, customer = await people.new_customer()
    await order(customer)
    await page.goto("/services")
    table = page.locator("#services table tbody tr")
    await expect(table).to_have_count(1)
    await end_session(page, customer)
    people.watch.allow(401)
    async with page.expect_response("**/services") as refreshed:
        await page.evaluate(
            "document.body.dispatchEvent(new CustomEvent('live-service'))"
        )
    assert (await refreshed.value).status == 401
    await expect(table).to_have_count(1)


async def test_a_choice_made_after_the_end_is_there_again_after_the_log_in(
    people: People,
) -> None:
    page, customer = await people.new_customer()
    await page.goto("/order/vps-2")
    await end_session(page, customer)
    people.watch.allow(401)
    await page.get_by_label("How many").fill("3")
    await page.get_by_label("How many").blur()
    await page.wait_for_url("**/login?next=*")
    await log_in(page, Login(customer.email, PASSWORD))
    await expect(page.get_by_label("How many")).to_have_value("3")
    await expect(page.locator("#summary")).to_contain_text("\u00d7 3")


async def test_a_ticket_with_a_file_survives_the_end_of_its_session(
    people: People,
) -> None:
    page, customer = await people.new_customer()
    await page.goto("/tickets/new")
    await page.get_by_label("Department").select_option("support")
    await page.get_by_label("Subject").fill("My site is slow")
    await page.get_by_label("Message").fill("Since yesterday.\n\nThanks")
    await page.locator("input[type=file]").set_input_files(SCREENSHOT)
    await end_session(page, customer)
    people.watch.allow(401, 409)
    await page.locator("main form button[type=submit]").click()
    await expect(page.get_by_role("alert")).to_contain_text("what you typed is kept")
    await page.get_by_label("E-mail").fill(customer.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.locator("main").get_by_role("button", name="Log in").click()
    await expect(page.locator("main")).to_contain_text("Since yesterday.")
    await page.get_by_label("Files").set_input_files(SCREENSHOT)
    await page.get_by_role("button", name="Send it now").click()
    await expect(page.locator("main")).to_contain_text("We have your request")
    await expect(page.get_by_role("link", name="screen.png")).to_be_visible()
    api = await customer.api.log_in(customer.email, PASSWORD)
    assert len((await api.get("/tickets"))["items"]) == 1


async def test_logging_out_leaves_nothing_behind_the_back_button(
    people: People,
) -> None:
    page, customer = await people.new_customer()
    await page.goto("/profile")
    await page.locator("details[data-menu] summary", has_text="Ana Souza").click()
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_text("You are logged out.")).to_be_visible()
    await page.go_back()
    await page.wait_for_url("**/login?next=%2Fprofile")
    assert customer.email not in await page.content()
