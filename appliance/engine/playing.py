"""What the parties are being played: one sequence of files each."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from appliance.calls.engine import PlayFiles
from appliance.calls.events import Played
from appliance.calls.names import LegId
from appliance.engine.pj.dialog import Dialog
from appliance.engine.pj.library import Library
from appliance.engine.pj.sound import Player, SoundEnd, SoundFault, SoundPort
from appliance.engine.wiring import Wiring

log = logging.getLogger("qendra.engine")


@dataclass(eq=False)
class _Playing:
    command: PlayFiles
    end: Dialog | SoundPort
    next_file: int = 0
    sounded: bool = False
    """Something could be played since the beginning of this round."""
    player: Player | None = None


class Players:
    """Plays to legs, at most one sequence to each."""

    def __init__(self, library: Library, wiring: Wiring[SoundEnd], say: Callable[[Played], None]) -> None:
        self._library = library
        self._wiring = wiring
        self._say = say
        self._by_leg: dict[LegId, _Playing] = {}
        self._by_player: dict[Player, _Playing] = {}

    def play(self, command: PlayFiles, end: Dialog | SoundPort) -> None:
        """Play these files instead of what was being played."""
        self.stop(command.leg)
        playing = _Playing(command, end)
        self._by_leg[command.leg] = playing
        self._go_on(playing)

    def stop(self, leg: LegId) -> None:
        """Play nothing to this leg; `Played` is not said."""
        playing = self._by_leg.pop(leg, None)
        if playing is not None:
            self._put_away(playing)

    def file_over(self, player: Player) -> None:
        """The library has come to the end of a file."""
        playing = self._by_player.get(player)
        if playing is not None:  # else it was stopped at the same moment
            self._put_away(playing)
            self._go_on(playing)

    def _go_on(self, playing: _Playing) -> None:
        """Start the next file that can be played, or be at the end."""
        files = playing.command.files
        while True:
            if playing.next_file == len(files):
                if not (playing.command.loop and playing.sounded):
                    self._at_end(playing)
                    return
                playing.next_file, playing.sounded = 0, False
            file = files[playing.next_file]
            playing.next_file += 1
            if self._start(playing, file):
                return

    def _start(self, playing: _Playing, file: str) -> bool:
        only = playing.command.loop and len(playing.command.files) == 1
        try:
            player = self._library.player(file, loop=only)
        except SoundFault as fault:
            log.error("%s", fault)
            return False
        playing.player, playing.sounded = player, True
        self._by_player[player] = playing
        self._wiring.want(player, playing.end)
        return True

    def _put_away(self, playing: _Playing) -> None:
        player, playing.player = playing.player, None
        if player is not None:
            del self._by_player[player]
            self._wiring.forget(player)
            self._library.retire(player)

    def _at_end(self, playing: _Playing) -> None:
        del self._by_leg[playing.command.leg]
        if not playing.command.loop:
            self._say(Played(playing.command.leg, playing.command.playing))
