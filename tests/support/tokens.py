"""Access tokens for tests, and the keys that verify them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from joserfc.jwk import KeySet, KeySetSerialization, OKPKey

from chassis.clock import Clock
from chassis.http import Principal
from chassis.ids import uuid7
from chassis.tokens import LIFETIME, FixedKeys, TokenVerifier, public_keys, sign_token

ISSUER = "clientarea"
KEY = OKPKey.generate_key("Ed25519", auto_kid=True)
#: What accounts would publish at `/.well-known/jwks.json`.
JWKS: KeySetSerialization = public_keys(KEY)

CUSTOMER_PERMISSIONS = ("account", "services", "billing", "tickets")


def a_customer(
    *permissions: str,
    customer_id: UUID | None = None,
    user_id: UUID | None = None,
    locale: str = "en",
    currency: str = "BRL",
    country: str = "BR",
) -> Principal:
    """Return somebody acting for a customer; with every permission unless named."""
    return Principal(
        kind="customer",
        user_id=user_id or uuid7(),
        customer_id=customer_id or uuid7(),
        session_id=uuid7(),
        permissions=frozenset(permissions or CUSTOMER_PERMISSIONS),
        locale=locale,
        currency=currency,
        country=country,
    )


def a_staff_member(*permissions: str, user_id: UUID | None = None) -> Principal:
    """Return a member of staff with these permissions."""
    return Principal(
        kind="staff",
        user_id=user_id or uuid7(),
        customer_id=None,
        session_id=uuid7(),
        permissions=frozenset(permissions),
    )


def token_of(
    principal: Principal,
    *,
    key: OKPKey = KEY,
    issuer: str = ISSUER,
    now: datetime | None = None,
    lifetime: timedelta = LIFETIME,
) -> str:
    """Return the access token that accounts would give this principal."""
    return sign_token(
        key, principal, issuer=issuer, now=now or datetime.now(UTC), lifetime=lifetime
    )


def bearer(principal: Principal) -> dict[str, str]:
    """Return the headers of a request by this principal."""
    return {"Authorization": f"Bearer {token_of(principal)}"}


def a_verifier(clock: Clock | None = None) -> TokenVerifier:
    """Return a verifier that trusts the tokens made here."""
    keys = FixedKeys(KeySet.import_key_set(JWKS))
    return TokenVerifier(keys, issuer=ISSUER, clock=clock or Clock())
