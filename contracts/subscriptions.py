"""Who reads which events. `migrate` declares every queue and binding from this."""

from chassis.events import Event
from contracts.events import accounts, billing, tickets

CUSTOMERS: tuple[type[Event], ...] = (
    accounts.CustomerRegistered,
    accounts.CustomerUpdated,
)
STAFF: tuple[type[Event], ...] = (
    accounts.StaffMemberAdded,
    accounts.StaffMemberUpdated,
)
SERVICES: tuple[type[Event], ...] = (
    billing.ServiceOrdered,
    billing.ServiceActivated,
    billing.ServiceRenewed,
    billing.ServiceCancelled,
)
INVOICES: tuple[type[Event], ...] = (
    billing.InvoiceDrafted,
    billing.InvoiceIssued,
    billing.InvoiceUpdated,
    billing.InvoicePaid,
    billing.InvoiceVoided,
)
TICKETS: tuple[type[Event], ...] = (
    tickets.TicketOpened,
    tickets.TicketReplied,
    tickets.TicketAnswered,
    tickets.TicketHeld,
    tickets.TicketClosed,
    tickets.TicketReopened,
)

#: Consumer (and queue) name → the events bound to it.
SUBSCRIPTIONS: dict[str, tuple[type[Event], ...]] = {
    "accounts": (billing.ClockMoved,),
    "billing": (*CUSTOMERS, *TICKETS),
    "tickets": (
        *CUSTOMERS,
        *STAFF,
        *SERVICES,
        *INVOICES,
        billing.PaymentSucceeded,
        billing.CreditChanged,
        billing.StaffTaskRaised,
        billing.ClockMoved,
    ),
    "notifier": (
        *CUSTOMERS,
        accounts.EmailVerificationRequested,
        accounts.PasswordResetRequested,
        billing.ServiceActivated,
        billing.InvoiceIssued,
        billing.InvoiceVoided,
        billing.PaymentStarted,
        billing.PaymentSucceeded,
        billing.CreditChanged,
        billing.ClockMoved,
        tickets.TicketOpened,
        tickets.TicketAnswered,
        tickets.TicketClosed,
    ),
}

#: Producer → the consumers whose requests wait for what it tells (`call.wait_for`).
#: They alone get its watermarks; who isn't here would wait in vain.
WAITING: dict[str, tuple[str, ...]] = {
    "accounts": ("billing", "tickets"),
    "billing": ("tickets",),
    "tickets": ("billing",),
    "notifier": (),
}
