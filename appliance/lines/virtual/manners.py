"""How this virtual modem behaves: its speed, its SIM, its bad habits."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Manners:
    """The defaults are a SIM7600 on a good day. Times are seconds."""

    delay: float = 0.01
    """From a command to its answer."""
    delays: dict[str, float] = field(default_factory=lambda: {"ATD": 0.15, "ATA": 0.25, "AT+CHUP": 0.1})
    """The same, for commands that begin so."""
    begin_before_ok: bool = True
    """VOICE CALL: BEGIN comes before the OK of ATA."""
    no_carrier: bool = True
    """NO CARRIER follows the other words of an end."""
    refuses_second: bool = False
    """A command that comes while another is answered gets ERROR; else it is lost without a word."""

    sim_busy: float = 2.0
    """After a start, while +CME ERROR 14 is said."""
    registers: float = 1.0
    """From the ready SIM to the network."""
    reboot: float = 6.0
    """CRESET: until the ports are back. 14 to 20 on real ones."""
    sim: str = "ready"
    """`ready`, `none` or `puk`."""
    pin: str = ""
    """Asked for at the start when not empty."""
    volte_only: bool = False
    """Registered on LTE alone: +CREG says denied, and calls work."""
    operator: str = "Virtual GSM"
    signal: int = 21
    """Of +CSQ: 0 to 31, 99 unknown."""

    ring_every: float = 3.0
    clip_after: float = 0.2
    alert_after: float = 0.8
    """From the dial to the far end's ringing."""
    answer_after: float | None = 2.0
    """The far end answers our call so long after it began to ring; None: only when told."""
    gives_up: float = 45.0
    """The network ends a call that nobody answers."""
    keys: str = "both"
    """How a pressed key reaches the box: `report` (+RXDTMF), `sound`, or `both` as in life. With `sound` the modem
    has no DTMF detector."""

    pcm_settles: float = 0.2
    """CPCMREG=1 has said OK, and CPCMREG? says 0 yet."""
    wide: bool = False
    """16 kHz, whatever it was told."""
    second_call_degraded: bool = False
    """From the second call after a start the sound is choppy, until CRESET. Seen on LE20B05SIM7600M21."""

    ppm: float = 0.0
    """How much faster its sample clock is than ours, in millionths."""
    burst: int = 1
    """Frames of 20 ms it sends at a time: 1, 2 or 5 were seen."""
    buffered: int = 8
    """Frames it keeps in each direction; what is more is lost and counted."""
    stale: int = 5
    """Frames of the last call's sound still in it when the next begins."""
