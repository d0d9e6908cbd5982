"""Several containers of one service: how many, and which of them does the work."""

from tests.compose.stack import PROCESSES, Container, Stack

#: One that people ask, and one that only hears of events.
SCALED = ("billing", "notifier")


def scale(stack: Stack, replicas: int) -> None:
    """Have so many of each; those that were killed begin anew."""
    stack.compose(
        *("up", "--detach", "--no-deps", "--no-recreate", "--no-build", "--wait"),
        *(f"--scale={name}={replicas}" for name in SCALED),
        *SCALED,
    )


def replicas(stack: Stack) -> dict[str, set[str]]:
    return {name: {each.id for each in stack.containers(name)} for name in PROCESSES}


def handled(stack: Stack, name: str) -> dict[str, float]:
    """Return how many events each replica has handled, by its container's id."""
    return {each.id: events_handled(stack, each) for each in stack.containers(name)}


def grown(stack: Stack, before: dict[str, float]) -> dict[str, float]:
    """Return how many more each of these has handled since."""
    found = {each.id: each for each in stack.containers()}
    return {
        id_: events_handled(stack, found[id_]) - count for id_, count in before.items()
    }


def events_handled(stack: Stack, container: Container) -> float:
    return stack.metric(container, r"^events_handled_total\{")


def all_have_answered(stack: Stack, name: str) -> bool:
    asked = [
        stack.metric(each, r'^http_requests_total.*route="/api')
        for each in stack.containers(name)
    ]
    return len(asked) == 2 and all(asked)
