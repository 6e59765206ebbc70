"""The front door's side of a desk in memory: providers, who was turned away, the certificate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from appliance.calls.edge import Ban, Reach, Reached
from appliance.calls.names import LineId
from appliance.switchboard import asks
from appliance.switchboard.asks import Answer, Ask, CertificateIs, Done, No, ProviderProfile, TurnedAway
from appliance.switchboard.settings import NumberFormat, Provider

FRONT_ASKS = (
    asks.SeeDoor,
    asks.LiftBan,
    asks.CheckReach,
    asks.SeeProfiles,
    asks.SaveProviderPassword,
    asks.SeeCertificate,
    asks.ReplaceCertificate,
)

PROFILES = (
    ProviderProfile(
        "albtel",
        "Albtel Biznes",
        "Ask them for “SIP trunk”. User name and password come by letter.",
        Provider(domain="sip.albtel.example", transport="tcp"),
    ),
    ProviderProfile(
        "by-address",
        "A provider that knows you by your address",
        "Tell them the address of your router: they let in whoever calls from there.",
        Provider(registers=False, numbers_as=NumberFormat.DIGITS),
    ),
    ProviderProfile("plain", "Any provider with a user name and a password", "", Provider()),
)

PEM = """-----BEGIN CERTIFICATE-----
MIIBszCCAVmgAwIBAgIUQ0E=
-----END CERTIFICATE-----
"""

BOXS_OWN = CertificateIs(
    0, True, ("qendra.local", "192.168.1.20"), 1_890_000_000.0, PEM, ":".join(f"{byte:02X}" for byte in range(32))
)


@dataclass
class FrontDoor:
    """What the desk keeps of it."""

    bans: tuple[Ban, ...] = ()
    turned_away: tuple[TurnedAway, ...] = ()
    reached: Reached = field(default_factory=lambda: Reached(Reach.NOT_WANTED, "nobody is to come in from outside"))
    passwords: dict[LineId, str] = field(default_factory=dict)
    certificate: CertificateIs | None = BOXS_OWN
    checks: int = 0

    def answer(self, message: Ask) -> Answer:
        """As the desk promises to."""
        match message:
            case asks.SeeDoor(ask=ask):
                return asks.DoorIs(ask, self.bans, self.turned_away, self.reached)
            case asks.LiftBan(ask=ask, source=source, extension=extension):
                left = tuple(ban for ban in self.bans if (ban.source, ban.extension) != (source, extension))
                if left == self.bans:
                    return No(ask, "They are let in again already.", "source")
                self.bans = left
                return Done(ask)
            case asks.CheckReach(ask=ask):
                self.checks += 1
                return Done(ask)
            case asks.SeeProfiles(ask=ask):
                return asks.ProfilesAre(ask, PROFILES, tuple(self.passwords))
            case asks.SaveProviderPassword(ask=ask, line=line, password=password):
                self.passwords[line] = password
                return Done(ask)
            case asks.SeeCertificate(ask=ask):
                if self.certificate is None:
                    return No(ask, "There is no certificate yet; the box is making one.")
                return replace(self.certificate, ask=ask)
            case asks.ReplaceCertificate():
                return self._replace(message)
            case _:
                raise AssertionError(f"nobody answers {message}")

    def _replace(self, message: asks.ReplaceCertificate) -> Answer:
        if not message.certificate and not message.key:
            self.certificate = BOXS_OWN
            return Done(message.ask)
        if "BEGIN CERTIFICATE" not in message.certificate:
            return No(message.ask, "This is no certificate in PEM form.", "certificate")
        if "PRIVATE KEY" not in message.key:
            return No(message.ask, "This is no private key in PEM form.", "key")
        self.certificate = CertificateIs(0, False, ("calls.example.com",), 1_850_000_000.0, "", "AB:CD")
        return Done(message.ask)
