"""Refusals for the desk, folded: the first of a kind at once, the others of its ten seconds as one with their number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from appliance.calls.edge import Refusal, Refused
from appliance.edge.flows import Flow

WINDOW = 10.0
"""Seconds."""
MOST = 32
"""Kinds open at a time; a flood of ever new ones is told as one kind. Each is a line of the journal, which lives on a
memory card and is kept for weeks: strangers must not be able to fill it."""
NOISE = frozenset({Refusal.STRANGER, Refusal.GARBLED, Refusal.FLOOD, Refusal.NOT_SUPPORTED, Refusal.NO_SUCH_CALL})
"""What costs a stranger nothing. The others have a place of their own, so many again: a flood must not drown the one
line that says who guesses passwords."""
MOST_OF_ONE = 4
"""The same for one refusal and one address: what stands in the wording may be the stranger's own choice."""


@dataclass(slots=True)
class _Fold:
    ends: float
    source: str
    times: int = 0


class Refusals:
    """Counts refusals of one kind, address and wording."""

    def __init__(self) -> None:
        self._open: dict[tuple[Refusal, str, str], _Fold] = {}
        self._alike: Counter[tuple[Refusal, str] | bool] = Counter()
        """How many are open of one refusal and one address; of noise, and of what is none."""
        self.total = 0

    def add(self, refusal: Refusal, source: Flow, detail: str, now: float) -> Refused | None:
        """One more; answers what to tell at once, if anything."""
        self.total += 1
        key = (refusal, source.host, detail)
        if key not in self._open and self._alike[refusal, source.host] >= MOST_OF_ONE:
            key = (refusal, source.host, "and more of the kind")
        if key not in self._open and self._alike[refusal in NOISE] >= MOST:
            key = (refusal, "", "from many addresses")
        fold = self._open.get(key)
        if fold is not None:
            fold.times += 1
            fold.source = str(source)
            return None
        self._open[key] = _Fold(now + WINDOW, str(source))
        self._alike[key[:2]] += 1
        self._alike[refusal in NOISE] += 1
        return Refused(refusal, str(source), key[2])

    def next_deadline(self) -> float | None:
        """When the oldest fold is told."""
        return next(iter(self._open.values())).ends if self._open else None

    def tick(self, now: float) -> list[Refused]:
        """What is to be told now."""
        told: list[Refused] = []
        while self._open:
            key, fold = next(iter(self._open.items()))
            if fold.ends > now:
                break
            del self._open[key]
            for each in (key[:2], key[0] in NOISE):
                self._alike[each] -= 1
                if not self._alike[each]:
                    del self._alike[each]
            if fold.times:
                told.append(Refused(key[0], fold.source, key[2], fold.times))
        return told
