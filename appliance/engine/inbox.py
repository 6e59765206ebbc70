"""What other threads have for the engine thread: commands from the desk, news from the modem sound threads."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")


class Inbox(Generic[ItemT]):
    """A line of things to do, and a bell that is rung once however many are waiting."""

    def __init__(self, bell: Callable[[], None]) -> None:
        self._items: deque[ItemT | Callable[[], None]] = deque()
        self._bell = bell
        self._rung = False

    def put(self, item: ItemT) -> None:
        """Leave something. From any thread."""
        self._add(item)

    def ask(self, question: Callable[[], AnswerT], patience: float) -> AnswerT:
        """Have `question` answered on the engine thread, and wait for it.

        Raises:
            TimeoutError: no answer within `patience` seconds.
        """
        answers: queue.SimpleQueue[AnswerT] = queue.SimpleQueue()
        self._add(lambda: answers.put(question()))
        try:
            return answers.get(timeout=patience)
        except queue.Empty:
            raise TimeoutError("the engine thread does not answer") from None

    def empty(self, handle: Callable[[ItemT], None]) -> None:
        """Do all that is waiting. On the engine thread."""
        self._rung = False  # first: what is added from now on rings again
        while self._items:
            item = self._items.popleft()
            if callable(item):
                item()
            else:
                handle(item)

    def _add(self, item: ItemT | Callable[[], None]) -> None:
        self._items.append(item)
        if not self._rung:
            self._rung = True
            self._bell()
