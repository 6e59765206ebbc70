"""One SIP call, seen from the engine."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pjsua2 as pj

from appliance.calls.names import Encryption
from appliance.engine.fence import SoundFence, sources_of_sound
from appliance.engine.marks import Marks, marks_of
from appliance.engine.pj.guard import guarded
from appliance.engine.pj.happenings import Agreed, Happening, KeySent, Over, Ringing, SoundChanged
from appliance.engine.pj.sound import SoundEnd
from appliance.engine.sdp import brings_keys, is_ip6, names_in, sound_port

if TYPE_CHECKING:
    from appliance.engine.pj.accounts import Way

log = logging.getLogger("qendra.engine")

Note = Callable[[Happening], None]
SoundRewriter = Callable[["Dialog", str, str], str]
"""Our SDP and the other side's (empty when it has not said anything yet) to the SDP to send."""

DECLINED = 603
NOT_ACCEPTABLE = 488

_SOUND_OPEN = (pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_LOCAL_HOLD, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD)


class Dialog(SoundEnd):
    """One SIP call. Every method is harmless once the call is over, because commands and endings cross."""

    def __init__(self, note: Note, rewrite: SoundRewriter, buried: Callable[[Dialog], None]) -> None:
        """`buried` hears that the call has ended and nothing refers to it any more."""
        self.note = note
        self.rewrite = rewrite
        self._buried = buried
        self._raw: RawCall | None = None
        self.way: Way | None = None
        """The account it goes over. For the library alone."""
        self.marks = Marks()
        """What the edge said last of the other side."""
        self.here = ""
        """Our address in its SDP; empty: whichever is on the other side's way."""
        self.to_provider = False
        self.encryption = Encryption.OPTIONAL
        """Of its sound: what we offer, and what we agree to."""
        self.offer = ""
        """The SDP its INVITE came with; empty: none, then the offer is ours."""
        self.fence = SoundFence()
        self.named: tuple[str, ...] = ()
        """The addresses its SDP gives for sound. For the call alone."""

    @property
    def over(self) -> bool:
        """Whether the call has ended."""
        return self._raw is None

    def own(self, raw: RawCall) -> None:
        """Take the library's call over. For the library alone."""
        self._raw = raw

    def disown(self, code: int, reason: str) -> None:
        """The call has ended: forget it within its own last callback. For the call alone."""
        self._raw = None
        self._buried(self)
        self.note(Over(self, code, reason))

    def media(self) -> Any | None:
        if self._raw is None or not self._raw.hasMedia():
            return None
        return self._raw.getAudioMedia(-1)

    def ring(self) -> None:
        """Tell the caller that it rings."""
        self._answer(180)

    def answer(self) -> None:
        """Take the call."""
        self._answer(200)

    def admit(self) -> None:
        """Let its sound in from where the party is now, and from nowhere else."""
        self.fence.admit(sources_of_sound(self.marks.source, self.named))

    @property
    def can_encrypt(self) -> bool:
        """Whether the other side's offer leaves us that; when the offer is to be ours, we shall see."""
        return not self.offer or brings_keys(self.offer)

    def _answer(self, code: int) -> None:
        if self._raw is not None:
            operation = operation_of(code)
            with _crossing("answer"):
                self._raw.answer(operation)

    def hang_up(self, code: int) -> None:
        """End the call, whatever its state: BYE, CANCEL, or a refusal with `code`. `Over` follows at once."""
        if self._raw is not None:
            operation = operation_of(code)
            with _crossing("hang up"):
                self._raw.hangup(operation)

    def press(self, keys: str) -> None:
        """Send keys in the sound's stream (RFC 4733), or as SIP INFO to a telephone without that."""
        if self._raw is None:
            return
        try:
            self._raw.dialDtmf(keys)
        except pj.Error:
            operation = pj.CallSendDtmfParam()
            operation.method, operation.digits = pj.PJSUA_DTMF_METHOD_SIP_INFO, keys
            with _crossing("send keys"):
                self._raw.sendDtmf(operation)

    def heard(self) -> int:
        """Packets of sound that have come from it so far; 0 while there is no stream."""
        if self._raw is None or not self._raw.hasMedia():
            return 0
        try:
            return int(self._raw.getStreamStat(0).rtcp.rxStat.pkt)
        except pj.Error:
            return 0

    def ask(self) -> None:
        """Is it still there? Any answer will do; to none, or to "I know of no such call", the library ends the call."""
        if self._raw is not None:
            question = pj.CallSendRequestParam()
            question.method = "OPTIONS"
            with _crossing("ask"):
                self._raw.sendRequest(question)


class RawCall(pj.Call):  # type: ignore[misc]  # an untyped library
    """The library's call. Known to its dialog and to nobody else."""

    def __init__(self, account: Any, dialog: Dialog, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(account, call_id)
        self._dialog = dialog
        dialog.own(self)

    @guarded
    def onCallState(self, prm: Any) -> None:  # noqa: ARG002
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self._dialog.disown(int(info.lastStatusCode), str(info.lastReason))
        elif info.state == pj.PJSIP_INV_STATE_EARLY and info.role == pj.PJSIP_ROLE_UAC:
            self._dialog.note(Ringing(self._dialog))
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self._dialog.note(Agreed(self._dialog))

    @guarded
    def onCallMediaState(self, prm: Any) -> None:  # noqa: ARG002
        info = self.getInfo()  # kept: its media live no longer than it does
        sound = {part.index: part.status for part in info.media if part.type == pj.PJMEDIA_TYPE_AUDIO}
        opened = any(state in _SOUND_OPEN for state in sound.values())
        held = pj.PJSUA_CALL_MEDIA_REMOTE_HOLD in sound.values()
        encrypted = opened and "SRTP status: Active" in self.dump(True, "")
        self._dialog.note(SoundChanged(self._dialog, open=opened, held=held, encrypted=encrypted))
        if opened:
            self._dialog.named = self._named(next(at for at, state in sound.items() if state in _SOUND_OPEN))
            self._dialog.admit()

    def _named(self, stream: int) -> tuple[str, ...]:
        """Where the other side's SDP wants sound and its reports."""
        stream_info = self.getStreamInfo(stream)
        addresses = (str(stream_info.remoteRtpAddress), str(stream_info.remoteRtcpAddress))
        return tuple(address.rpartition(":")[0].strip("[]") for address in addresses)

    @guarded
    def onCallTsxState(self, prm: Any) -> None:
        """Who is at the other end may change with every INVITE, theirs, and every answer to ours."""
        state = prm.e.body.tsxState
        if state.type == pj.PJSIP_EVENT_RX_MSG and state.tsx.method == "INVITE":
            marks = marks_of(str(state.src.rdata.wholeMsg))
            if marks.source:
                self._dialog.marks = marks
                self._dialog.admit()

    @guarded
    def onCallRxOffer(self, prm: Any) -> None:
        """An offer within the call: to be refused, when it would take back what must not be taken back."""
        offer = str(prm.offer.wholeSdp)
        plain = self._dialog.encryption is Encryption.REQUIRED and not brings_keys(offer)
        if plain or names_in(offer):
            prm.statusCode = NOT_ACCEPTABLE

    @guarded
    def onCallSdpCreated(self, prm: Any) -> None:
        before = str(prm.sdp.wholeSdp)
        self._dialog.fence.stand(sound_port(before), ip6=is_ip6(before))
        after = self._dialog.rewrite(self._dialog, before, str(prm.remSdp.wholeSdp))
        if after != before:
            prm.sdp.wholeSdp = after

    @guarded
    def onDtmfDigit(self, prm: Any) -> None:
        by_info = prm.method == pj.PJSUA_DTMF_METHOD_SIP_INFO
        self._dialog.note(KeySent(self._dialog, str(prm.digit).upper(), by_info=by_info))

    def onCallRedirected(self, prm: Any) -> int:  # noqa: ARG002
        """Wherever the telephone sends us on to, it is not the engine that may go there: `Over` tells of its 3xx."""
        return int(pj.PJSIP_REDIRECT_REJECT)

    # A transfer or takeover that nobody answers ends the process (SIGSEGV). Until transfers are built they are
    # declined: the issue that builds them changes these two, and nothing else in this file.

    @guarded
    def onCallTransferRequest(self, prm: Any) -> None:
        prm.statusCode = DECLINED

    @guarded
    def onCallReplaceRequest(self, prm: Any) -> None:
        prm.statusCode = DECLINED


def operation_of(code: int = 0) -> Any:
    """The library's parameters of a call operation: one stream of sound, and nothing else."""
    operation = pj.CallOpParam(True)
    operation.opt.audioCount = 1
    operation.opt.videoCount = 0
    if hasattr(operation.opt, "textCount"):
        operation.opt.textCount = 0
    if code:
        operation.statusCode = code
    return operation


class _crossing:  # noqa: N801 (reads as a statement)
    """What we ask and what the other side does may cross; the library then says no, and that is all."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if not isinstance(error, pj.Error):
            return False
        log.debug("could not %s: %s", self._what, error.reason)
        return True
