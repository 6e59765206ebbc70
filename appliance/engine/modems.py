"""What the modems' sound tells, and what is found out about it by listening."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from appliance.calls.engine import SoundNoted
from appliance.calls.events import KeyPressed, LegAnswered
from appliance.calls.names import Cause
from appliance.engine.legs import Leg, Legs, ModemLeg
from appliance.engine.pcm import KeyHeard, SoundFlows, SoundGone, SoundNews, SoundTrouble
from appliance.engine.pj.library import Library

Ended = Callable[[Leg, Cause, str, float], None]
"""Takes a leg out of everything and says why, and any detail, and when."""


@dataclass
class Modems:
    """The legs that are calls on modems."""

    library: Library
    legs: Legs
    say: Callable[[object], None]
    ended: Ended

    SPEAKING = 50
    """Loudness, of 100, that is a voice and not the noise of a line."""
    MUTE = 5.0
    """Seconds of a voice on one side and silence on the other after which a modem's uplink is called dead."""

    def hear(self, news: SoundNews, now: float) -> None:
        """One thing a modem's sound tells; of one that has ended meanwhile, nothing."""
        leg = self.legs.by_sound.get(news.sound)
        if leg is None:
            return
        match news:
            case SoundFlows():
                leg.answered = True
                self.say(LegAnswered(leg.leg))
            case KeyHeard(_, key):
                self.say(KeyPressed(leg.leg, key))
            case SoundTrouble(_, words):
                self._trouble(leg, words)
            case SoundGone(_, words):
                leg.troubles.append(words)
                self.end(leg, Cause.FAULT, words, now)
            case _ as never:
                assert_never(never)

    def end(self, leg: ModemLeg, cause: Cause, detail: str, now: float) -> None:
        """Close its sound."""
        leg.port.source = leg.port.sink = None
        leg.sound.close()
        self._note_sound(leg, "; ".join(leg.troubles))
        self.ended(leg, cause, detail, now)
        self.library.give_back(leg.port)

    def listen(self, now: float) -> None:
        """Do the modems get what the other side says? (Bytes may flow both ways and one of them be mute.)"""
        for leg in self.legs.by_sound.values():
            loudest = max((self.legs.by_name[name].end.loudness() for name in leg.partners), default=0)
            if loudest > self.SPEAKING and now - leg.sound.spoken_at > self.MUTE:
                self._trouble(leg, "the other side speaks, but the modem is sent silence")

    def _trouble(self, leg: ModemLeg, words: str) -> None:
        if words not in leg.troubles:
            leg.troubles.append(words)
            self._note_sound(leg, words)

    def _note_sound(self, leg: ModemLeg, words: str) -> None:
        sound = leg.sound
        self.say(SoundNoted(leg.leg, words, sound.received, sound.sent, sound.slips, sound.lost))
