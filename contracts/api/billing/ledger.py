"""The API of the ledger's audit."""

from chassis.http import View


class CheckView(View):
    """One claim, how many things it was tried on, and which contradict it."""

    name: str
    checked: int
    violations: list[str]


class AuditView(View):
    """Whether everything agrees, and each claim by itself."""

    agrees: bool
    checks: list[CheckView]
