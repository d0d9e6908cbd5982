"""The five processes, for what looks at all of them at once."""

from chassis.process import Process
from gateway.app import PROCESS as GATEWAY
from services.accounts.app import PROCESS as ACCOUNTS
from services.billing.app import PROCESS as BILLING
from services.notifier.app import PROCESS as NOTIFIER
from services.tickets.app import PROCESS as TICKETS

SERVICES: tuple[Process, ...] = (ACCOUNTS, BILLING, TICKETS, NOTIFIER)
PROCESSES: tuple[Process, ...] = (*SERVICES, GATEWAY)
