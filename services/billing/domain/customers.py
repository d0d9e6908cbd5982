"""Who buys: a customer as accounts tells of one."""

from dataclasses import dataclass
from uuid import UUID

from services.billing.domain.invoices import Party


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Version 0 is a customer we know by token alone: the details are on their way."""

    id: UUID
    version: int = 0
    name: str | None = None
    company: str | None = None
    tax_id: str | None = None
    country: str | None = None
    currency: str | None = None
    language: str = "en"
    time_zone: str | None = None
    email: str | None = None
    phone: str | None = None
    address: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        return self.version > 0


def buyer(customer: Customer) -> Party:
    """Return the customer's details as an invoice freezes them."""
    return Party(
        name=customer.name or "",
        company=customer.company,
        tax_id=customer.tax_id,
        email=customer.email,
        country=customer.country,
        language=customer.language,
        address=customer.address,
    )
