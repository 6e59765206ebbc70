"""The picture of this instant that the page shows."""

from __future__ import annotations

from appliance.calls.facts import OperatorState
from appliance.calls.moment import Moment
from appliance.calls.names import Extension
from appliance.switchboard.call import Answering, Call, Calling, InFlow, InQueue, Leaving, Rings, Talking
from appliance.switchboard.switchboard import Switchboard
from appliance.switchboard.table import LAMPS
from appliance.switchboard.views import Live, LiveCall, LiveLine, LiveOperator, LiveQueue, LiveTask


def live(board: Switchboard, now: Moment, trouble: tuple[str, ...] = ()) -> Live:
    """Everything the page shows of `board`."""
    return Live(
        at=now.utc,
        firm=board.settings.firm,
        calls=tuple(_call(call) for call in board.calls.values() if not call.over),
        operators=tuple(_operators(board, now)),
        queues=tuple(_queues(board)),
        lines=tuple(_lines(board, now)),
        tasks=tuple(_tasks(board)),
        sound_up=board.engine_up,
        trouble=trouble,
    )


def _call(call: Call) -> LiveCall:
    record = call.story.record
    stage, operators = _stage(call)
    return LiveCall(
        call=call.id,
        direction=record.direction,
        caller=record.caller,
        caller_name=record.caller_name,
        dialled=record.dialled,
        line=record.line,
        began=record.began,
        stage=stage,
        since=call.since.utc,
        place=call.reached,
        operators=tuple(who for who in operators if who),
        recording=call.recording_open,
        encrypted=call.encryption,
    )


def _stage(call: Call) -> tuple[str, tuple[Extension, ...]]:
    match call.stage:
        case Rings() | Answering():
            return "ringing", ()
        case InQueue(offered_to=offered_to):
            return ("offered", (offered_to,)) if offered_to else ("waiting", ())
        case Calling(extension=extension):
            return "dialling", (call.extension, extension)
        case Talking(extension=extension):
            who = dict.fromkeys((call.extension, extension))
            return "on hold" if call.on_hold else "talking", tuple(who)
        case InFlow() | Leaving():
            return "in menu", (call.extension,)
        case _:
            return "returning", ()


def _operators(board: Switchboard, now: Moment) -> list[LiveOperator]:
    rows = []
    for person in board.settings.people:
        operator = board.center.operators[person.extension]
        rows.append(
            LiveOperator(
                extension=person.extension,
                name=person.name,
                state=operator.state,
                since=board.since.get(person.extension, now).utc,
                reason=operator.reason,
                phones=len(board.phones.get(person.extension, ())),
                queues=tuple(queue.name for queue in board.settings.queues if person.extension in queue.operators),
                calls_today=board.talks_today[person.extension],
                lamp=LAMPS.get(operator.state, "off"),
            )
        )
    return rows


def _queues(board: Switchboard) -> list[LiveQueue]:
    rows = []
    for queue in board.settings.queues:
        joined = [waiter.joined.utc for waiter in board.center.waiters.values() if waiter.queue == queue.name]
        operators = (board.center.operators.get(extension) for extension in queue.operators)
        ready = sum(1 for one in operators if one is not None and one.state is OperatorState.READY)
        rows.append(LiveQueue(queue.name, queue.title, len(joined), min(joined, default=None), ready))
    return rows


def _lines(board: Switchboard, now: Moment) -> list[LiveLine]:
    lines, rows = board.lines, []
    for name, line in lines.heard.items():
        options = lines.options(name)
        rows.append(
            LiveLine(
                name,
                line.state.value,
                line.words,
                line.signal,
                busy=lines.calls(name) > 0,
                since=line.since.utc,
                calls=lines.calls(name),
                room=lines.room(name),
                calls_this_hour=board.tolls.calls_this_hour(name, now),
                spent_today=board.tolls.spent_today(name, now),
                capped=board.tolls.capped(options, now) if options is not None else "",
            )
        )
    return rows


def _tasks(board: Switchboard) -> list[LiveTask]:
    return [
        LiveTask(
            task=name,
            call=task.opened.call,
            number=task.opened.number,
            queue=task.opened.queue,
            opened=task.opened.at.utc,
            waited=task.opened.waited,
            lost_calls=task.lost_calls,
            tries=task.tries,
        )
        for name, task in board.ledger.open.items()
    ]
