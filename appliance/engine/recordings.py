"""Conversations on disk: who is being recorded, whether there is room, and what became of it.

A recording is two mono files written by the library, joined afterwards by a helper process of low priority
(see `stereo`). Whatever goes wrong with it, the call goes on.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from appliance.calls.commands import Record
from appliance.calls.events import RecordingEnded
from appliance.calls.names import CallId, LegId
from appliance.engine import stereo
from appliance.engine.pj.library import RATE
from appliance.engine.pj.sound import Recorder, Silence, SoundEnd, SoundFault
from appliance.engine.settings import MEGABYTE
from appliance.engine.wiring import Wiring

log = logging.getLogger("qendra.engine")

FreeBytes = Callable[[Path], int]


def free_bytes(folder: Path) -> int:
    """What the disk of `folder` has left for us.

    Raises:
        OSError: the folder is not there.
    """
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


@dataclass(eq=False)
class _Recording:
    call: CallId
    legs: tuple[LegId, LegId]
    whole: Path
    sides: tuple[Recorder, Recorder]
    since: float
    fault: str = ""
    seconds: float = 0.0
    """How long it should be, once it has stopped."""
    patience: float = 0.0
    """Until when to wait for the library to close the files."""
    paths: tuple[Path, Path] = field(init=False)

    def __post_init__(self) -> None:
        self.paths = stereo.side_paths(self.whole)


class Recordings:
    """All recordings of this engine, from the first sample to the joined file. Time is an argument."""

    LOOK = 1.0
    """Seconds between two looks at the disk."""
    CLOSING = 0.02
    """Seconds between two looks at files being closed or joined."""
    PATIENCE = 2.0
    """Seconds the library may take to close a file."""
    SHORT = 1.0
    """Seconds that may be missing before we call a recording short: the sound clock may stutter on a busy box."""

    def __init__(
        self,
        folder: Path,
        floor: int,
        wiring: Wiring[SoundEnd],
        silence: Silence,
        say: Callable[[RecordingEnded], None],
        free: FreeBytes = free_bytes,
    ) -> None:
        self._folder = folder
        self._floor = floor
        self._wiring = wiring
        self._silence = silence
        self._say = say
        self._free = free
        self._running: dict[CallId, _Recording] = {}
        self._closing: list[_Recording] = []
        self._to_join: deque[_Recording | None] = deque()
        self._joining: tuple[int, _Recording | None] | None = None
        self._looked_at = 0.0
        self._disk_at = 0.0
        self._swept_before = 0.0

    @property
    def calls(self) -> tuple[CallId, ...]:
        """The calls whose recording has not been reported as ended."""
        joining = [self._joining[1]] if self._joining is not None else []
        ending = (recording.call for recording in (*self._closing, *self._to_join, *joining) if recording is not None)
        return (*self._running, *ending)

    def sweep(self) -> None:
        """Have the sides joined that an engine before us left behind."""
        self._swept_before = time.time()  # noqa: TID251 (compared with what the file system wrote down)
        self._to_join.append(None)

    def start(self, command: Record, left: SoundEnd, right: SoundEnd, now: float) -> None:
        """Begin; if that fails, the recording has ended already."""
        if command.call in self.calls:
            log.warning("call %s is being recorded already", command.call)
            return
        try:
            recording = self._opened(command, now)
        except SoundFault as fault:
            self.refuse(command.call, str(fault))
            return
        except OSError as error:
            self.refuse(command.call, f"there is no place for it: {error.strerror} ({error.filename})")
            return
        self._running[command.call] = recording
        for recorder in recording.sides:  # side by side: a tick between the two shifts them, see `stereo`
            self._wiring.want(self._silence, recorder)
        for end, recorder in zip((left, right), recording.sides, strict=True):
            self._wiring.want(end, recorder)

    def refuse(self, call: CallId, words: str) -> None:
        """This recording cannot be made."""
        log.error("call %s is not recorded: %s", call, words)
        self._say(RecordingEnded(call, 0.0, words))

    def stop(self, call: CallId, now: float, fault: str = "") -> None:
        """Close the recording of a call, if there is one."""
        recording = self._running.pop(call, None)
        if recording is None:
            return
        recording.fault = fault
        recording.seconds = now - recording.since
        recording.patience = now + self.PATIENCE
        for recorder in recording.sides:
            self._wiring.forget(recorder)
            recorder.close()
        self._closing.append(recording)

    def leg_ended(self, leg: LegId, now: float) -> None:
        """A party is gone, and with it the conversation."""
        for recording in tuple(self._running.values()):
            if leg in recording.legs:
                self.stop(recording.call, now)

    def next_deadline(self) -> float | None:
        """When `tick` has something to do."""
        if self._closing or self._to_join or self._joining:
            return self._looked_at + self.CLOSING
        return self._disk_at if self._running else None

    def tick(self, now: float) -> None:
        """Look at the disk, at the files being closed, and at the helper."""
        self._looked_at = now
        if self._running and now >= self._disk_at:
            self._disk_at = now + self.LOOK
            self._watch_disk(now)
        for recording in tuple(self._closing):
            if now >= recording.patience or all(_closed(path) for path in recording.paths):
                self._closing.remove(recording)
                self._to_join.append(recording)
        self._join_next()

    def _opened(self, command: Record, now: float) -> _Recording:
        whole = self._place_for(command.name)
        whole.parent.mkdir(parents=True, exist_ok=True)
        if whole.exists():
            raise SoundFault("a recording of that name is there already")
        if (left := self._free(whole.parent)) < self._floor:
            raise SoundFault(_nearly_full(left))
        return _Recording(command.call, (command.left, command.right), whole, _recorders(whole), now)

    def _place_for(self, name: str) -> Path:
        whole = Path(os.path.normpath(self._folder / f"{name}.wav"))
        if self._folder not in whole.parents:
            raise SoundFault(f"{name!r} lies outside the recordings folder")
        return whole

    def _watch_disk(self, now: float) -> None:
        try:
            left = self._free(self._folder)
        except OSError as error:
            log.error("cannot see how full the recordings' disk is: %s", error)
            return
        if left < self._floor:
            log.error("%s: recordings stop, calls go on", _nearly_full(left))
            for call in tuple(self._running):
                self.stop(call, now, f"{_nearly_full(left)}, so the recording was stopped")

    def _join_next(self) -> None:
        if self._joining is not None:
            pid, recording = self._joining
            done, status = os.waitpid(pid, os.WNOHANG)
            if not done:
                return
            self._joining = None
            self._report(recording, worked=os.waitstatus_to_exitcode(status) == 0)
        if self._to_join:
            recording = self._to_join.popleft()
            self._joining = (self._helper(recording), recording)

    def _helper(self, recording: _Recording | None) -> int:
        program = [sys.executable, "-I", "-S", stereo.__file__]
        if recording is None:
            program += ["--sweep", str(self._folder), "--before", str(self._swept_before)]
        else:
            program += [*map(str, recording.paths), str(recording.whole)]
        return os.posix_spawn(sys.executable, program, os.environ)

    def _report(self, recording: _Recording | None, *, worked: bool) -> None:
        if recording is None:
            return
        try:
            samples = _samples(recording, worked=worked)
        except OSError:
            samples = 0
        seconds = samples / RATE
        fault = recording.fault
        if recording.seconds - seconds > self.SHORT:
            missing = f"{recording.seconds - seconds:.0f} s could not be written to the disk"
            fault = f"{fault}; {missing}" if fault else missing
        if not worked:
            apart = "its two sides could not be joined and are kept apart"
            fault = f"{fault}; {apart}" if fault else apart
        self._say(RecordingEnded(recording.call, seconds, fault))


def _recorders(whole: Path) -> tuple[Recorder, Recorder]:
    """Both or none.

    Raises:
        SoundFault: see `Recorder`.
    """
    first, second = stereo.side_paths(whole)
    left = Recorder(first)
    try:
        return left, Recorder(second)
    except SoundFault:
        left.close()
        first.unlink()
        raise


def _closed(path: Path) -> bool:
    try:
        return stereo.is_closed(path)
    except OSError:
        return False


def _samples(recording: _Recording, *, worked: bool) -> int:
    """How long a recording became, as the file system has it."""
    if worked:
        return stereo.samples_in(recording.whole) // 2
    return max(stereo.samples_in(path) for path in recording.paths)


def _nearly_full(left: int) -> str:
    return f"the disk is nearly full ({left // MEGABYTE} MB left)"
