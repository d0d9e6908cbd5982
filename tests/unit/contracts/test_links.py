"""A link's key is one that nobody guesses."""

import pytest
from pydantic import SecretStr, TypeAdapter, ValidationError

from contracts.links import LinkKey

KEY: TypeAdapter[SecretStr] = TypeAdapter(LinkKey)


@pytest.mark.parametrize("weak", ["short", "0" * 40, "abababababababababab"])
def test_a_key_that_can_be_guessed_is_refused_and_not_shown(weak: str) -> None:
    with pytest.raises(ValidationError) as refused:
        KEY.validate_python(weak)
    assert weak not in str(refused.value.errors()[0]["msg"])


def test_a_key_at_random_is_taken() -> None:
    key = "Jt0fQ1yVZ7mT3vX9b2wKc5LhRzUe8NpA"
    assert KEY.validate_python(key).get_secret_value() == key
