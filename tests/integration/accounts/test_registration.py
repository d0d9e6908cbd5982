"""Registration, and the proof of the e-mail."""

import asyncio

from tests.integration.accounts.stage import PASSWORD, Stage, registration, with_field

#: Each is refused, by the name of the field.
BAD_FIELDS: list[tuple[str, object]] = [
    ("email", "no address"),
    ("email", "ana@localhost"),
    ("email", "á@example.com"),
    ("email", "ana@exa\nmple.com"),
    ("email", f"{'a' * 250}@example.com"),
    ("email", 1),
    ("email", None),
    ("password", "too short"),
    ("password", "x" * 201),
    ("password", ["list"]),
    ("name", ""),
    ("name", "   "),
    ("name", "Ana\r\nBcc: all@example.com"),
    ("name", "x" * 201),
    ("name", "nul\x00"),
    ("company", ""),
    ("company", "x" * 201),
    ("tax_id", "123.456.789-00"),
    ("tax_id", "11.222.333/0001-82"),
    ("tax_id", "x" * 40),
    ("country", "XX"),
    ("country", "br"),
    ("country", "Brazil"),
    ("currency", "EUR"),
    ("currency", "brl"),
    ("language", "de"),
    ("time_zone", "Mars/Olympus"),
    ("time_zone", "../../etc/passwd"),
    ("phone", "call me"),
    ("phone", "1" * 40),
    ("address", "Rua A"),
    ("address.line1", ""),
    ("address.city", None),
    ("address.postal_code", "1" * 21),
    ("address.planet", "Mars"),
    ("totp_code", "123456"),
    ("credit", "1000000.00"),
]


async def test_a_visitor_becomes_a_customer_with_one_person(stage: Stage) -> None:
    answer = await stage.visitor().post(
        "/customers",
        registration(
            company="Padaria Souza",
            tax_id="529.982.247-25",
            phone="+55 11 99999-0000",
            address={"line1": "Rua A, 1", "city": "São Paulo", "region": "SP"},
        ),
    )
    assert answer.status == 201
    assert answer.body["email"] == "ana@example.com"
    assert answer.body["language"] == "pt-BR"
    assert answer.body["time_zone"] == "America/Sao_Paulo"
    assert answer.body["tax_id"] == "529.982.247-25"
    [person] = answer.body["people"]
    assert person["permissions"] == ["account", "billing", "services", "tickets"]
    assert person["email_verified"] is False


async def test_a_registration_tells_the_whole_state_and_asks_for_proof(
    stage: Stage,
) -> None:
    _, customer_id = await stage.register(address={"line1": "Rua A", "city": "Santos"})
    registered, requested = await stage.events()
    assert registered.type == "accounts.customer.registered.v1"
    assert (registered.subject, registered.version) == (customer_id, 1)
    assert registered.data["address"]["city"] == "Santos"
    assert registered.data["contacts"][0]["email_verified"] is False
    assert requested.type == "accounts.email_verification.requested.v1"
    assert requested.data["customer_id"] == str(customer_id)


async def test_language_and_currency_can_be_chosen(stage: Stage) -> None:
    answer = await stage.visitor().post(
        "/customers",
        registration(
            country="DE", currency="USD", language="pt-BR", time_zone="Europe/Berlin"
        ),
    )
    assert answer.body["language"] == "pt-BR"
    assert answer.body["time_zone"] == "Europe/Berlin"


async def test_elsewhere_english_is_spoken_and_any_tax_id_will_do(stage: Stage) -> None:
    answer = await stage.visitor().post(
        "/customers", registration(country="DE", currency="USD", tax_id="DE 123/456")
    )
    assert answer.status == 201
    assert answer.body["language"] == "en"


async def test_each_bad_field_is_refused_by_its_name(stage: Stage) -> None:
    address = {"line1": "Rua A", "city": "Santos"}
    bodies = [
        with_field(registration(address=address), field, value)
        for field, value in BAD_FIELDS
    ]
    refusals = await stage.visitor().refusals("POST", "/customers", bodies)
    assert refusals == [(422, [field]) for field, _ in BAD_FIELDS]
    assert await stage.events() == []


async def test_each_required_field_is_asked_for(stage: Stage) -> None:
    required = ("email", "password", "name", "country", "currency")
    bodies = [
        {name: value for name, value in registration().items() if name != missing}
        for missing in required
    ]
    refusals = await stage.visitor().refusals("POST", "/customers", bodies)
    assert refusals == [(422, [field]) for field in required]


async def test_all_broken_rules_are_told_at_once(stage: Stage) -> None:
    body = registration(email="x@y", password="short", country="XX", currency="EUR")
    answer = await stage.visitor().post("/customers", body)
    assert sorted(answer.fields) == ["country", "currency", "email", "password"]


async def test_an_email_is_used_once_whatever_its_case(stage: Stage) -> None:
    await stage.register(email="Ana@Example.com")
    again = await stage.visitor().post("/customers", registration())
    assert (again.status, again.problem) == (409, "EmailInUse")
    assert again.fields == ["email"]


async def test_of_twenty_registrations_at_once_one_gets_the_email(stage: Stage) -> None:
    answers = await asyncio.gather(
        *(
            stage.visitor(f"192.0.2.{n}").post("/customers", registration())
            for n in range(20)
        )
    )
    assert sorted(answer.status for answer in answers) == [201] + [409] * 19
    assert len(await stage.events("customer.registered")) == 1


async def test_a_repeated_registration_gets_the_first_answer_again(
    stage: Stage,
) -> None:
    visitor, key = stage.visitor(), {"Idempotency-Key": "my-registration"}
    first = await visitor.post("/customers", registration(), **key)
    second = await visitor.post("/customers", registration(), **key)
    assert (second.status, second.body) == (201, first.body)


async def test_an_address_may_register_sixty_an_hour(stage: Stage) -> None:
    visitor = stage.visitor()
    taken = registration(email=(await stage.register())[0])
    for _ in range(60):
        assert (await visitor.post("/customers", taken)).status == 409
    refused = await visitor.post("/customers", registration())
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "3600"
    stage.pass_time(hours=1)
    assert (await visitor.post("/customers", registration())).status == 201


async def test_the_mailed_link_verifies_the_email_and_may_be_followed_twice(
    stage: Stage,
) -> None:
    await stage.register()
    token = await stage.verification_token()
    for _ in range(2):
        answer = await stage.visitor().post("/email-verifications", {"token": token})
        assert answer.status == 204
    [updated] = await stage.events("customer.updated")
    assert updated.version == 2
    assert updated.data["contacts"][0]["email_verified"] is True


async def test_a_made_up_link_verifies_nothing(stage: Stage) -> None:
    await stage.register()
    tokens = ["x", "A" * 64, "\u00e1" * 64, "=" * 64, "", "x" * 201, 1, None]
    bodies = [{"token": token} for token in tokens]
    refusals = await stage.visitor().refusals("POST", "/email-verifications", bodies)
    assert refusals == [(422, ["token"])] * len(tokens)


async def test_a_reset_link_is_no_verification_link(stage: Stage) -> None:
    email, _ = await stage.register()
    await stage.visitor().post("/password-resets", {"email": email})
    token = await stage.reset_token()
    answer = await stage.visitor().post("/email-verifications", {"token": token})
    assert (answer.status, answer.fields) == (422, ["token"])


async def test_a_verification_link_expires_after_three_days(stage: Stage) -> None:
    await stage.register()
    token = await stage.verification_token()
    stage.pass_time(days=3)
    answer = await stage.visitor().post("/email-verifications", {"token": token})
    assert (answer.status, answer.problem) == (422, "LinkNotValid")


async def test_the_link_can_be_had_again_five_times_an_hour(stage: Stage) -> None:
    client = await stage.signed_in()
    for _ in range(5):
        answer = await client.post("/email-verifications/requests")
        assert answer.status == 202
    assert (await client.post("/email-verifications/requests")).status == 429
    assert len(await stage.events("email_verification")) == 6


async def test_a_verified_email_needs_no_link(stage: Stage) -> None:
    client = await stage.signed_in()
    token = await stage.verification_token()
    await client.post("/email-verifications", {"token": token})
    answer = await client.post("/email-verifications/requests")
    assert (answer.status, answer.problem) == (409, "EmailVerifiedAlready")


async def test_no_password_or_token_is_stored_or_told(stage: Stage) -> None:
    visitor = stage.visitor()
    await visitor.post(
        "/customers", registration(), **{"Idempotency-Key": "registration-1"}
    )
    verify = await stage.verification_token()
    await visitor.post("/email-verifications", {"token": verify})
    await visitor.log_in("ana@example.com")
    await visitor.post("/password-resets", {"email": "ana@example.com"})
    reset = await stage.reset_token()
    stored = await stage.everything_stored()
    for secret in (PASSWORD, verify, reset, visitor.refresh_token):
        assert secret not in stored
