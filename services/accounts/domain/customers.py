"""Customers: the contracting party, its contact information, and what it must be."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import cache
from uuid import UUID
from zoneinfo import available_timezones

import pycountry
from stdnum.br import cnpj, cpf

from chassis.errors import FieldError, RuleViolated

#: Where Portuguese is what people expect.
_LUSOPHONE = frozenset(("AO", "BR", "CV", "GW", "MZ", "PT", "ST", "TL"))
#: Names in the time-zone database that name no place's time.
_NOT_A_ZONE = frozenset(("Factory", "localtime"))


class Language(StrEnum):
    EN = "en"
    PT_BR = "pt-BR"


class InvalidDetails(RuleViolated):
    """Something in the details is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the company decides about its customers' details."""

    currencies: frozenset[str]
    default_time_zone: str
    minimum_password_length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    line1: str
    line2: str | None = None
    city: str
    region: str | None = None
    postal_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """A customer's contact information."""

    name: str
    company: str | None = None
    tax_id: str | None = None
    country: str
    currency: str
    language: Language
    time_zone: str
    phone: str | None = None
    address: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """The contracting party; people act for it."""

    id: UUID
    details: Details
    version: int


@dataclass(frozen=True, slots=True)
class Change:
    """One field's value before and after."""

    before: object
    after: object


def default_language(country: str) -> Language:
    return Language.PT_BR if country in _LUSOPHONE else Language.EN


def detail_faults(details: Details, rules: Rules) -> list[FieldError]:
    """Return what is wrong with the details, one fault for each field."""
    faults: list[FieldError] = []
    if pycountry.countries.get(alpha_2=details.country) is None:
        faults.append(FieldError("country", "must be an ISO 3166-1 code, such as BR"))
    if details.currency not in rules.currencies:
        offered = sorted(rules.currencies)
        faults.append(
            FieldError("currency", "must be one of {offered}", offered=offered)
        )
    if details.time_zone not in _time_zones():
        faults.append(
            FieldError("time_zone", "must be an IANA name, such as America/Sao_Paulo")
        )
    if details.country == "BR" and not _is_brazilian_tax_id(details.tax_id):
        faults.append(FieldError("tax_id", "must be a valid CPF or CNPJ"))
    return faults


def change_details(customer: Customer, details: Details, rules: Rules) -> Customer:
    """Return the customer with new details; what isn't touched isn't judged anew."""
    touched = set(changes_between(customer.details, details))
    if "country" in touched:
        touched.add("tax_id")
    faults = detail_faults(details, rules)
    refuse(fault for fault in faults if fault.field in touched)
    if not touched:
        return customer
    return replace(customer, details=details, version=customer.version + 1)


def new_version(customer: Customer) -> Customer:
    """Return the customer as it is after its people changed."""
    return replace(customer, version=customer.version + 1)


def changes_between(before: Details, after: Details) -> Mapping[str, Change]:
    """Return the fields that differ."""
    pairs = {
        field.name: Change(getattr(before, field.name), getattr(after, field.name))
        for field in fields(Details)
    }
    return {name: pair for name, pair in pairs.items() if pair.before != pair.after}


def refuse(faults: Iterable[FieldError]) -> None:
    """Raise InvalidDetails naming every fault, if there is any."""
    found = tuple(faults)
    if found:
        raise InvalidDetails.of(found)


def search_words(*texts: str | None) -> frozenset[str]:
    """Return the words under which something is found: plain letters, lower case.

    Documents are found with and without their punctuation.
    """
    plain = [_plain(text) for text in texts if text]
    joined = {re.sub(r"[\W_]+", "", text) for text in plain if " " not in text}
    return frozenset(joined.union(*(_words(text) for text in plain)) - {""})


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c)).strip()


def _words(text: str) -> set[str]:
    return set(re.split(r"[\W_]+", text))


def _is_brazilian_tax_id(tax_id: str | None) -> bool:
    # Registration asks for no document; the first invoice's rules may.
    if tax_id is None:
        return True
    # One digit repeated satisfies the check digits, but no such document exists.
    repeated = len(set(re.sub(r"\W", "", tax_id))) == 1
    return not repeated and (cpf.is_valid(tax_id) or cnpj.is_valid(tax_id))


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones() - _NOT_A_ZONE)
