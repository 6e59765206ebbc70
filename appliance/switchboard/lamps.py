"""Lamps on desk phones: what a key that watches a person or a queue shows, the message lamp, and the one for encryption.

Whatever changes a person or a queue marks them; what they show is worked out once, at the end of an event, and said only
when it is new.
"""

from __future__ import annotations

from appliance.callcenter.settings import QueueSettings
from appliance.calls import commands, facts
from appliance.calls.commands import ShowMessages, ShowWatched
from appliance.calls.facts import Fact, OperatorState
from appliance.calls.names import Extension, TaskId
from appliance.switchboard.call import Calling
from appliance.switchboard.table import Output, Table

STATES = {
    OperatorState.RINGING: ("ringing", "ringing"),
    OperatorState.TALKING: ("on", "talking"),
    OperatorState.BUSY: ("on", "on a call"),
    OperatorState.READY: ("off", "ready"),
    OperatorState.WRAP_UP: ("off", "wrap-up"),
    OperatorState.SET_ASIDE: ("off", "set aside"),
    OperatorState.LOGGED_OUT: ("off", "logged out"),
    OperatorState.UNREACHABLE: ("off", "no telephone"),
    # Not to be disturbed: whoever would put a call through sees it before they do.
    OperatorState.PAUSED: ("on", "paused"),
}


class Lamps(Table):
    """What is shown outside the box of who does what."""

    def watched(self) -> list[ShowWatched | ShowMessages]:
        """Every lamp that can be watched and every message lamp, as they are now: for a front door that knows nothing."""
        people = list(self._people)
        queues = [queue for queue in self.settings.queues if queue.extension]
        return [
            *(self._person_lamp(extension) for extension in people),
            *(self._queue_lamp(queue) for queue in queues),
            *(self._messages(extension) for extension in people),
        ]

    # ---- what is new

    def _done(self) -> list[Output]:
        people, self._people_changed = self._people_changed, set()
        for extension in sorted(people):
            if extension in self._people:
                self._show(self._person_lamp(extension))
                self._show(self._messages(extension))
            self._show_encrypted(extension)
        self._show_queues()
        return super()._done()

    def _show(self, lamp: ShowWatched | ShowMessages) -> None:
        shown = self._watched if isinstance(lamp, ShowWatched) else self._message_lamps
        if shown.get(lamp.extension) == lamp:
            return
        shown[lamp.extension] = lamp  # type: ignore[assignment]  # each in its own
        self._do(lamp)
        if isinstance(lamp, ShowWatched):
            self._queues_changed |= {one.name for one in self.settings.queues if lamp.extension in one.operators}

    def _show_queues(self) -> None:
        names, self._queues_changed = self._queues_changed, set()
        for queue in self.settings.queues if names else ():
            if queue.name in names and queue.extension:
                self._show(self._queue_lamp(queue))

    def _show_encrypted(self, extension: Extension) -> None:
        on = self._whole(extension)
        if on != (extension in self._encrypted_lamps):
            (self._encrypted_lamps.add if on else self._encrypted_lamps.discard)(extension)
            self._do(commands.ShowEncrypted(extension, on))

    def _all_changed(self) -> None:
        """After changed settings: whom nobody can watch any more goes dark, all others are looked at anew."""
        people = set(self._people)
        queues = {queue.extension for queue in self.settings.queues if queue.extension}
        for extension in self._watched.keys() - people - queues:
            self._show(ShowWatched(extension, "off", "", reachable=False))
        for extension in self._message_lamps.keys() - people:
            self._show(ShowMessages(extension, 0))
        self._count_tasks()
        for lamp in self.watched():
            self._show(lamp)
        self._people_changed |= people

    # ---- a person

    def _person_lamp(self, extension: Extension) -> ShowWatched:
        operator = self.center.operators[extension]
        state, note = STATES[operator.state]
        if operator.state is OperatorState.PAUSED and operator.reason:
            note = f"{note}: {operator.reason}"
        if operator.state is OperatorState.BUSY and self._only_called(extension):
            state, note = STATES[OperatorState.RINGING]
        return ShowWatched(extension, state, note, reachable=bool(self.phones.get(extension)))

    def _only_called(self, extension: Extension) -> bool:
        """Their telephone rings for a call that no queue gave them, and they are on no other."""
        calls = (self.calls[call] for call in self.center.operators[extension].other_calls if call in self.calls)
        return all(
            isinstance(call.stage, Calling) and call.stage.extension == extension and call.extension != extension
            for call in calls
        )

    def _whole(self, extension: Extension) -> bool:
        """They talk, and every talk of theirs is encrypted on both sides."""
        operator = self.center.operators.get(extension)
        if operator is None:
            return False
        on = operator.other_calls | ({operator.talking} if operator.talking else set())
        talks = [call for name in on if (call := self.calls.get(name)) and call.talking]
        return bool(talks) and all(call.encryption == "whole" for call in talks)

    # ---- a queue

    def _queue_lamp(self, queue: QueueSettings) -> ShowWatched:
        """Steady while callers wait and everybody is busy, blinking while somebody is being rung for one of them."""
        waiters = [waiter for waiter in self.center.waiters.values() if waiter.queue == queue.name]
        offered = any(waiter.offered_to is not None for waiter in waiters)
        state = "ringing" if offered else "on" if waiters else "off"
        note = f"{len(waiters)} waiting" if waiters else "nobody waits"
        there = any(self._serves(extension) for extension in queue.operators)
        return ShowWatched(queue.extension, state, note, reachable=there)

    def _serves(self, extension: Extension) -> bool:
        """They are there, if not free just now."""
        operator = self.center.operators.get(extension)
        return operator is not None and operator.state not in (OperatorState.LOGGED_OUT, OperatorState.UNREACHABLE)

    # ---- messages: until there is a voice mail box, these are the lost callers somebody has to call back

    def _messages(self, extension: Extension) -> ShowMessages:
        tasks = self._tasks_of.get(extension, {})
        tried = sum(tasks.values())
        return ShowMessages(extension, len(tasks) - tried, tried)

    def _fact(self, fact: Fact) -> None:
        super()._fact(fact)
        match fact:
            case facts.TaskOpened(task=task) | facts.TaskTried(task=task):
                self._count_task(task)
            case facts.TaskClosed(task=task):
                for extension, tasks in self._tasks_of.items():
                    if tasks.pop(task, None) is not None:
                        self._people_changed.add(extension)
            case _:
                pass

    def _count_tasks(self) -> None:
        self._tasks_of = {extension: {} for extension in self._people}
        for task in self.ledger.open:
            self._count_task(task)

    def _count_task(self, name: TaskId) -> None:
        """Who of us sees it: those who serve the queue the caller was lost in, and whose own number they had called."""
        task = self.ledger.open[name]
        queue = self.center.queues.get(task.opened.queue)
        for extension in {task.opened.extension, *(queue.operators if queue else ())} & self._tasks_of.keys():
            self._tasks_of[extension][name] = task.tries > 0
            self._people_changed.add(extension)
