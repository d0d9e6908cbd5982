"""What an e-mail address must look like, and the one form in which it is kept."""

from email_validator import EmailNotValidError, validate_email

MAXIMUM_LENGTH = 254


def read_email(text: str) -> str | None:
    """Return the address as it is kept, or None if it isn't one.

    Kept in ASCII, an international domain in its encoded form: every mail relay
    understands that, and letter case is then the same thing everywhere.
    """
    try:
        email = validate_email(
            text.strip(),
            allow_smtputf8=False,
            strict=True,
            check_deliverability=False,
            # The reserved .test domains do no harm and serve trials.
            test_environment=True,
        ).ascii_email
    except EmailNotValidError:
        return None
    return email if email and len(email) <= MAXIMUM_LENGTH else None


def same_email(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def email_sought(text: str) -> str:
    """Return what to look for when somebody types this; it may be no address."""
    return (read_email(text) or text.strip()).lower()
