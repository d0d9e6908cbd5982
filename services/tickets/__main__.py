"""`python -m services.tickets serve`, `migrate` and the operators' other commands."""

from chassis.process import main
from services.tickets.app import PROCESS

main(PROCESS)
