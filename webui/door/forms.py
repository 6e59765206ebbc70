"""How the box is reached from outside, and its certificate, as the owner fills them in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from appliance.switchboard.settings import Settings
from webui.forms import Form
from webui.language import _
from webui.lines.provider import is_host

OUTSIDE_FIELDS = {name: name for name in ("outside_name", "outside_port", "outside_tls_port")}
CERTIFICATE_FIELDS = {"certificate": "certificate", "key": "key"}
"""Where the desk's words belong."""

LARGEST = 64 * 1024
"""Bytes of a certificate with its chain, or of a key; the longest in use have a few thousand."""


def shown(settings: Settings) -> dict[str, str | list[str]]:
    """The fields; a port that is the same as ours is left empty."""
    return {
        "outside_name": settings.outside_name,
        "outside_port": str(settings.outside_port or ""),
        "outside_tls_port": str(settings.outside_tls_port or ""),
    }


def part(settings: Settings) -> tuple[object, ...]:
    """What this page changes, to notice when another has."""
    return settings.outside_name, settings.outside_port, settings.outside_tls_port


def read_outside(form: Form, before: Settings) -> Settings:
    """The firm with what stands in the form."""
    name = form.text("outside_name", needed=False, longest=253)
    if name and (not is_host(name) or ":" in name.strip("[]").replace("::", "")):
        form.fault("outside_name", _("A name like calls.example.com, or an address; without a port."))
    return replace(
        before,
        outside_name=name,
        outside_port=form.number("outside_port", 1, 65_535, needed=False),
        outside_tls_port=form.number("outside_tls_port", 1, 65_535, needed=False),
    )


class Upload(Protocol):
    """A file that came with a form."""

    def read(self, size: int = -1, /) -> bytes:
        """At most so many bytes."""


def read_certificate(form: Form, files: Mapping[str, Upload]) -> tuple[str, str]:
    """Certificate and key, each from its file or as pasted."""
    return _read_pem(form, files, "certificate"), _read_pem(form, files, "key")


def _read_pem(form: Form, files: Mapping[str, Upload], name: str) -> str:
    sent = files[f"{name}_file"].read(LARGEST + 1) if f"{name}_file" in files else b""
    text = form.value(name).strip()
    try:
        text = sent.decode("ascii").strip() or text
    except UnicodeDecodeError:
        form.fault(name, _("This file is not in PEM form: that is text which begins with -----BEGIN."))
    if len(text) > LARGEST:
        form.fault(name, _("This is larger than any certificate or key."))
    if not text:
        form.fault(name, _("Please choose a file, or paste what is in it."))
    elif not text.startswith("-----BEGIN ") and "\n-----BEGIN " not in text:
        form.fault(name, _("This is not in PEM form: that is text which begins with -----BEGIN."))
    return text + "\n"
