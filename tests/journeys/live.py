"""The picture of the office that the desk gives to the page, watched as the page's process watches it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from appliance.switchboard.asks import Answer, Speak, Spoken
from appliance.switchboard.views import Live, LiveCall, LiveLine, LiveOperator
from appliance.wire.seams import WEB
from tests.journeys.processes import TooLate, wait_for


class Watcher:
    """Connected to the desk; after `close`, or the desk's end, it keeps the last picture."""

    def __init__(self, desk: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(desk))
        self._socket.sendall(WEB.encode(WEB.hello, 0.0))
        self._news = threading.Condition()
        self._live: Live | None = None
        self._answers: dict[int, Answer] = {}
        self._asked = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def now(self) -> Live:
        """The latest picture."""
        return wait_for("the desk's picture", lambda: self._live, 5.0)

    def until(self, what: str, fits: Callable[[Live], bool], seconds: float = 15.0) -> Live:
        """Wait for a picture that fits.

        Raises:
            TooLate: none came.
        """
        give_up = time.monotonic() + seconds
        with self._news:
            while True:
                if self._live is not None and fits(self._live):
                    return self._live
                left = give_up - time.monotonic()
                if left <= 0:
                    raise TooLate(f"not within {seconds:.0f} s: {what}; the picture is {self._live}")
                self._news.wait(left)

    def operator(self, extension: str, state: str, seconds: float = 15.0) -> LiveOperator:
        """Wait until somebody is `ready`, `ringing`, `set aside`, …"""
        live = self.until(f"{extension} is {state}", lambda live: _operator(live, extension).state == state, seconds)
        return _operator(live, extension)

    def line(self, name: str, state: str, seconds: float = 15.0) -> LiveLine:
        """Wait until a line is `up` or `down`."""
        live = self.until(
            f"{name} is {state}",
            lambda live: any(one.name == name and one.state == state for one in live.lines),
            seconds,
        )
        return next(one for one in live.lines if one.name == name)

    def call(self, stage: str, seconds: float = 15.0) -> LiveCall:
        """Wait until a call is `waiting`, `offered`, `talking`, …"""
        live = self.until(f"a call is {stage}", lambda live: any(one.stage == stage for one in live.calls), seconds)
        return next(one for one in live.calls if one.stage == stage)

    def quiet(self, seconds: float = 15.0) -> Live:
        """Wait until no call goes on."""
        return self.until("no calls", lambda live: not live.calls, seconds)

    def spoken(self, text: str, language: str) -> Path:
        """A file with these words in the box's own voice."""
        self._asked += 1
        number = self._asked
        self._socket.sendall(WEB.encode(Speak(number, text, language), 0.0))
        answer = wait_for("the words are spoken", lambda: self._answers.get(number), 20.0)
        assert isinstance(answer, Spoken), answer
        return Path(answer.path)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5.0)
        self._socket.close()

    def _read(self) -> None:
        with self._socket.makefile("rb") as lines:
            try:
                WEB.greet(WEB.decode(lines.readline())[0])
                for line in lines:
                    message, _ = WEB.decode(line)
                    if isinstance(message, Live):
                        with self._news:
                            self._live = message
                            self._news.notify_all()
                    else:
                        self._answers[message.ask] = message
            except OSError:
                return


def _operator(live: Live, extension: str) -> LiveOperator:
    return next(one for one in live.operators if one.extension == extension)
