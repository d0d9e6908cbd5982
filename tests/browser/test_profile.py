"""Registration and profile in a browser: a second press or reload changes nothing."""

from playwright.async_api import expect

from tests.browser.portal import People
from tests.e2e.client import new_email
from tests.e2e.journey import PASSWORD


async def test_a_saved_profile_is_shown_and_a_reload_sends_nothing(
    people: People,
) -> None:
    page, customer = await people.new_customer()
    await page.goto("/profile")
    await page.get_by_label("Company").fill("Aurora & Co. <b>")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Your profile has been saved.")).to_be_visible()
    await customer.api.call("PATCH", "/me", {"company": "Changed since"})
    await page.reload()
    await expect(page.get_by_label("Company")).to_have_value("Changed since")
    await expect(page.get_by_text("Your profile has been saved.")).to_have_count(0)


async def test_a_profile_in_another_language_is_shown_in_it_at_once(
    people: People,
) -> None:
    page, _ = await people.new_customer()
    await page.goto("/profile")
    form = page.locator("form[action='/profile']")
    await form.get_by_label("Language").select_option("pt-BR")
    await form.get_by_role("button", name="Save").click()
    await expect(page.locator("h1")).to_have_text("Perfil")
    await expect(page.locator("html")).to_have_attribute("lang", "pt-BR")


async def test_registering_with_two_quick_presses_leads_to_one_account(
    people: People,
) -> None:
    page, email = await people.visitor(), new_email()
    await page.goto("/register")
    await page.get_by_label("Full name").fill("Ana Souza")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Create my account").dblclick()
    await expect(page.locator("h1")).to_have_text("Hello, Ana Souza")
    await expect(page.locator("main")).to_contain_text(email)
    await page.go_back()
    await page.wait_for_url(lambda url: not url.endswith("/register"))


async def test_what_was_refused_is_reached_by_the_keyboard_alone(
    people: People,
) -> None:
    page = await people.visitor()
    people.watch.allow(422)
    await page.goto("/register")
    await page.get_by_label("Full name").fill("Ana Souza")
    await page.get_by_label("E-mail").fill(new_email())
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_label("Tax ID").fill("123")
    await page.get_by_label("Country").select_option("BR")
    await page.get_by_label("Tax ID").press("Enter")
    await expect(page.locator("#faults")).to_be_focused()
    tax_id = page.get_by_label("Tax ID")
    await expect(tax_id).to_have_value("123")
    await expect(tax_id).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("Password")).to_have_value("")
