"""Forms that are given back, and where a log-in may lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from gateway.portal.carrying import carried, carry
from gateway.portal.forms import CSRF_FIELD, KEY_FIELD, SECRETS, USER_FIELD, Form
from gateway.portal.returned import Returned, has_typed, is_of_site, local_path

HERE = URL("https://client.example.com/login")
KEY = "01890000-0000-7000-8000-000000000000"
ANA = "01890000-0000-7000-8000-00000000000a"
BROWSER = "a secret of the browser's"
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
TYPED = st.dictionaries(
    st.sampled_from(["subject", "message", "invoice_id", "items.0.label", "x"]),
    st.lists(TEXT.filter(str.strip), max_size=3),
)
#: What browsers take for the begin of an address elsewhere.
ODD = st.text(st.sampled_from("/\\:.@?#%\t\n\r \u2028x2F"), max_size=12)


@given(ODD | st.text(max_size=20))
def test_a_local_path_stays_at_home_however_a_browser_reads_it(path: str) -> None:
    led = local_path(path)
    assert led.startswith("/")
    # As browsers do: tabs and line ends vanish, backslashes are slashes.
    read = "".join(c for c in led if c not in "\t\r\n").replace("\\", "/")
    assert not read.startswith("//")
    assert HERE.join(URL(read)).origin() == HERE.origin()


@given(TYPED)
def test_what_is_carried_through_a_log_in_comes_out_as_it_went_in(
    typed: dict[str, list[str]],
) -> None:
    marks = {KEY_FIELD: [KEY], USER_FIELD: [ANA], CSRF_FIELD: ["secret"]}
    text = carry(Form.posted({**typed, **marks}), BROWSER)
    assert text is not None
    out = carried(text, BROWSER)
    assert out is not None
    assert (out.key, out[USER_FIELD], out[CSRF_FIELD]) == (KEY, ANA, "")
    assert {name: out.values[name] for name in typed} == typed


def test_what_is_carried_is_read_in_its_own_browser_alone() -> None:
    text = carry(Form.posted({"message": ["typed"]}), BROWSER)
    assert text is not None
    assert "typed" not in text
    assert carried(text, "a secret of another") is None


@given(TEXT)
def test_whatever_claims_to_be_carried_is_nothing(text: str) -> None:
    assert carried(text, BROWSER) is None


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_is_neither_carried_nor_given_back(name: str) -> None:
    form = Form.posted({"email": ["a@b.example"], name: ["my secret"]})
    text = carry(form, BROWSER)
    assert text is not None
    assert "my secret" not in str(carried(text, BROWSER))
    assert "my secret" not in str(Returned.of(form, "token", ANA))


def test_what_is_too_long_to_be_carried_is_not_half_carried() -> None:
    assert carry(Form.posted({"message": ["x" * 300_000]}), BROWSER) is None


def test_hidden_fields_alone_are_nothing_that_somebody_typed() -> None:
    assert not has_typed(Form.posted({"mail": ["1"], "subject": ["  "]}))


def test_what_was_chosen_is_shown_in_words() -> None:
    chosen = {"method": ["bank_transfer"], "country": ["BR"], "invoice": ["1"]}
    assert list(Returned.of(Form.posted(chosen), "token", ANA).shown) == [
        ("How do you want to pay?", "Bank transfer"),
        ("Country", "Brazil"),
    ]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "null",
        "http://[",
        "//client.example.com",
        "http://client.example.com",
        "https://client.example.com:444",
        "https://client.example.com.evil.example",
        "https://evil.example/https://client.example.com",
    ],
)
def test_what_only_looks_like_this_site_is_another(address: str) -> None:
    assert not is_of_site(address, "https://client.example.com")


def test_this_site_is_known_by_its_origin() -> None:
    assert is_of_site("https://client.example.com/a?b", "https://client.example.com/")
    assert is_of_site("https://client.example.com:443", "https://client.example.com")
