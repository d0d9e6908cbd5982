"""Which streams are open, found by those whom a change or an end concerns."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from uuid import UUID

from gateway.stream.changes import Change
from gateway.stream.stream import Stream

Group = dict[UUID, set[Stream]]


class OpenStreams:
    """The open streams, by customer, user and session."""

    def __init__(self) -> None:
        self._all: set[Stream] = set()
        self._staff: set[Stream] = set()
        self._by_customer: Group = defaultdict(set)
        self._by_user: Group = defaultdict(set)
        self._by_session: Group = defaultdict(set)

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Stream]:
        return iter(self._all)

    def add(self, stream: Stream) -> None:
        self._all.add(stream)
        if stream.principal.is_staff:
            self._staff.add(stream)
        for group, key in self._places(stream):
            group[key].add(stream)

    def remove(self, stream: Stream) -> None:
        self._all.remove(stream)
        self._staff.discard(stream)
        for group, key in self._places(stream):
            group[key].remove(stream)
            if not group[key]:
                del group[key]

    def count_of(self, user_id: UUID) -> int:
        return len(self._by_user.get(user_id, ()))

    def of_session(self, session_id: UUID) -> Iterator[Stream]:
        return iter(self._by_session.get(session_id, ()))

    def told(self, change: Change) -> Iterator[tuple[Stream, bytes]]:
        """Yield the streams that the change is for, each with what it is told."""
        theirs = (
            self._by_customer.get(change.customer_id, ()) if change.customer_id else ()
        )
        for stream in chain(self._staff, theirs):
            frame = change.frame_for(stream.principal)
            if frame is not None:
                yield stream, frame

    def _places(self, stream: Stream) -> Iterator[tuple[Group, UUID]]:
        principal = stream.principal
        yield self._by_user, principal.user_id
        yield self._by_session, principal.session_id
        if principal.customer_id is not None:
            yield self._by_customer, principal.customer_id
