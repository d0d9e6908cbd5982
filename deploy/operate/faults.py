"""What keeps a chore from being done, said in a sentence for a tired person."""


class CannotOperate(Exception):
    """Something isn't as the chore needs it; the message says what to do about it."""
