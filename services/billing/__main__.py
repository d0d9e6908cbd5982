"""`python -m services.billing serve`, `migrate` and the operators' other commands."""

from chassis.process import main
from services.billing.app import PROCESS

main(PROCESS)
