"""The API of tickets: departments, tickets with their messages, attachments."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from chassis.http import Body, PageQuery, View
from contracts.api.fields import DISTINCT, ONE_LINE, Language, Search

TicketStatusName = Literal["open", "answered", "customer_reply", "on_hold", "closed"]
TicketPriorityName = Literal["low", "medium", "high", "urgent"]
AuthorKindName = Literal["customer", "staff", "system"]

Subject = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=150),
    ONE_LINE,
]
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)
]
DepartmentSlug = Annotated[str, StringConstraints(min_length=1, max_length=40)]
ServiceIds = Annotated[tuple[UUID, ...], Field(max_length=20), DISTINCT]
AttachmentIds = Annotated[tuple[UUID, ...], Field(max_length=10), DISTINCT]


class ExpectedAnswerView(View):
    """Within how many minutes an answer is to be expected, by priority."""

    low: int
    medium: int
    high: int
    urgent: int


class DepartmentView(View):
    """A department that tickets go to."""

    slug: str
    name: str = Field(description="In the wanted language.")
    expected_answer: ExpectedAnswerView


class ListDepartments(PageQuery):
    """In which language the departments are named."""

    language: Language | None = Field(
        default=None, description="The caller's own, unless given."
    )


class AttachmentView(View):
    """A file that was uploaded."""

    id: UUID
    name: str
    size: int = Field(description="In bytes.")
    media_type: str
    sha256: str


class OpenTicket(Body):
    """What a customer asks, and whom."""

    department: DepartmentSlug = Field(description="A department's slug.")
    subject: Subject
    message: Text
    priority: TicketPriorityName
    service_ids: ServiceIds = ()
    invoice_id: UUID | None = None
    attachment_ids: AttachmentIds = ()


class WriteMessage(Body):
    """A further message in a ticket."""

    message: Text
    attachment_ids: AttachmentIds = ()


class WriteNote(Body):
    """A note that only staff reads."""

    message: Text


class ListTickets(PageQuery):
    """Which of the caller's tickets to show."""

    status: TicketStatusName | None = None
    closed: bool | None = Field(
        default=None, description="`false` shows all that aren't closed."
    )
    invoice_id: UUID | None = Field(
        default=None, description="Those that are about this invoice."
    )


class ListStaffTasks(ListTickets):
    """Which of its own tasks to show to staff."""

    department: DepartmentSlug | None = None
    customer_id: UUID | None = None
    q: Search | None = Field(
        default=None, description="A protocol, or a part of the subject."
    )


class ListStaffTickets(ListStaffTasks):
    """Which customers' tickets to show to staff."""

    awaiting: Literal["staff"] | None = Field(
        default=None,
        description="Those to be answered, the one whose answer is due first on top.",
    )


class AuthorView(View):
    """Who wrote a message."""

    kind: AuthorKindName
    name: str


class MessageView(View):
    """A message that the customer reads."""

    id: UUID
    author: AuthorView
    text: str
    at: datetime
    attachments: list[AttachmentView]


class StaffMessageView(MessageView):
    """A message as staff sees it: a note is never shown to the customer."""

    kind: Literal["public", "note"]


class TicketView(View):
    """A ticket without its messages."""

    id: UUID
    protocol: str = Field(examples=["7K3M-2QXP-V9"])
    department: str
    subject: str
    status: TicketStatusName
    priority: TicketPriorityName
    service_ids: list[UUID]
    invoice_id: UUID | None
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    expected_answer_at: datetime | None = Field(
        description="By when staff is to answer; null unless it is staff's turn."
    )


class TicketWithMessagesView(TicketView):
    """A ticket with its messages, oldest first, the opening one included."""

    messages: list[MessageView]


class StaffTicketView(TicketView):
    """A ticket as staff sees it; an internal one is a task of the staff."""

    internal: bool
    customer_id: UUID | None
    customer_name: str | None
    requester_id: UUID | None
    waiting_since: datetime | None = Field(
        description="Since when the customer waits for an answer, if they do."
    )


class StaffTicketWithMessagesView(StaffTicketView):
    """A ticket with its messages and notes, oldest first."""

    messages: list[StaffMessageView]
