"""What keeps the local stack from running, said in a sentence for a person."""


class CannotStart(Exception):
    """Something the stack needs isn't there; the message says what to do about it."""
