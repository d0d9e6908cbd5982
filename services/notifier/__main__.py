"""`python -m services.notifier serve`, `migrate` and the operators' other commands."""

from chassis.process import main
from services.notifier.app import PROCESS

main(PROCESS)
