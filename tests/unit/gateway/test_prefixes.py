"""Every route of every service is reached through the gateway, and no other."""

import pytest

from chassis.http.routes import Route, all_routes
from chassis.process import Process
from deploy.processes import SERVICES
from gateway.prefixes import OPEN_NOUNS, owner_of

PREFIX = "/api/v1/"
#: What processes have for each other is passed on to nobody.
FOR_PROCESSES = ("/.well-known/jwks.json", "/internal/")
OBJECT_ROUTES = [
    (process, route) for process in SERVICES for route in all_routes(process.routes)
]


@pytest.mark.parametrize(
    ("process", "route"),
    OBJECT_ROUTES,
    ids=[f"{route.method} {route.path}" for _, route in OBJECT_ROUTES],
)
def test_a_public_route_is_passed_on_to_the_service_that_has_it(
    process: Process, route: Route
) -> None:
    if route.path.startswith(PREFIX):
        assert owner_of(route.path.removeprefix(PREFIX)) == process.name
    else:
        assert route.path.startswith(FOR_PROCESSES)


@pytest.mark.parametrize("path", ["", "staff", "staff/", "nothing", "Me", "../me"])
def test_what_nobody_owns_goes_nowhere(path: str) -> None:
    assert owner_of(path) is None


def test_the_nouns_with_something_open_to_all_are_known() -> None:
    open_paths = {
        route.path.removeprefix(PREFIX)
        for _, route in OBJECT_ROUTES
        if route.policy.public and route.path.startswith(PREFIX)
    }
    assert {path.partition("/")[0] for path in open_paths} == OPEN_NOUNS
