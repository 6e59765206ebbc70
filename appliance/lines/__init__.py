"""The telephone network: modems on serial ports.

In: bytes of AT ports; answer, dial, hang up, keys.  Out: the switchboard's events of lines; where a call's sound is.
Touches: serial ports (`port.py` alone; `virtual` makes ptys).

How a call and its sound meet: the line never opens a PCM port and never says LegAnswered. For a call on a line

* `Answer(leg)` and `DialLine(leg, …)` go to the line. When the call is up and the modem's sound is on, the line posts
  `SoundWanted(leg, device, rate, keys_by_sound)`: the wiring sends `OpenSound` to the engine, and the engine says
  LegAnswered. When the sound cannot be had, the line says LegEnded(FAULT) instead.
* `Hangup(leg, cause)` goes to the line. The line posts `SoundOver(leg)` at every end of a call whose sound was
  wanted, whoever ended it: the wiring sends `Hangup(leg)` to the engine. Then the line says the one LegEnded.
* What the engine says of such a leg: LegAnswered and KeyPressed go to the switchboard; LegEnded does not, it goes to
  `Line.hang_up(leg, FAULT, detail)`, which does nothing when the call is over anyway; SoundNoted with words goes to
  `Line.sound_trouble(leg)`.
"""
