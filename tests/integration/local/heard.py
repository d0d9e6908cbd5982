"""A console whose lines a test can read."""

from deploy.local.console import Console


class Heard(Console):
    """A terminal that remembers what was said on it."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)
