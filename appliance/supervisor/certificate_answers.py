"""What the desk answers to the page's asks about the certificate that telephones are shown, and the alarm about it.

The edge makes and renews the box's own, and uses whatever stands in its folder; here it is looked at and replaced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from appliance.calls.moment import Moment
from appliance.edge import certificates
from appliance.edge.certificates import Certificate
from appliance.store.trouble import plain_words
from appliance.supervisor import clock
from appliance.switchboard import asks
from appliance.switchboard.asks import Answer, CertificateIs, Done, No

DAY = 86_400.0
SOON = 21
"""Days before its end from which on somebody should look at it. The box renews its own long before."""
LONGEST = 100_000
"""Signs of a certificate with its intermediate ones."""


class Certificates:
    """The certificate in the edge's folder."""

    def __init__(self, folder: Path, note: Callable[[str, str], None]) -> None:
        """`note` puts on record who has done what."""
        self._folder = folder
        self._note = note
        self._known: Certificate | None = None

    def see(self, ask: asks.SeeCertificate) -> Answer:
        """What telephones are shown."""
        found = self._known = certificates.describe(self._folder)
        if found is None:
            return No(ask.ask, "There is no certificate yet; the box is making one.")
        return CertificateIs(ask.ask, found.own, found.names, found.until, found.authority, found.fingerprint)

    async def replace(self, ask: asks.ReplaceCertificate) -> Answer:
        """Use the owner's, or go back to the box's. Connections stay; the next one sees the new certificate."""
        certificate, key = ask.certificate.strip(), ask.key.strip()
        if bool(certificate) != bool(key):
            about = "key" if certificate else "certificate"
            return No(ask.ask, "A certificate and its key belong together: give both.", about)
        if max(len(certificate), len(key)) > LONGEST:
            return No(ask.ask, "That is too long for a certificate.", "certificate")
        try:
            if certificate:
                now = clock.now().utc
                await asyncio.to_thread(certificates.replace, self._folder, f"{certificate}\n", f"{key}\n", now)
            else:
                certificates.go_back(self._folder)
        except certificates.Unfit as unfit:
            return No(ask.ask, str(unfit), "certificate")
        except OSError as error:
            return No(ask.ask, f"The certificate cannot be kept: {plain_words(error)}.")
        self._note(ask.who, "The owner’s certificate is used" if certificate else "The box’s own certificate is used")
        self.look()
        return Done(ask.ask)

    def look(self) -> None:
        """See which certificate is in use, for `alarm`. A file of a few lines."""
        self._known = certificates.describe(self._folder)

    def alarm(self, now: Moment) -> Iterable[str]:
        """Whether somebody should see to it, in plain words."""
        if self._known is None:
            return
        days = int((self._known.until - now.utc) // DAY)
        if days < 0:
            yield "The certificate that telephones are shown has run out: put in a new one."
        elif days < SOON:
            yield f"The certificate that telephones are shown runs out in {days} days: put in a new one."
