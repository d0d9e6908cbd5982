"""Errors tell template from values, so that clients can say them in any language."""

import re

import pytest

from tests.support.texts import ROOT, Site, placeholders, sites

SITES = list(sites())


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.place)
def test_an_errors_text_is_a_literal_template(site: Site) -> None:
    assert site.template is not None, "give the template as it stands, values by name"


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.place)
def test_an_error_is_given_the_values_that_its_template_names(site: Site) -> None:
    assert placeholders(site.template or "") == site.values


def test_errors_are_found_in_every_package() -> None:
    packages = {site.place.partition("/")[0] for site in SITES}
    assert packages == {"chassis", "contracts", "services", "gateway"}


def test_a_models_validator_says_what_is_wrong_in_a_template_too() -> None:
    modules = (ROOT / "contracts/api").rglob("*.py")
    plain = [m.name for m in modules if re.search(r"raise ValueError", m.read_text())]
    assert plain == []
