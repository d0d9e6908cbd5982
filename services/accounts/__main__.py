"""`python -m services.accounts serve`, `migrate` and the operators' other commands."""

from chassis.process import main
from services.accounts.app import PROCESS

main(PROCESS)
