"""What the page asks of the desk. Each ask has a number, and gets exactly one answer with that number.

The whole seam is `WEB_SAYS` (page to desk) and `WEB_HEARS` (desk to page). `Live` comes unasked: on connecting and then
whenever something has changed, at most ten times a second. Past calls are not asked for here: the page reads the shelves.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.calls.edge import Ban, Reached
from appliance.calls.events import OperatorWish
from appliance.calls.names import Extension, LineId, TaskId
from appliance.switchboard.settings import Provider, Settings
from appliance.switchboard.views import Live


@dataclass(frozen=True, slots=True)
class SeeSettings:
    """Answered by `SettingsAre`."""

    ask: int


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the settings' history."""

    version: int
    at: float
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class SettingsAre:
    """The settings in force, with the latest changes, newest first."""

    ask: int
    version: int
    settings: Settings
    history: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class ChangeSettings:
    """Put these in force for the next call. Answered by `Done`, or by `No` when they contradict themselves or when
    somebody else has changed them since `based_on`.
    """

    ask: int
    who: str
    what: str
    """In plain words, for the history."""
    based_on: int
    settings: Settings


@dataclass(frozen=True, slots=True)
class UndoSettings:
    """Go back to what was in force before `version`. Answered by `Done` or `No`."""

    ask: int
    who: str
    version: int


@dataclass(frozen=True, slots=True)
class NewPhonePassword:
    """Make a new password for this person's telephones; the old one stops working. Answered by `PhonePassword`."""

    ask: int
    who: str
    extension: Extension


@dataclass(frozen=True, slots=True)
class PhonePassword:
    """Shown once and kept nowhere."""

    ask: int
    extension: Extension
    password: str
    server: str
    """Host name or address the telephone has to be given."""
    port: int
    """For UDP and TCP."""
    tls_port: int = 0
    """For telephones that call encrypted (TLS); 0: there is none."""


@dataclass(frozen=True, slots=True)
class AskOperator:
    """Set an operator ready, paused or logged out. Answered by `Done` or `No`."""

    ask: int
    who: str
    extension: Extension
    wish: OperatorWish
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CloseTask:
    """A person has dealt with a lost caller. Answered by `Done` or `No`."""

    ask: int
    who: str
    task: TaskId
    note: str = ""


@dataclass(frozen=True, slots=True)
class Speak:
    """Let the box say these words into a file, to hear a menu before saving it. Answered by `Spoken` or `No`."""

    ask: int
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """A WAV file the page may read."""

    ask: int
    path: str


@dataclass(frozen=True, slots=True)
class SeeAccount:
    """Who logs in under this name? Answered by `AccountIs` or `No`."""

    ask: int
    name: str


@dataclass(frozen=True, slots=True)
class AccountIs:
    """One login to the page. `password` is an Argon2 hash."""

    ask: int
    name: str
    role: str
    """`owner` or `operator`."""
    password: str
    extension: Extension
    """Whose telephone is theirs; may be empty."""
    language: str
    version: int = 1
    """Grows when the password changes: older sessions end."""
    ended: tuple[str, ...] = ()
    """Sessions of this version that were logged out: their cookies, wherever a copy may be, are worth nothing."""


@dataclass(frozen=True, slots=True)
class EndSession:
    """Somebody logs out of this one session. Answered by `Done`, or by `No` when there is no such login."""

    ask: int
    name: str
    session: str


@dataclass(frozen=True, slots=True)
class MakeOwner:
    """Use up the one-time link. Answered by `Done`, or by `No` when the link is not (or no longer) good."""

    ask: int
    token: str
    name: str
    password: str
    """Argon2 hash: the password itself never leaves the page's process."""
    language: str


@dataclass(frozen=True, slots=True)
class LinkIsGood:
    """Is this the one-time link? Answered by `Done` or `No`."""

    ask: int
    token: str


@dataclass(frozen=True, slots=True)
class SaveAccount:
    """Make a login, or change it. Answered by `Done` or `No`."""

    ask: int
    who: str
    name: str
    role: str
    password: str
    """Argon2 hash; empty keeps the old one."""
    extension: Extension
    language: str


@dataclass(frozen=True, slots=True)
class RemoveAccount:
    """Take a login away; the last owner stays. Answered by `Done` or `No`."""

    ask: int
    who: str
    name: str


@dataclass(frozen=True, slots=True)
class SeeAccounts:
    """Answered by `AccountsAre`."""

    ask: int


@dataclass(frozen=True, slots=True)
class Login:
    """One row of the list of logins."""

    name: str
    role: str
    extension: Extension


@dataclass(frozen=True, slots=True)
class AccountsAre:
    """All logins to the page."""

    ask: int
    logins: tuple[Login, ...]


@dataclass(frozen=True, slots=True)
class SeeSecret:
    """The key that signs the page's sessions. Answered by `SecretIs`."""

    ask: int


@dataclass(frozen=True, slots=True)
class SecretIs:
    """Hex, 32 bytes; the same over restarts."""

    ask: int
    key: str


@dataclass(frozen=True, slots=True)
class SeeDoor:
    """Who came to the front door. Answered by `DoorIs`."""

    ask: int


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """Somebody the front door turned away; equal ones within ten seconds are one."""

    at: float
    refusal: str
    source: str
    detail: str
    times: int


@dataclass(frozen=True, slots=True)
class DoorIs:
    """The front door now: who is unheard, who was turned away lately (newest first), can we be reached from outside."""

    ask: int
    bans: tuple[Ban, ...]
    turned_away: tuple[TurnedAway, ...]
    reached: Reached


@dataclass(frozen=True, slots=True)
class LiftBan:
    """Hear them again. Answered by `Done` or `No`."""

    ask: int
    who: str
    source: str
    extension: str


@dataclass(frozen=True, slots=True)
class CheckReach:
    """Look now whether we can be reached from outside. Answered by `Done`; what is found comes with `SeeDoor`."""

    ask: int


@dataclass(frozen=True, slots=True)
class ProviderProfile:
    """One provider's data file: what is the same for all of its customers."""

    name: str
    """Of the file, without ending."""
    title: str
    note: str
    """What the customer has to know or do there."""
    provider: Provider


@dataclass(frozen=True, slots=True)
class SeeProfiles:
    """Answered by `ProfilesAre`."""

    ask: int
    language: str = "en"
    """Of titles and notes."""


@dataclass(frozen=True, slots=True)
class ProfilesAre:
    """The providers the box has a data file for."""

    ask: int
    profiles: tuple[ProviderProfile, ...]
    passwords: tuple[LineId, ...] = ()
    """Provider lines whose password is kept."""


@dataclass(frozen=True, slots=True)
class SaveProviderPassword:
    """Keep the password of this provider's line; empty forgets it. Answered by `Done` or `No`."""

    ask: int
    who: str
    line: LineId
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SeeCertificate:
    """What telephones that call encrypted are shown. Answered by `CertificateIs` or `No`."""

    ask: int


@dataclass(frozen=True, slots=True)
class CertificateIs:
    """The box's certificate, and the authority telephones have to trust for it."""

    ask: int
    own: bool
    """Made by the box's own small authority; else the owner has put one in."""
    names: tuple[str, ...]
    """Host names and addresses it is good for."""
    until: float
    """UTC seconds."""
    authority: str
    """PEM; what a telephone has to be given. Empty when the certificate is the owner's own."""
    fingerprint: str
    """SHA-256 of the authority (or of the certificate), as colon-separated hex."""


@dataclass(frozen=True, slots=True)
class ReplaceCertificate:
    """Use the owner's own certificate; two empty texts go back to the box's. Answered by `Done` or `No`."""

    ask: int
    who: str
    certificate: str
    """PEM, with its intermediate ones behind it."""
    key: str = field(repr=False)
    """PEM, without a passphrase."""


@dataclass(frozen=True, slots=True)
class Done:
    """It is done, and safe on disk."""

    ask: int
    version: int = 0
    """Of the settings, where it was about settings."""


@dataclass(frozen=True, slots=True)
class No:
    """It was not done. `words` is a key of the page's catalogue or plain English; `about` names the field or place."""

    ask: int
    words: str
    about: str = ""


Ask = (
    SeeSettings
    | ChangeSettings
    | UndoSettings
    | NewPhonePassword
    | AskOperator
    | CloseTask
    | Speak
    | SeeAccount
    | EndSession
    | MakeOwner
    | LinkIsGood
    | SaveAccount
    | RemoveAccount
    | SeeAccounts
    | SeeSecret
    | SeeDoor
    | LiftBan
    | CheckReach
    | SeeProfiles
    | SaveProviderPassword
    | SeeCertificate
    | ReplaceCertificate
)
Answer = (
    SettingsAre
    | PhonePassword
    | Spoken
    | AccountIs
    | AccountsAre
    | SecretIs
    | DoorIs
    | ProfilesAre
    | CertificateIs
    | Done
    | No
)

WEB_SAYS: tuple[type, ...] = Ask.__args__
WEB_HEARS: tuple[type, ...] = (Live, *Answer.__args__)
