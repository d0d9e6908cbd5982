"""What keeps a container or a chore from going on, said in a sentence for a person."""


class CannotGoOn(SystemExit):
    """Something isn't as it must be; the message says what to do, the exit is 1."""
