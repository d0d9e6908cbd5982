"""Whole journeys, as people make them: page by page, with the mails that come along."""

import re
from collections.abc import Sequence
from decimal import Decimal
from uuid import uuid4

from playwright.async_api import FilePayload, Page, expect
from yarl import URL

from tests.browser.portal import People
from tests.e2e.client import PROOF, Api, Json, new_email, until
from tests.e2e.journey import PASSWORD, buy

RECEIPT = FilePayload(name="receipt.png", mimeType="image/png", buffer=PROOF)
TICKET = re.compile(r"/tickets/[0-9a-f-]{36}$")
FUNDS = Decimal(50)
#: The mails of an order that is paid by transfer, and where each leads.
MAILS_OF_AN_ORDER = (
    (r"^Confirm your e-mail address$", "/verify-email"),
    (r"^Invoice \S+: .*, due ", "/invoices/"),
    (r"^How to pay ", "/payments/"),
    (r"^\[\S+\] Proof of payment ", "/tickets/"),
    (r"^Payment of .* received: invoice \S+ is paid$", "/payments/"),
    (r" is active$", "/services/"),
    # That it came, and that the ticket is closed with it, in one.
    (r"^Re: \[\S+\] Proof of payment ", "/tickets/"),
)


async def test_a_visitor_becomes_a_customer_whose_hosting_is_paid_by_transfer(
    people: People,
) -> None:
    page = await people.visitor()
    email = await sign_up(page)
    await order_first_product(page)
    await choose_to_pay(page, "Bank transfer")
    payment_page = await page.context.new_page()
    await payment_page.goto(page.url)
    reference = await page.locator("#reference").inner_text()
    await send_proof(page)

    await confirm_with_proof(people, reference)
    await expect(payment_page.get_by_text("Thank you!")).to_be_visible()
    await expect(page.locator("#ticket")).to_contain_text("Closed")
    await expect(page.locator("#conversation")).to_contain_text(reference)

    api = await people.portal.api.log_in(email, PASSWORD)
    await expect_all_paid(api)
    await expect_mails(people, page, email, MAILS_OF_AN_ORDER)


async def test_credit_pays_a_part_of_an_invoice_and_a_deposit_the_rest(
    people: People,
) -> None:
    page, customer = await people.new_customer(language="pt-BR", phone=True)
    await page.goto("/order/vps-2")
    await page.get_by_role("button", name="Contratar agora").click()
    await page.wait_for_url("**/invoices/*")
    invoice_url = page.url
    invoice = await customer.api.get(f"/invoices/{invoice_url.rpartition('/')[2]}")
    total = Decimal(invoice["total"]["amount"])

    await add_funds(page)
    await confirm(people, await page.locator("#reference").inner_text())
    await expect(page.get_by_text("Obrigado!")).to_be_visible()

    await page.goto(invoice_url)
    await expect(page.get_by_label("Usar primeiro o meu crédito")).to_be_checked()
    await choose_to_pay(page, "Depósito")
    [payment, _] = (await customer.api.get("/payments"))["items"]
    assert Decimal(payment["amount"]["amount"]) == total - FUNDS
    await confirm(people, payment["reference"])
    await expect(page.get_by_text("Obrigado!")).to_be_visible()

    paid = await customer.api.get(f"/invoices/{invoice['id']}")
    assert Decimal(paid["credit_applied"]["amount"]) == FUNDS
    await expect_all_paid(customer.api)
    [balance] = (await customer.api.get("/credit"))["balances"]
    assert balance["amount"] == "0.00"
    await page.goto("/credit")
    await expect(page.get_by_role("main")).to_contain_text("R$\N{NO-BREAK SPACE}0,00")


async def test_support_is_asked_and_answers_without_any_script(people: People) -> None:
    page, customer = await people.new_customer(language="pt-BR", javascript=False)
    await choose_dark(page)
    finance = await people.portal.stack.staff("finance")
    service = await buy(customer, finance, bank_reference())
    await ask_about(page, service)
    protocol = await page.locator(".protocol").inner_text()

    await note_and_answer(people, page.url.rpartition("/")[2])
    await page.reload()
    conversation = page.locator("#conversation")
    await expect(conversation).to_contain_text("Já está no ar de novo.")
    assert "só entre nós" not in await page.content()
    state = page.locator("#ticket")
    await expect(state).to_contain_text("Respondido")

    await page.locator("#message").fill("Voltou, obrigado!")
    await page.get_by_role("button", name="Enviar").click()
    await expect(conversation).to_contain_text("Voltou, obrigado!")
    await page.get_by_role("button", name="Fechar chamado").click()
    await expect(state).to_contain_text("Fechado")
    await page.get_by_role("button", name="Reabrir").click()
    await expect(page.get_by_role("button", name="Fechar chamado")).to_be_visible()

    assert await customer.api.get(f"/services/{service['id']}") == service
    mail = await people.portal.mailbox.wait_for(customer.email, f"Re: .*{protocol}")
    assert "Já está no ar de novo." in mail["Text"]
    assert "só entre nós" not in mail["Text"]


async def sign_up(page: Page) -> str:
    """Become a customer by the form; return the address."""
    email = new_email()
    await page.goto("/")
    await page.get_by_role("link", name="Sign up").first.click()
    await page.get_by_label("Full name").fill("Joe Newcomer")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Create my account").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Joe Newcomer")
    return email


async def order_first_product(page: Page) -> None:
    await page.get_by_role("link", name="See the products").click()
    await page.get_by_role("link", name="Choose").first.click()
    await page.get_by_label("Name for this service").fill("joe.example")
    await page.get_by_role("button", name="Order now").click()
    await page.wait_for_url("**/invoices/*")
    await expect(page.get_by_text("Thank you for your order.")).to_be_visible()


async def choose_to_pay(page: Page, method: str) -> None:
    await page.get_by_role("radio", name=method).check()
    await page.locator("button[value=pay]").click()
    await page.wait_for_url("**/payments/*")


async def send_proof(page: Page) -> None:
    """Follow the payment's own way to finance, which leaves nothing to be written."""
    reference = await page.locator("#reference").inner_text()
    await page.get_by_role("link", name="Send the proof").click()
    await expect(page.locator("#department")).to_have_value("finance")
    await expect(page.locator("#subject")).to_have_value(re.compile(reference))
    await expect(page.locator("#message")).to_have_value(re.compile(reference))
    await page.locator("#files").set_input_files(RECEIPT)
    await page.get_by_role("button", name="Send").click()
    await page.wait_for_url(TICKET)


async def add_funds(page: Page) -> None:
    await page.goto("/add-funds")
    await page.get_by_role("radio", name="Depósito").check()
    await page.get_by_label("Valor em BRL").fill("50,00")
    main = page.get_by_role("main")
    await main.get_by_role("button", name="Adicionar fundos").click()
    await page.wait_for_url("**/payments/*")


async def confirm_with_proof(people: People, reference: str) -> None:
    """Open the proof as finance, then say that the money has come."""
    page = await find_payment(people, reference)
    await page.locator("main a[href^='/staff/tickets/']").first.click()
    await expect(page.get_by_role("link", name="receipt.png")).to_be_visible()
    await page.go_back()
    await expect(page.locator("#ticket_id")).not_to_have_value("")
    await say_it_came(page)


async def confirm(people: People, reference: str) -> None:
    await say_it_came(await find_payment(people, reference))


async def find_payment(people: People, reference: str) -> Page:
    """Open it from finance's list, in which it waits."""
    page = await people.staff("finance")
    await page.goto("/staff/payments")
    await page.get_by_role("link", name=reference).click()
    return page


async def say_it_came(page: Page) -> None:
    await page.locator("#bank_reference").fill(bank_reference())
    await page.get_by_role("button", name="Confirm the payment").click()
    await expect(page.get_by_text("The payment is confirmed")).to_be_visible()


async def choose_dark(page: Page) -> None:
    """Choose it at the foot of the page, against the system's own."""
    await page.locator("select[name=theme]").select_option("dark")
    await page.get_by_role("button", name="Aplicar").click()
    await expect(page.locator("html[data-theme=dark]")).to_be_visible()


async def ask_about(page: Page, service: Json) -> None:
    """Open a ticket from the service's page, with a screenshot."""
    await page.goto("/services")
    await page.locator(f"main a[href='/services/{service['id']}']").first.click()
    await page.locator("main").get_by_role("link", name="Abrir chamado").click()
    chosen = page.locator(f"input[value='{service['id']}']")
    await expect(chosen).to_be_checked()
    screenshot = await page.screenshot()
    await expect(page.locator("#department")).to_have_value("support")
    await page.locator("#subject").fill("Meu site está fora do ar")
    await page.locator("#message").fill("Desde hoje cedo; veja a imagem.")
    await page.locator("#files").set_input_files(
        FilePayload(name="tela.png", mimeType="image/png", buffer=screenshot)
    )
    await page.get_by_role("button", name="Enviar").click()
    await page.wait_for_url(TICKET)
    await expect(page.get_by_role("link", name="tela.png")).to_be_visible()


async def note_and_answer(people: People, ticket_id: str) -> None:
    staff = await people.staff("support")
    await staff.goto(f"/staff/tickets/{ticket_id}")
    await expect(staff.get_by_role("link", name="tela.png")).to_be_visible()
    await staff.locator("#note").fill("Isto fica só entre nós.")
    await staff.get_by_role("button", name="Save the note").click()
    await expect(staff.locator(".conversation .note")).to_contain_text("só entre nós")
    await staff.locator("#message").fill("Já está no ar de novo.")
    await staff.get_by_role("button", name="Send the answer").click()
    await expect(staff.locator(".conversation")).to_contain_text("no ar de novo")


async def expect_all_paid(api: Api) -> None:
    """Check that nothing is left to pay, and that what was ordered runs."""
    invoices = (await api.get("/invoices"))["items"]
    assert {each["status"] for each in invoices} == {"paid"}
    assert {each["remaining"]["amount"] for each in invoices} == {"0.00"}
    [service] = (await api.get("/services"))["items"]
    assert service["status"] == "active"


async def expect_mails(
    people: People, page: Page, email: str, expected: Sequence[tuple[str, str]]
) -> None:
    """Check that these mails came, each once, and that their links lead there."""
    mailbox = people.portal.mailbox

    async def all_came() -> list[Json]:
        sent = await mailbox.sent_to(email)
        return sent if len(sent) >= len(expected) else []

    mails = await until(all_came, what=f"{len(expected)} mails to {email}")
    left = list(expected)
    for mail in mails:
        subject = mail["Subject"]
        [kind, *_] = [each for each in left if re.search(each[0], subject)] or [None]
        assert kind, f"a mail too many: {subject}"
        left.remove(kind)
        await expect_link(page, await mailbox.read(mail["ID"]), kind[1])


async def expect_link(page: Page, mail: Json, path: str) -> None:
    [link, *_] = re.findall(r"http\S+", mail["Text"])
    assert URL(link).path.startswith(path), mail["Subject"]
    answer = await page.goto(link)
    assert answer is not None
    assert answer.ok, link
    assert URL(page.url).path == URL(link).path, mail["Subject"]


def bank_reference() -> str:
    return f"BANK-{uuid4().hex[:12]}"
