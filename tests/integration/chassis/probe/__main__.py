"""The probe as a process of its own; CRASH_POINT tells it where to die."""

import os

from chassis.process import main
from tests.integration.chassis.probe.app import PROCESS
from tests.integration.chassis.probe.crashes import CRASH_POINTS

if point := os.environ.get("CRASH_POINT"):
    CRASH_POINTS[point]()
main(PROCESS)
