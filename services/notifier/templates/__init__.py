"""How a mail reads: one template for each, written once and rendered as HTML and text.

A template says what the mail says with the parts of `parts.html` or `parts.txt`. Its
sentences are English; `pt_BR.po` has them in Portuguese. User text is only ever data:
escaped in HTML, as it is in text.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Protocol, cast

import css_inline
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.notifier.domain.languages import Language
from services.notifier.domain.mails import Content, Mail, MailCopy
from services.notifier.templates import wording

FOLDER = Path(__file__).parent
#: Stands where a link's secret stood, in the copies that are kept.
MASK = "********"

_INLINER = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes, and where the links of the mails lead."""

    company: str
    portal_url: str


class Writer:
    """Writes mails in one language."""

    def __init__(self, language: Language, letterhead: Letterhead) -> None:
        self.language = language
        self.letterhead = letterhead

    def write(self, mail: Mail, content: Content, *, token: str = MASK) -> MailCopy:
        """Return what the mail says; `token` is the secret of its link, if it has one.

        The HTML goes last through the inliner, since many mail programs know no
        style sheets.
        """
        values = self._values(mail, content, token)
        name = f"{mail.template}.jinja"
        text = self._as_text.get_template(name)
        subject = "".join(text.blocks["subject"](text.new_context(values)))
        html = self._as_html.get_template(name).render(values)
        return MailCopy(
            subject=" ".join(subject.split()),
            text=wording.tidy(text.render(values)),
            html=_INLINER.inline(html),
        )

    def _values(self, mail: Mail, content: Content, token: str) -> dict[str, object]:
        return {
            **content,
            "recipient": mail.recipient,
            "name": wording.greeting_name(mail.recipient.name),
            "time_zone": mail.time_zone,
            "token": token,
            "company": self.letterhead.company,
            "portal_url": self.letterhead.portal_url,
            "language": self.language,
        }

    @cached_property
    def _as_text(self) -> Environment:
        return _environment(self.language, html=False)

    @cached_property
    def _as_html(self) -> Environment:
        return _environment(self.language, html=True)


def _environment(language: Language, *, html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=html,  # noqa: S701 - the text twin is no HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do", "jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    sentences = translations_of(language)
    cast("_Translatable", environment).install_gettext_callables(
        sentences.gettext, sentences.ngettext, newstyle=True
    )
    environment.filters.update(wording.filters(language, html=html))
    environment.tests["positive"] = wording.is_positive
    kind = "html" if html else "txt"
    shared = cast("dict[str, object]", environment.globals)
    shared["layout"] = f"layout.{kind}"
    shared["part"] = environment.get_template(f"parts.{kind}").module
    shared["terms"] = environment.get_template("terms.jinja").module
    return environment


class _Translatable(Protocol):
    """What the i18n extension adds to an environment."""

    def install_gettext_callables(
        self,
        gettext: Callable[[str], str],
        ngettext: Callable[[str, str, int], str],
        *,
        newstyle: bool,
    ) -> None: ...


def translations_of(language: Language) -> NullTranslations:
    """Return our sentences in a language; English is what the templates hold."""
    if language is Language.EN:
        return NullTranslations()
    with (FOLDER / "pt_BR.po").open("rb") as source:
        catalog = read_po(source, locale="pt_BR")
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Translations(compiled)
