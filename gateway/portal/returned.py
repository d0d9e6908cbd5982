"""Forms that couldn't be taken: shown again to whoever typed them, and sent once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from yarl import URL

from gateway.portal.carrying import fields_kept
from gateway.portal.choices import countries
from gateway.portal.forms import CSRF_FIELD, KEPT_FIELD, USER_FIELD, VISITOR, Form
from gateway.portal.languages import LANGUAGES, N_, gettext
from gateway.portal.visit import Visit
from gateway.portal.wording import label

#: What people type or choose, by what its form calls it; all else comes along unseen.
_LABELS: Mapping[str, str] = {
    "subject": N_("Subject"),
    "message": N_("Message"),
    "note": N_("Note"),
    "priority": N_("Priority"),
    "name": N_("Name"),
    "email": N_("E-mail"),
    "company": N_("Company"),
    "tax_id": N_("Tax ID"),
    "phone": N_("Phone"),
    "country": N_("Country"),
    "address.line1": N_("Street and number"),
    "address.line2": N_("Address line 2"),
    "address.city": N_("City"),
    "address.region": N_("State or region"),
    "address.postal_code": N_("Postal code"),
    "items.0.period": N_("Billing period"),
    "items.0.quantity": N_("How many"),
    "items.0.label": N_("Name for this service"),
    "amount.amount": N_("Amount"),
    "method": N_("How do you want to pay?"),
    "credit": N_("Credit"),
    "bank_account": N_("Bank account"),
    "bank_reference": N_("Bank reference"),
    "reason": N_("Reason"),
    **{f"title.{language}": N_("Title") for language in LANGUAGES},
    **{f"body.{language}": N_("Text") for language in LANGUAGES},
    "slug": N_("Name in the web address"),
}
#: Of these the value is a word of the API.
_KINDS: Mapping[str, str] = {
    "items.0.period": "period",
    "method": "method",
    "priority": "priority",
}


@dataclass(frozen=True, slots=True)
class Returned:
    """A form as it is given back."""

    csrf_token: str
    user: str
    key: str
    fields: Sequence[tuple[str, str]]
    #: The names of those that came with it, and are kept.
    files: Sequence[str]
    #: Where files were chosen; those that aren't kept have to be chosen again.
    file_fields: Sequence[str]

    @classmethod
    def of(cls, form: Form, csrf_token: str, user: str) -> "Returned":
        return cls(
            csrf_token=csrf_token,
            user=user,
            key=form.key,
            fields=[
                *((name, value) for name, value in fields_kept(form) if value.strip()),
                *((KEPT_FIELD, file.kept_as) for file in form.files if file.id),
            ],
            files=[file.name for file in form.files if file.id],
            file_fields=[name for name, values in form.values.items() if not values],
        )

    @property
    def shown(self) -> Iterator[tuple[str, str]]:
        """Yield label and text of what was typed or chosen."""
        for name, value in self.fields:
            if name in _LABELS:
                yield gettext(_LABELS[name]), _said(name, value)


def has_typed(form: Form) -> bool:
    """Tell whether anything would be lost; else it was a button, easily found again."""
    return any(name in _LABELS and value.strip() for name, value in fields_kept(form))


def is_theirs(visit: Visit, form: Form) -> bool:
    """Tell whether whoever is here typed the form; a visitor's is anybody's.

    The form's own word is taken for it: who forges it reads what they sent themselves.
    """
    return form[USER_FIELD] in (VISITOR, visit.user_mark)


def give_back(
    visit: Visit,
    path: str,
    form: Form,
    *,
    why: str,
    status: int = HTTPStatus.CONFLICT,
    as_it_came: bool = False,
    still_running: bool = False,
) -> web.Response:
    """Show what was typed, to be sent on to its page with one more press.

    `as_it_came` leaves its own marks: whose session it is may be unknown. What is
    `still_running` has been sent: the press leads to what became of it.
    """
    token, user = visit.csrf_token, visit.user_mark
    if as_it_came:
        token, user = form[CSRF_FIELD], form[USER_FIELD]
    return visit.render(
        "session/returned.html",
        status=status,
        path=path,
        why=why,
        returned=Returned.of(form, token, user),
        still_running=still_running,
        back=page_before(visit),
    )


def page_before(visit: Visit) -> str:
    """Return the page of ours that the form or link was on; else the first page."""
    before = visit.request.headers.get("Referer", "")
    if not is_of_site(before, visit.portal.settings.public_url):
        return "/"
    return local_path(URL(before).raw_path_qs)


def is_of_site(address: str, public_url: str) -> bool:
    """Tell whether an address is of this site; what is none, such as `null`, isn't."""
    try:
        sent, ours = URL(address), URL(public_url)
    except ValueError:
        return False
    return (sent.scheme, sent.host, sent.port) == (ours.scheme, ours.host, ours.port)


def local_path(path: str) -> str:
    """Return the path if it is one of ours: nobody is led astray from here."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_local and path.isprintable() else "/"


def _said(name: str, value: str) -> str:
    """Return what was typed, or what the chosen is called."""
    if name == "country":
        return dict(countries()).get(value, value)
    return label(value, _KINDS[name]) if name in _KINDS else value
