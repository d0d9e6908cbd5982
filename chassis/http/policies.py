"""Who may call a route: every route declares it, or the process doesn't start."""

from collections.abc import Mapping
from dataclasses import dataclass

from chassis.errors import NotAllowed, NotAuthenticated
from chassis.principal import Kind, Principal


@dataclass(frozen=True, slots=True)
class Grant:
    """One way in: a kind of caller who holds all of these permissions."""

    kind: Kind
    permissions: frozenset[str] = frozenset()

    def admits(self, principal: Principal) -> bool:
        return principal.kind == self.kind and self.permissions <= principal.permissions

    def __str__(self) -> str:
        needs = " and ".join(sorted(self.permissions))
        return f"{self.kind} with {needs}" if needs else self.kind


@dataclass(frozen=True, slots=True)
class Policy:
    """Any of the grants lets a caller in; a public policy asks for none."""

    grants: tuple[Grant, ...]
    public: bool = False

    def __or__(self, other: "Policy") -> "Policy":
        grants = tuple(dict.fromkeys(self.grants + other.grants))
        return Policy(grants, self.public or other.public)

    def admits(self, principal: Principal) -> bool:
        """Tell whether the caller may go on."""
        return self.public or any(grant.admits(principal) for grant in self.grants)

    def check(self, principal: Principal | None) -> None:
        """Raise NotAuthenticated or NotAllowed unless the caller may go on."""
        if self.public:
            return
        if principal is None:
            raise NotAuthenticated
        if not self.admits(principal):
            raise NotAllowed("this is for {callers}", callers=str(self))

    def __str__(self) -> str:
        return "everybody" if self.public else " or ".join(map(str, self.grants))


def public() -> Policy:
    """Let everybody in; a valid token is looked at, and not needed."""
    return Policy((), public=True)


def signed_in() -> Policy:
    """Let in everybody who holds a valid token."""
    return customer() | staff()


def customer(*permissions: str) -> Policy:
    """Let in people acting for a customer who hold all of these permissions."""
    return Policy((Grant("customer", frozenset(permissions)),))


def staff(*permissions: str) -> Policy:
    """Let in staff who hold all of these permissions."""
    return Policy((Grant("staff", frozenset(permissions)),))


def describe(policy: Policy) -> Mapping[str, object]:
    """Return the policy for the OpenAPI document: `x-policy`."""
    if policy.public:
        return {"public": True}
    return {
        "any_of": [
            {"kind": grant.kind, "permissions": sorted(grant.permissions)}
            for grant in policy.grants
        ]
    }
