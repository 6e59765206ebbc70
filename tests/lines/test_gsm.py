"""The line against the virtual modem's core: single stories, told in full."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.calls.events import CallerKnown, KeyPressed, LegEnded, LegRangAgain, LegRinging, LineRang, LineState
from appliance.calls.names import Cause, LegId, LineId
from appliance.lines.call import wrong_with
from appliance.lines.effects import SoundOver, SoundWanted
from appliance.lines.settings import Adopted, LineSettings
from appliance.lines.virtual.manners import Manners
from appliance.lines.virtual.network import FarCall, FarManner
from tests.lines.world import World

NUMBER = "+355672000009"


def talking(world: World) -> LegId:
    """A call in, answered, with its sound wanted."""
    world.ring()
    world.until(world.has(LineRang))
    leg = [one for one in world.posted if isinstance(one, LineRang)][-1].leg
    world.answer(leg)
    world.until(world.has(SoundWanted))
    return leg


# ---- coming up


def test_a_line_comes_up_and_says_where() -> None:
    world = World().until_up()
    assert world.health.words == "registered at Virtual GSM, signal 68 %"
    assert world.health.signal == 68
    assert world.modem.unknown == []


def test_set_up_follows_the_order_of_the_book() -> None:
    written = World().until_up().written.decode().replace("\x1b", "").split("\r")
    book = [
        "AT",
        "ATE0",
        "AT+CMEE=1",
        "AT+CGMI",
        "AT+CPIN?",
        "AT+CIMI",
        "AT+CLIP=1",
        "AT+CRC=0",
        "AT+CREG=2",
        "AT+CREG?",
    ]
    assert written[3] == "AT&D0", "before anything else: a closing port must not end a call"
    positions = [written.index(command) for command in book]
    assert positions == sorted(positions)


def test_a_modem_stuck_at_a_prompt_is_freed_first() -> None:
    assert World().until_up().written.startswith(b"\x1bAT\r")


def test_the_owner_sees_the_signal_move_but_not_tremble() -> None:
    world = World().until_up()
    world.modem.signal = 22
    world.run(100)
    assert world.health.signal == 68
    world.modem.signal = 5
    world.run(100)
    assert world.health.signal == 16


def test_a_sim_for_volte_only_is_as_good_as_any() -> None:
    world = World(manners=Manners(volte_only=True)).until_up()
    world.ring()
    world.until(world.has(LineRang))


@pytest.mark.parametrize(
    ("manners", "words"),
    [
        (Manners(sim="none"), "no SIM card in the modem: put one in"),
        (Manners(sim="puk"), "the SIM card is blocked after wrong PINs: unblock it with its PUK, in a telephone"),
        (Manners(pin="1234"), "the SIM card asks for its PIN: enter it in the line's settings"),
    ],
)
def test_trouble_with_the_sim_is_said_with_what_to_do(manners: Manners, words: str) -> None:
    world = World(manners=manners).run(60)
    assert (world.health.state, world.health.words) == (LineState.DOWN, words)


def test_the_stored_pin_opens_the_sim() -> None:
    settings = LineSettings(LineId("gsm1"), pin="1234")
    world = World(manners=Manners(pin="1234"), settings=settings).until_up()
    assert world.modem.sim.tries == 3


def test_a_wrong_pin_is_given_once_and_never_again() -> None:
    settings = LineSettings(LineId("gsm1"), pin="9999")
    world = World(manners=Manners(pin="1234"), settings=settings).run(600)
    assert world.modem.sim.tries == 2
    assert world.written.count(b"AT+CPIN=") == 1
    assert "correct it in the line's settings" in world.health.words
    world.modem_does(world.modem.vanish(world.now))
    world.unplug(3.0)
    world.run(600)
    assert world.modem.sim.tries == 2


def test_the_last_try_of_the_pin_is_never_taken() -> None:
    settings = LineSettings(LineId("gsm1"), pin="9999")
    world = World(manners=Manners(pin="1234"), settings=settings)
    world.modem.sim.tries = 1
    world.run(120)
    assert world.modem.sim.tries == 1
    assert "one try left" in world.health.words


def test_a_pin_is_in_no_log_and_no_repr(caplog: pytest.LogCaptureFixture) -> None:
    settings = LineSettings(LineId("gsm1"), pin="7391")
    with caplog.at_level("DEBUG"):
        World(manners=Manners(pin="7391"), settings=settings).until_up()
    assert "7391" not in caplog.text + repr(settings)


def test_no_network_is_said_and_noticed_again() -> None:
    world = World().until_up()
    world.modem_does(world.modem.misbehave("network", world.now))
    world.run(60)
    assert world.health.state is LineState.DOWN
    assert world.health.words.startswith("no network")
    world.modem_does(world.modem.misbehave("none", world.now))
    world.until(lambda world: world.up, 15)
    assert world.health.words.startswith("registered at Virtual GSM")


# ---- calls in


def test_a_call_in_from_ring_to_end() -> None:
    world = World().until_up()
    leg = talking(world)
    world.presses("1")
    world.until(world.has(KeyPressed))
    world.far_hangs_up()
    world.run(10)
    assert [one for one in world.calls() if not isinstance(one, LegRangAgain)] == [
        LineRang(leg, LineId("gsm1"), "+355672000001"),
        SoundWanted(leg, "/dev/sound"),
        KeyPressed(leg, "1"),
        SoundOver(leg),
        LegEnded(leg, Cause.NORMAL, "NO CARRIER"),
    ]


def test_every_ring_is_counted() -> None:
    world = World().until_up()
    world.ring()
    world.run(10)
    assert [one.rings for one in world.posted if isinstance(one, LegRangAgain)] == [2, 3, 4]


def test_a_caller_who_gives_up_is_reported_however_briefly_it_rang() -> None:
    world = World(worst_delay=0.0).until_up()
    world.ring("")
    world.far_hangs_up()
    world.run(2)
    [rang, ended] = world.calls()
    assert isinstance(rang, LineRang)
    assert ended == LegEnded(rang.leg, Cause.CANCELLED, "NO CARRIER")


def test_without_a_number_the_call_is_held_back_for_a_second_at_most() -> None:
    world = World(manners=Manners(clip_after=2.0), worst_delay=0.0).until_up()
    world.modem._in.settings.call_states = False  # a modem that only rings
    rang_at = world.now
    world.ring("+355672000001")
    world.until(world.has(LineRang))
    assert world.now - rang_at == pytest.approx(1.0)
    world.until(world.has(CallerKnown))
    assert world.now - rang_at == pytest.approx(2.0)


def test_a_call_is_refused_without_being_answered() -> None:
    world = World().until_up()
    world.ring()
    world.until(world.has(LineRang))
    [rang] = world.calls()
    assert isinstance(rang, LineRang)
    world.line_does(world.line.hang_up(rang.leg, world.now, Cause.REFUSED, "blocked"))
    world.run(5)
    assert world.ended() == [LegEnded(rang.leg, Cause.REFUSED, "blocked")]
    assert world.modem.network.call is None


def test_answering_after_the_caller_left_ends_the_leg_once() -> None:
    world = World(worst_delay=0.2).until_up()
    world.ring()
    world.until(world.has(LineRang))
    [rang] = world.calls()
    assert isinstance(rang, LineRang)
    world.far_hangs_up()
    world.answer(rang.leg)
    world.run(30)
    assert world.ended() == [LegEnded(rang.leg, Cause.CANCELLED, "NO CARRIER")]
    assert world.up


def test_a_modem_without_a_key_detector_leaves_keys_to_the_sound() -> None:
    world = World(manners=Manners(keys="sound")).until_up()
    leg = talking(world)
    assert world.wanted() == [SoundWanted(leg, "/dev/sound", keys_by_sound=True)]


def test_keys_by_sound_are_not_reported_twice() -> None:
    world = World(settings=LineSettings(LineId("gsm1"), keys="sound")).until_up()
    talking(world)
    world.presses("1")
    world.run(2)
    assert b"DDET" not in world.written
    assert not world.all(KeyPressed)


def test_an_answer_that_comes_late_takes_the_next_call() -> None:
    world = World(manners=Manners(delays={"ATA": 0.5}), worst_delay=0.0).until_up()
    world.ring("0672000001")
    world.until(world.has(LineRang))
    world.answer(LegId("in-1"))
    world.run(0.2)
    world.far_hangs_up()
    world.run(0.1)
    world.ring("0672000002")
    world.until(world.has(LegRangAgain))
    assert world.modem.network.active, "our answer was for the first, and the second has got it"
    assert world.calls()[-1] == LegRangAgain(LegId("in-2"), 2)
    world.answer(LegId("in-2"))
    world.until(world.has(SoundWanted))
    assert world.written.count(b"ATA") == 1
    world.far_hangs_up()
    world.run(2)
    assert world.ended() == [
        LegEnded(LegId("in-1"), Cause.CANCELLED, "NO CARRIER"),
        LegEnded(LegId("in-2"), Cause.NORMAL, "NO CARRIER"),
    ]


def test_a_call_nobody_told_us_of_is_found_and_hung_up() -> None:
    world = World().until_up()
    world.modem.network.call = FarCall(outgoing=False, number="", status=0)
    world.run(15)
    assert world.modem.network.call is None


def test_a_ring_that_was_lost_is_found_in_the_list() -> None:
    world = World(manners=Manners(ring_every=60.0)).until_up()
    world.ring()
    world.to_line.parcels.clear()
    world.until(world.has(LineRang), 15)


def test_an_end_that_nobody_says_is_found_in_the_list() -> None:
    world = World().until_up()
    leg = talking(world)
    world.modem.network.call = None
    world.until(world.has(LegEnded), 6.0)
    assert world.ended() == [LegEnded(leg, Cause.NORMAL, "NO CARRIER")]


def test_one_empty_list_is_not_believed() -> None:
    world = World(worst_delay=0.0).until_up()
    talking(world)
    call, world.modem.network.call = world.modem.network.call, None
    asked = world.written.count(b"AT+CLCC\r")
    world.until(lambda world: world.written.count(b"AT+CLCC\r") > asked)
    world.run(0.1)
    world.modem.network.call = call
    world.run(10)
    assert not world.ended()


# ---- calls out


def test_a_call_out_from_dial_to_our_hang_up() -> None:
    world = World().until_up()
    leg = world.dial("out-1", NUMBER)
    world.until(world.has(SoundWanted))
    world.line_does(world.line.send_keys(leg, "12x#", world.now))
    world.run(2)
    assert world.modem.network.call is not None
    assert world.modem.network.call.keys == "12#"
    world.hang_up(leg)
    world.run(5)
    assert world.calls() == [
        LegRinging(leg),
        SoundWanted(leg, "/dev/sound"),
        SoundOver(leg),
        LegEnded(leg, Cause.NORMAL),
    ]
    assert world.written.rindex(b"AT+CPCMREG=0\r") < world.written.rindex(b"AT+CHUP\r")


@pytest.mark.parametrize(
    ("far", "cause", "detail"),
    [
        ("busy", Cause.BUSY, "BUSY"),
        ("unreachable", Cause.UNREACHABLE, "NO CARRIER"),
        ("refuses", Cause.REFUSED, "NO CARRIER"),
        ("silent", Cause.NO_ANSWER, "NO ANSWER"),
    ],
)
def test_why_a_call_out_failed(far: FarManner, cause: Cause, detail: str) -> None:
    world = World().until_up()
    world.modem.network.far = far
    leg = world.dial("out-1", NUMBER)
    world.run(60)
    assert world.ended() == [LegEnded(leg, cause, detail)]


def test_one_line_has_one_call() -> None:
    world = World().until_up()
    talking(world)
    leg = world.dial("out-1", NUMBER)
    assert world.posted[-1] == LegEnded(leg, Cause.UNREACHABLE, "line is in use")
    assert b"ATD" not in world.written


def test_a_line_that_is_down_says_why_it_does_not_dial() -> None:
    world = World(plugged=False).run(5)
    leg = world.dial("out-1", NUMBER)
    assert world.posted[-1] == LegEnded(leg, Cause.UNREACHABLE, "line gsm1: the modem is not plugged in")


def test_without_network_the_modem_itself_is_asked() -> None:
    world = World().until_up()
    world.modem_does(world.modem.misbehave("network", world.now))
    world.run(1)
    leg = world.dial("out-1", NUMBER)
    world.run(3)
    assert world.ended() == [LegEnded(leg, Cause.UNREACHABLE, "the modem refused to dial: +CME ERROR: 30")]


def test_hanging_up_before_the_number_was_dialled_dials_nothing() -> None:
    world = World(worst_delay=0.0).until_up()
    leg = talking(world)
    world.far_hangs_up()
    world.until(world.has(LegEnded))
    out = world.dial("out-1", NUMBER)  # waits a moment, lest NO CARRIER of the last call be taken for its own
    world.hang_up(out)
    world.run(5)
    assert world.ended() == [LegEnded(leg, Cause.NORMAL, "NO CARRIER"), LegEnded(out, Cause.NORMAL)]
    assert b"ATD" not in world.written


def test_hanging_up_while_it_rings_there() -> None:
    world = World(manners=Manners(answer_after=None)).until_up()
    leg = world.dial("out-1", NUMBER)
    world.until(world.has(LegRinging))
    world.hang_up(leg)
    world.run(5)
    assert world.ended() == [LegEnded(leg, Cause.NORMAL)]
    assert world.modem.network.call is None


@pytest.mark.parametrize("number", ["0672000001", "+355672000001", "112", "#31#0672000001", "*31#+355672000001"])
def test_numbers_that_may_be_dialled(number: str) -> None:
    assert wrong_with(number) == ""


@pytest.mark.parametrize(
    "number",
    [
        "",
        "+",
        "06720a",
        "067 200",
        "0672;+CHUP",
        "0672\rAT+CPOF",
        "0672+1",
        "٠٦٧",
        "1" * 41,
        "*21*0900#",
        "#31#",
        "**21*1#",
        "+*21*0900#",
        "+#31#0672000001",
        "#31#*21*0900#",
        "#31#+*21*0900#",
        "*31##31#*21*0900#",
        "*31##31#0672000001",
        "123#",
        "0672000001#",
        "0672*000001",
        "**04*1234*0000*0000#",
        "**05*12345678*0000*0000#",
    ],
)
def test_what_must_never_reach_the_modem(number: str) -> None:
    world = World().until_up()
    leg = world.dial("out-1", number)
    world.run(3)
    [ended] = world.ended()
    assert (ended.leg, ended.cause) == (leg, Cause.UNKNOWN_NUMBER)
    assert b"ATD" not in world.written


# ---- sound


def test_sound_comes_half_a_second_after_connect_and_not_before_the_modem_means_it() -> None:
    world = World(manners=Manners(pcm_settles=2.0), worst_delay=0.0).until_up()
    world.ring()
    world.until(world.has(LineRang))
    world.answer(LegId("in-1"))
    world.until(lambda world: world.modem.network.active)
    connected = world.now
    world.until(world.has(SoundWanted))
    assert world.modem.network.sound
    assert 2.5 < world.now - connected < 3.2
    assert world.written.count(b"AT+CPCMREG=1") == 1


def test_a_modem_that_gives_no_sound_is_hung_up_and_restarted() -> None:
    world = World(manners=Manners(pcm_settles=1e6)).until_up()
    world.ring()
    world.until(world.has(LineRang))
    world.answer(LegId("in-1"))
    world.until(world.has(LegEnded))
    assert world.ended() == [LegEnded(LegId("in-1"), Cause.FAULT, "the modem gives no sound")]
    assert not world.wanted()
    world.run(2)
    assert b"AT+CRESET" in world.written
    world.until_up()
    assert world.modem.starts == 2


def test_the_first_sign_of_choppy_sound_restarts_the_modem_once_the_line_is_free() -> None:
    world = World(manners=Manners(second_call_degraded=True)).until_up()
    talking(world)
    world.far_hangs_up()
    world.run(5)
    assert b"AT+CRESET" not in world.written
    talking(world)
    world.run(5)
    assert b"AT+CRESET" not in world.written, "not while people talk"
    world.far_hangs_up()
    world.run(1)
    assert b"AT+CRESET" in world.written
    assert (world.health.state, world.health.words) == (
        LineState.STARTING,
        "restarting the modem, because its sound had become unsteady",
    )
    world.until_up()
    talking(world)


def test_the_engine_hears_no_sound_and_the_modem_had_turned_it_off() -> None:
    world = World().until_up()
    leg = talking(world)
    world.modem.network.sound_off()
    world.line_does(world.line.sound_trouble(leg, world.now))
    world.run(5)
    assert world.modem.network.sound, "asked for again"
    assert len(world.wanted()) == 1
    world.far_hangs_up()
    world.run(2)
    assert b"AT+CRESET" in world.written


# ---- a desk that comes back


def test_a_call_that_went_on_without_us_is_adopted_and_not_disturbed() -> None:
    before = World().until_up()
    talking(before)
    after = World(adopt=Adopted(LegId("old"), "+355672000001"), plugged=False)
    after.modem, after.plugged, after.now, after.open_at = before.modem, True, before.now, before.now
    after.until_up()
    after.run(5)
    assert after.calls() == []
    for harm in (b"CHUP", b"CRESET", b"CPCMREG=", b"CPCMFRM", b"CFUN", b"ATH", b"ATZ", b"AT&F"):
        assert harm not in after.written
    after.presses("5")
    after.run(1)
    after.far_hangs_up()
    after.run(5)
    assert after.calls() == [
        KeyPressed(LegId("old"), "5"),
        SoundOver(LegId("old")),
        LegEnded(LegId("old"), Cause.NORMAL, "NO CARRIER"),
    ]
    assert b"CPCMFRM" in after.written, "the format of the sound is set when the line is free"


def test_an_adopted_call_can_be_hung_up() -> None:
    before = World().until_up()
    talking(before)
    after = World(adopt=Adopted(LegId("old")), plugged=False)
    after.modem, after.plugged, after.now, after.open_at = before.modem, True, before.now, before.now
    after.until_up()
    after.hang_up(LegId("old"))
    after.run(5)
    assert after.modem.network.call is None
    assert after.calls() == [SoundOver(LegId("old")), LegEnded(LegId("old"), Cause.NORMAL)]


def test_a_call_that_ended_while_we_were_away() -> None:
    world = World(adopt=Adopted(LegId("old"), "+355672000001")).until_up()
    assert world.calls() == [LegEnded(LegId("old"), Cause.NORMAL, "the call ended while the desk was away")]


def test_a_ringing_call_is_adopted_under_its_old_name() -> None:
    before = World().until_up()
    before.ring()
    before.run(1)
    after = World(adopt=Adopted(LegId("old"), "+355672000001"), plugged=False)
    after.modem, after.plugged, after.now, after.open_at = before.modem, True, before.now, before.now
    after.until(after.has(LegRangAgain))
    after.answer(LegId("old"))
    after.until(after.has(SoundWanted))
    assert not after.all(LineRang)


def test_a_call_nobody_claims_is_hung_up(caplog: pytest.LogCaptureFixture) -> None:
    before = World().until_up()
    talking(before)
    after = World(plugged=False)
    after.modem, after.plugged, after.now, after.open_at = before.modem, True, before.now, before.now
    after.run(10)
    assert after.modem.network.call is None
    assert after.calls() == []
    assert "nobody claims" in caplog.text


def test_a_modem_that_is_gone_ends_the_claim() -> None:
    world = World(adopt=Adopted(LegId("old")), plugged=False).run(2)
    assert world.ended() == [LegEnded(LegId("old"), Cause.FAULT, "the modem is not plugged in")]


# ---- trouble


def test_unplugged_in_the_middle_of_a_call_and_back() -> None:
    world = World().until_up()
    leg = talking(world)
    world.pull(10.0)
    assert world.calls()[-2:] == [SoundOver(leg), LegEnded(leg, Cause.FAULT, "modem unplugged")]
    assert world.health.state is LineState.DOWN
    world.until_up()
    talking(world)


def test_a_modem_that_falls_silent_climbs_the_ladder_and_comes_back() -> None:
    world = World().until_up()
    world.modem_does(world.modem.misbehave("silent", world.now))
    world.until(lambda world: world.health.state is LineState.DOWN, 40)
    assert world.health.words.endswith("opening its port again")
    world.until(lambda world: b"AT+CRESET" in world.written, 20)
    assert world.health.words.endswith("restarting it")
    world.until(lambda world: world.up, 60)
    assert world.modem.starts == 2


def test_a_modem_that_stays_silent_is_tried_with_growing_pauses() -> None:
    world = World().until_up()
    world.modem_does(world.modem.misbehave("hang", world.now))
    world.run(1200)
    words = [
        one.words.partition("; ")[2] for one in world.posted if hasattr(one, "words") and "trying again" in one.words
    ]
    assert words == [f"trying again in {pause} s" for pause in (15, 60, 300, 300, 300, 300)]
    assert world.written.count(b"AT+CRESET") >= 3
    world.pull(5.0)
    world.until(lambda world: world.up, 60)


def test_people_go_on_talking_over_a_modem_that_went_silent() -> None:
    world = World().until_up()
    leg = talking(world)
    world.modem_does(world.modem.misbehave("silent", world.now))
    world.run(40)
    assert not world.ended()
    assert "the call goes on" in world.health.words
    world.modem_does(world.modem.misbehave("none", world.now))
    world.until(lambda world: world.up, 20)
    assert not world.ended()
    world.far_hangs_up()
    world.run(5)
    assert world.ended() == [LegEnded(leg, Cause.NORMAL, "NO CARRIER")]


@pytest.mark.parametrize(("sound_fails", "limit"), [(False, 90.0), (True, 15.0)])
def test_but_not_for_ever_and_not_without_sound(sound_fails: bool, limit: float) -> None:
    world = World().until_up()
    leg = talking(world)
    world.modem_does(world.modem.misbehave("hang", world.now))
    if sound_fails:
        world.later(10.0, lambda: world.line_does(world.line.sound_trouble(leg, world.now)))
    world.until(world.has(LegEnded), limit)
    assert world.ended()[0].cause is Cause.FAULT


def test_a_modem_that_answers_only_error_is_trouble_too() -> None:
    world = World().until_up()
    world.modem_does(world.modem.misbehave("error", world.now))
    world.until(lambda world: world.health.state is not LineState.UP, 60)
    world.until(lambda world: b"AT+CRESET" in world.written, 60)


def test_a_modem_that_restarts_by_itself_is_set_up_again_and_its_call_is_over() -> None:
    world = World().until_up()
    leg = talking(world)
    world.modem_does(world.modem.boot(world.now))  # a dip in the supply, on a UART: the port stays
    world.until(world.has(LegEnded))
    assert world.ended() == [LegEnded(leg, Cause.FAULT, "the modem restarted by itself")]
    world.run(10)
    assert world.up
    talking(world)


def test_one_lost_answer_is_no_reason_to_alarm_anybody() -> None:
    world = World().until_up()
    told = len(world.posted)
    for _ in range(3):
        world.until(lambda world: bool(world.to_line.parcels))
        world.to_line.parcels.clear()
        world.run(100)
    assert world.posted[told:] == []
    assert world.up


def test_a_hang_up_the_modem_does_not_answer_is_reported_after_five_seconds() -> None:
    world = World(manners=replace(Manners(), delays={"AT+CHUP": 30.0})).until_up()
    leg = talking(world)
    hung_up = world.now
    world.hang_up(leg)
    world.until(world.has(LegEnded))
    assert 4.9 < world.now - hung_up < 5.5
    out = world.dial("out-1", NUMBER)
    assert world.posted[-1] == LegEnded(out, Cause.UNREACHABLE, "line is in use")
    world.run(60)
    assert world.line.idle
    assert len(world.ended()) == 2


def test_nobody_is_kept_ringing_for_ever() -> None:
    world = World(manners=Manners(gives_up=1e6, answer_after=None)).until_up()
    leg = world.dial("out-1", NUMBER)
    world.run(130)
    assert world.ended() == [LegEnded(leg, Cause.NO_ANSWER, "nobody answered for 120 s")]
    assert world.modem.network.call is None
