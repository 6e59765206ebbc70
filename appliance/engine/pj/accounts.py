"""The library's accounts: one that takes every call, one more for telephones on IPv6, and one for each provider.

An account of the library is what the calls over it share: its way out, the IP version of its sound, and the password
that answers a provider's challenge. None of them registers; that is the edge's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pjsua2 as pj

from appliance.calls.engine import TrunkAccount
from appliance.engine.pj.guard import guarded
from appliance.engine.pj.ports import LOOPBACK, Ports
from appliance.engine.sdp import CIPHERS

Arrived = Callable[[int, str, str], None]
"""The library's number of a call, the address it came from, and its INVITE."""

V4, V6 = 4, 6


class RawAccount(pj.Account):  # type: ignore[misc]  # an untyped library
    """The library's account."""

    def __init__(self, arrived: Arrived) -> None:
        super().__init__()
        self._arrived = arrived

    @guarded
    def onIncomingCall(self, prm: Any) -> None:
        self._arrived(int(prm.callId), str(prm.rdata.srcAddress), str(prm.rdata.wholeMsg))


@dataclass(eq=False)
class Way:
    """An account, and how many calls use it."""

    raw: Any
    calls: int = 0


@dataclass
class _Provider:
    account: TrunkAccount
    ways: dict[int, Way] = field(default_factory=dict)


class Accounts:
    """All ways for a call. Everything that comes from outside comes over the first."""

    def __init__(self, ports: Ports, transport: int, arrived: Arrived) -> None:
        self._ports = ports
        self._transport = transport
        self._arrived = arrived
        # Nobody but us can name this user, so no call from outside is ever taken for one to another account.
        self._nobody = f"sip:{os.urandom(8).hex()}@{LOOPBACK}"
        self._retired: list[Way] = []
        self._providers: dict[str, _Provider] = {}
        self._plain: dict[int, Way] = {}
        self._ip6 = pj.AccountConfig().mediaConfig.ipv6Use != pj.PJSUA_IPV6_DISABLED
        """Whether this build of the library knows IPv6; ours does, a ready-made one ends the process when asked for it."""
        config = self._config(V4)
        config.idUri, config.priority = f"sip:qendra@{LOOPBACK}:{ports.engine}", 1
        if self._ip6:  # a call that comes in has sound of the version its offer has
            config.mediaConfig.ipv6Use = pj.PJSUA_IPV6_ENABLED_PREFER_IPV4
        self._plain[V4] = self._made(config)

    def telephones(self, version: int) -> Way:
        """For calls to telephones.

        Raises:
            pj.Error: the library has no room for it.
        """
        if version not in self._plain:
            self._plain[version] = self._made(self._config(version))
        return self._plain[version]

    def keep(self, trunks: tuple[TrunkAccount, ...]) -> None:
        """These are the providers from now on. Calls over another go on, with what they began with."""
        kept = self._providers
        self._providers = {each.name: _Provider(each) for each in trunks}
        for name, old in kept.items():
            new = self._providers.get(name)
            if new is not None and _alike(new.account, old.account):
                new.ways = old.ways
            else:
                self._retired += old.ways.values()

    def provider(self, name: str) -> TrunkAccount | None:
        """One of them."""
        found = self._providers.get(name)
        return found.account if found else None

    def toward(self, account: TrunkAccount, version: int) -> Way:
        """For calls to that provider, who may have gone meanwhile.

        Raises:
            pj.Error: the library has no room for it.
        """
        known = self._providers.get(account.name)
        if known is None or not _alike(known.account, account):
            way = self._made(self._provider_config(account, version))
            self._retired.append(way)
            return way
        if version not in known.ways:
            known.ways[version] = self._made(self._provider_config(account, version))
        return known.ways[version]

    def sweep(self) -> None:
        """Let go of what nobody uses any more. Never from within one of the library's callbacks."""
        if not self._retired:
            return
        for way in [each for each in self._retired if not each.calls]:
            way.raw.shutdown()
            self._retired.remove(way)

    def _made(self, config: Any) -> Way:
        raw = RawAccount(self._arrived)
        raw.create(config)
        return Way(raw)

    def _provider_config(self, account: TrunkAccount, version: int) -> Any:
        config = self._config(version)
        # In brackets, or `;transport=tcp` would be the field's and not the address's (RFC 3261 section 20.10).
        config.sipConfig.contactForced = f"<{account.contact}>" if account.contact else ""
        login = account.login or account.user
        if login and account.password:
            config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", login, 0, account.password))
        return config

    def _config(self, version: int) -> Any:
        config = pj.AccountConfig()
        config.idUri = self._nobody
        config.sipConfig.transportId = self._transport
        config.sipConfig.proxies.append(f"sip:{LOOPBACK}:{self._ports.edge};lr")
        config.callConfig.timerUse = pj.PJSUA_SIP_TIMER_INACTIVE
        # The edge knows where the telephones are; the engine's own addresses are never to be corrected.
        for guess in ("contactRewriteUse", "viaRewriteUse", "sdpNatRewriteUse", "sipOutboundUse"):
            setattr(config.natConfig, guess, 0)
        media = config.mediaConfig
        media.lockCodecEnabled = False
        # Each call has keys, unless we take them out of its SDP again; nothing here knows how the SIP travels.
        media.srtpUse, media.srtpSecureSignaling = pj.PJMEDIA_SRTP_OPTIONAL, 0
        for name in CIPHERS:
            cipher = pj.SrtpCrypto()
            cipher.name = name
            media.srtpOpt.cryptos.append(cipher)
        on_ip6 = version == V6 and self._ip6
        media.ipv6Use = pj.PJSUA_IPV6_ENABLED_USE_IPV6_ONLY if on_ip6 else pj.PJSUA_IPV6_DISABLED
        media.transportConfig.port = self._ports.first_rtp
        media.transportConfig.portRange = self._ports.last_rtp - self._ports.first_rtp - 1
        media.transportConfig.randomizePort = True
        if (":" in self._ports.bound) == on_ip6:
            media.transportConfig.boundAddress = self._ports.bound
        return config


def _alike(one: TrunkAccount, other: TrunkAccount) -> bool:
    """Whether calls to both go the same way."""
    return (one.contact, one.login, one.user, one.password) == (other.contact, other.login, other.user, other.password)
