"""Accounts' API: what it takes and what it answers."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from chassis.http import Body, PageQuery, View
from contracts.api.fields import ONE_LINE, Given, Language, Search, Shape

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    ONE_LINE,
]
Place = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    ONE_LINE,
]
PostalCode = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=20),
    ONE_LINE,
]
Email = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=3, max_length=254)
]
Password = Annotated[str, StringConstraints(min_length=1, max_length=200)]
TaxId = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    Shape(
        r"^[0-9A-Za-z][0-9A-Za-z ./-]{0,31}$",
        "must be a tax number of at most 32 letters, digits, dots, dashes and slashes",
    ),
]
Phone = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    Shape(
        r"^[+(0-9][0-9 ().-]{4,29}$",
        "must be a phone number, such as +55 11 5555-0100",
    ),
]
Country = Annotated[str, Shape(r"^[A-Z]{2}$", "must be an ISO 3166-1 code, such as BR")]
Currency = Annotated[str, Shape(r"^[A-Z]{3}$", "must be an ISO 4217 code, such as BRL")]
TimeZone = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Permission = Literal["account", "services", "billing", "tickets"]
LinkToken = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    Field(description="The `token` of the mailed link."),
]


class PostalAddress(Body):
    """A postal address as the customer writes it."""

    line1: Name
    line2: Name | None = None
    city: Place
    region: Place | None = None
    postal_code: PostalCode | None = None


class RegisterCustomer(Body):
    """A visitor's registration: the contracting party and its first person."""

    email: Email
    password: Annotated[Password, Field(description="10 to 200 characters.")]
    name: Name
    company: Name | None = None
    tax_id: Annotated[
        TaxId | None, Field(description="A valid CPF or CNPJ if the country is BR.")
    ] = None
    country: Annotated[Country, Field(description="ISO 3166-1 alpha-2.")]
    currency: Annotated[Currency, Field(description="One the company sells in.")]
    language: Annotated[
        Language | None, Field(description="By default what the country speaks.")
    ] = None
    time_zone: Annotated[
        TimeZone | None, Field(description="IANA name; by default the company's.")
    ] = None
    phone: Phone | None = None
    address: PostalAddress | None = None


class ChangeMe(Body):
    """New contact information; what isn't named stays, null removes."""

    name: Given[Name] = None
    company: Name | None = None
    tax_id: TaxId | None = None
    country: Given[Country] = None
    currency: Given[Currency] = None
    language: Given[Language] = None
    time_zone: Given[TimeZone] = None
    phone: Phone | None = None
    address: PostalAddress | None = None
    email: Annotated[
        Given[Email],
        Field(description="Starts unverified; a verification link is mailed to it."),
    ] = None
    current_password: Annotated[
        Given[Password],
        Field(description="Needed, and only taken, to change the e-mail."),
    ] = None


class VerifyEmail(Body):
    token: LinkToken


class LogIn(Body):
    email: Email
    password: Password


class RefreshSession(Body):
    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class UseBrowserSession(Body):
    session_token: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    is_use: Annotated[
        bool,
        Field(
            description="False where nobody did anything, as when a page that lies "
            "open listens anew: the session lives no longer for it."
        ),
    ] = True


class RequestPasswordReset(Body):
    email: Email


class ResetPassword(Body):
    token: LinkToken
    password: Annotated[Password, Field(description="10 to 200 characters.")]


class ChangePassword(Body):
    current_password: Password
    password: Annotated[Password, Field(description="10 to 200 characters.")]


class SearchCustomers(PageQuery):
    """A page of customers, newest first."""

    q: Annotated[
        Search | None,
        Field(
            description="Beginnings of words of the name, company, e-mail or document."
        ),
    ] = None


class AddressView(View):
    line1: str
    line2: str | None
    city: str
    region: str | None
    postal_code: str | None


class PersonView(View):
    """A person who may act for a customer."""

    id: UUID
    name: str
    email: str
    email_verified: bool
    language: Language
    permissions: list[Permission]


class CustomerView(View):
    """A customer: the contracting party, and the people who act for it."""

    id: UUID
    name: str
    email: Annotated[str | None, Field(description="The first person's.")]
    company: str | None
    tax_id: str | None
    country: str
    currency: str
    language: Language
    time_zone: str
    phone: str | None
    address: AddressView | None
    version: int
    created_at: datetime
    people: list[PersonView]


class MeView(View):
    """Who is signed in, and the contact information of whom they act for."""

    id: Annotated[UUID, Field(description="The user's id.")]
    kind: Literal["customer", "staff"]
    name: str
    email: str
    email_verified: bool
    language: Language
    role: Literal["support", "finance", "admin"] | None
    permissions: list[str]
    customer_id: UUID | None
    company: str | None = None
    tax_id: str | None = None
    country: str | None = None
    currency: str | None = None
    time_zone: str | None = None
    phone: str | None = None
    address: AddressView | None = None


class SessionTokensView(View):
    """A session's tokens: the access token is short-lived, the other renews it once."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a kind of token
    expires_in: Annotated[
        int, Field(description="Seconds that the access token is valid for.")
    ]


class SessionView(View):
    """A signed-in device."""

    id: UUID
    kind: Literal["app", "browser"]
    device: Annotated[str | None, Field(description="What the client calls itself.")]
    address: Annotated[str | None, Field(description="Where it was last seen.")]
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: Annotated[bool, Field(description="Whether this request came from it.")]


class BrowserSessionView(View):
    """A browser's new session."""

    session_token: Annotated[
        str, Field(description="For the browser's cookie; told here alone.")
    ]
    expires_in: Annotated[
        int, Field(description="Seconds that the session lasts at most.")
    ]


class BrowserSessionInUseView(View):
    """A browser's session, with what the gateway needs to act for it."""

    session_id: UUID
    expires_at: Annotated[
        datetime, Field(description="When it ends if it isn't used again.")
    ]
    access_token: str
    expires_in: Annotated[
        int, Field(description="Seconds that the access token is valid for.")
    ]
    me: MeView


class AuditEntryView(View):
    """Something that was done: what, by whom, when, from where."""

    id: UUID
    at: datetime
    actor: Annotated[
        str, Field(description="`customer:<user id>`, `staff:<user id>` or `system:…`.")
    ]
    action: str
    subject: UUID
    details: dict[str, object]
    address: str | None


class PublicKeyView(View):
    """An Ed25519 public key (RFC 8037)."""

    kid: str
    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    use: Literal["sig"]
    alg: str


class PublicKeysView(View):
    """The keys that verify access tokens (a JWK set)."""

    keys: list[PublicKeyView]
