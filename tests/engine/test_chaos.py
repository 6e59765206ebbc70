"""Wild minutes: telephones and a desk that do anything at any time. What was promised must hold all the same."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.calls import commands, events
from appliance.calls.engine import (
    CallDevice,
    CallTrunk,
    OpenSound,
    PlayFiles,
    SoundNoted,
    TrunkAccount,
    TrunkAccounts,
)
from appliance.calls.names import CallId, Cause, Encryption, Extension, LegId, LineId
from tests.engine.bench import Bench, Desk, bench
from tests.engine.pcm_modem import PcmModem
from tests.engine.peer import Phone
from tests.engine.srtp import new_key
from tests.engine.test_sound import sound_file

BODY = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 99\r\n"
MARKS = [
    f"X-Qendra-Source: {source}\r\nX-Qendra-Transport: {transport}\r\n"
    for source in ("127.0.0.1", "192.168.1.7", "::1")
    for transport in ("udp", "tls")
]


class Wild:
    def __init__(self, box: Bench, seed: int, folder: Path, modems: list[PcmModem]) -> None:
        self.box = box
        self.dice = random.Random(seed)
        self.phones: list[Phone] = []
        self.recorded: list[CallId] = []
        self.modems = modems
        self.heard: list[object] = []
        self.files = [sound_file(folder, 500, seconds) for seconds in (0.05, 0.3, 2)] + ["/nowhere"]
        box.edge.on_invite = self.invited

    def invited(self, phone: Phone) -> None:
        """On the edge's thread."""
        self.phones.append(phone)
        phone.keys = self.keys()
        match self.dice.randrange(5):
            case 0:
                phone.ring()
            case 1 | 2:
                phone.answer()
            case 3:
                phone.refuse(486)

    def legs(self) -> list[LegId]:
        """All that were ever named, living and dead."""
        born = [event.leg for event in self.everything() if isinstance(event, events.PhoneRang | events.LineRang)]
        return [*born, *self.box._made, LegId("never was")]

    def everything(self) -> list[object]:
        return [*self.heard, *self.box.desk.events]

    def leg(self) -> LegId:
        return self.dice.choice(self.legs()[-12:])

    def phone(self) -> Phone:
        return self.dice.choice(self.phones[-12:]) if self.phones else self.call_in()

    def call_in(self) -> Phone:
        phone = self.box.edge.phone()
        phone.keys = self.keys()
        phone.dial(
            "101", self.dice.choice(["600", "*1", ""]), trusted=self.dice.random() < 0.95, extra=self.dice.choice(MARKS)
        )
        self.phones.append(phone)
        return phone

    def called_by_provider(self) -> None:
        phone = self.box.edge.phone()
        phone.keys = self.keys()
        phone.dial_by_provider(self.dice.choice(["p1", "p2"]), "1", extra=self.dice.choice(MARKS))
        self.phones.append(phone)

    def keys(self) -> str:
        return self.dice.choice(["", "", "AVP", "SAVP"])

    def change_keys(self) -> None:
        phone = self.phone()
        phone.keys, phone.key = self.keys(), new_key()
        phone.request("INVITE", self.dice.choice(MARKS), phone.sdp())

    def change_providers(self) -> None:
        names = self.dice.sample(["p1", "p2", "p3"], k=self.dice.randrange(4))
        how = self.dice.choice(list(Encryption))
        user = str(self.dice.randrange(3))
        self.box.desk.tell(
            TrunkAccounts(tuple(TrunkAccount(LineId(name), "h", user=user, encryption=how) for name in names))
        )

    def step(self) -> None:
        self.dice.choice(self.habits())()

    def habits(self) -> list[Callable[[], object]]:
        tell, leg, phone, pick = self.box.desk.tell, self.leg, self.phone, self.dice.choice
        return [
            self.call_in,
            self.call_in,
            self.called_by_provider,
            self.change_providers,
            self.change_keys,
            lambda: tell(
                CallDevice(self.box.new_leg(), Extension("102"), "d", "101", encryption=pick(list(Encryption)))
            ),
            lambda: tell(CallTrunk(self.box.new_leg(), pick([LineId("p1"), LineId("p2")]), "1")),
            lambda: tell(commands.Ring(leg())),
            lambda: tell(commands.Answer(leg(), encrypted_only=True)),
            lambda: tell(commands.Answer(leg())),
            lambda: tell(commands.Answer(leg())),
            lambda: tell(commands.Answer(leg())),
            lambda: tell(commands.Hangup(leg(), pick(list(Cause)))),
            lambda: tell(PlayFiles(leg(), 1, tuple(self.dice.choices(self.files, k=3)), loop=pick([True, False]))),
            lambda: tell(commands.StopPlaying(leg())),
            lambda: tell(commands.Bridge(leg(), leg())),
            lambda: tell(commands.Bridge(leg(), leg())),
            lambda: tell(commands.Unbridge(leg(), leg())),
            self.record,
            lambda: tell(commands.StopRecording(pick([*self.recorded[-3:], CallId("never was")]))),
            lambda: tell(commands.SendKeys(leg(), pick(["1", "123#", "x"]))),
            lambda: tell(OpenSound(self.box.new_leg(), pick(self.modems).path, 8000, keys_by_sound=True)),
            lambda: phone().request("BYE"),
            lambda: phone().cancel(),
            lambda: phone().request("INVITE", body=phone().sdp(pick(["sendonly", "inactive", "sendrecv"]))),
            lambda: phone().request("INVITE"),
            lambda: phone().request("INVITE", body=BODY),
            lambda: phone().request("REFER", "Refer-To: <sip:103@127.0.0.1>\r\n"),
            lambda: phone().request("INFO", body="Signal=5\r\n", kind="application/dtmf-relay"),
            lambda: phone().request("UPDATE", body=phone().sdp()),
            lambda: phone().request("ACK"),
            lambda: phone().sound.press(pick("0123456789*#")),
            self.answer_late,
            lambda: self.box.edge.send(phone().call_id),
            self.change_desk,
        ]

    def answer_late(self) -> None:
        """Or twice, or after having refused."""
        phone = self.phone()
        if phone.invite is not None:
            phone.answer()

    def record(self) -> None:
        call = CallId(f"wild-{len(self.recorded)}")
        self.recorded.append(call)
        self.box.desk.tell(commands.Record(call, self.leg(), self.leg(), f"wild/{call}"))

    def change_desk(self) -> None:
        if self.dice.random() < 0.2:
            self.box.desk.leave()
            time.sleep(0.05)
            self.heard += [event for event in self.box.desk.events if not isinstance(event, events.EngineUp)]
            self.box.desk = Desk(self.box.folder / "engine.sock")

    def settle(self) -> None:
        """Everybody hangs up."""
        self.box.edge.on_invite = None
        time.sleep(0.2)
        self.change_desk()
        until = time.monotonic() + 30  # recordings are joined with low priority
        while True:
            self.box.desk.leave()
            self.heard += list(self.box.desk.events)
            fresh = self.box.desk = Desk(self.box.folder / "engine.sock")
            up = fresh.hears(events.EngineUp)
            if not up.legs and not up.recordings:
                time.sleep(0.3)  # for what was kept, which comes behind
                return
            for leg in up.legs:
                fresh.tell(commands.Hangup(leg.leg))
            assert time.monotonic() < until, up
            time.sleep(0.2)


@pytest.fixture
def modems() -> Iterator[list[PcmModem]]:
    made = [PcmModem() for _ in range(2)]
    for modem in made:
        modem.start()
    yield made
    for modem in made:
        modem.close()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_people_do(seed: int, tmp_path: Path, modems: list[PcmModem]) -> None:
    with bench(tmp_path) as box:
        wild = Wild(box, seed, tmp_path, modems)
        for _ in range(500):
            wild.step()
            time.sleep(wild.dice.choice([0, 0, 0, 0.005, 0.02]))
            assert box.alive, box.log.read_text()
        wild.settle()
        told = wild.everything()
        ended = Counter(event.leg for event in told if isinstance(event, events.LegEnded))
        assert set(ended.values()) == {1}
        born = {event.leg for event in told if isinstance(event, events.PhoneRang | events.LineRang)}
        assert born <= set(ended), "a telephone's call had no end"
        recordings = Counter(event.call for event in told if isinstance(event, events.RecordingEnded))
        assert recordings == Counter(wild.recorded)
        _nothing_after_the_end(told)
        box.call_in_answered()
    assert len(born) > 10
    assert sum(isinstance(event, events.LegAnswered) for event in told) > 5


def _nothing_after_the_end(told: list[object]) -> None:
    gone: set[LegId] = set()
    for event in told:
        match event:
            case events.LegEnded(leg):
                gone.add(leg)
            case (
                events.LegAnswered(leg)
                | events.LegRinging(leg)
                | events.KeyPressed(leg)
                | events.Played(leg)
                | events.LegHeld(leg)
                | events.LegEncrypted(leg)
                | SoundNoted(leg)
            ):
                assert leg not in gone, event
