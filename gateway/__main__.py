"""`python -m gateway serve`."""

from chassis.process import main
from gateway.app import PROCESS

main(PROCESS)
