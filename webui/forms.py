"""What a person sent, field by field, and what is wrong with it in plain words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping

from werkzeug.datastructures import MultiDict

from webui.heard import heard
from webui.language import _, many


class Form:
    """The fields of one page. Read each with the method that says what it may be; what is not so lands in `faults`."""

    def __init__(self, sent: Mapping[str, str | list[str]] | MultiDict[str, str]) -> None:
        """`sent` is what came with the request, or, on the first look, what is in force."""
        self._sent = MultiDict(sent)
        self.faults: dict[str, str] = {}
        """By field; the one of the whole form under the empty name."""

    def value(self, name: str) -> str:
        """What stands in the field."""
        return self._sent.get(name, "")

    def values(self, name: str) -> list[str]:
        """All that was ticked under this name."""
        return self._sent.getlist(name)

    def has(self, name: str, value: str = "yes") -> bool:
        """Whether this was ticked."""
        return value in self._sent.getlist(name)

    def names(self) -> Collection[str]:
        """The fields that were sent."""
        return self._sent.keys()

    def rows(self, *names: str) -> list[int]:
        """The rows of a list that hold something in one of these fields (`NAME-ROW`), in order."""
        found: set[int] = set()
        for field in self._sent:
            name, _dash, row = field.rpartition("-")
            if name in names and re.fullmatch("[0-9]{1,3}", row) and self.value(field).strip():
                found.add(int(row))
        return sorted(found)

    @property
    def is_good(self) -> bool:
        """Nothing is wrong so far."""
        return not self.faults

    def fault(self, name: str, words: str) -> None:
        """Something is wrong with a field; the first thing said about it stands."""
        self.faults.setdefault(name, words)

    def text(self, name: str, *, needed: bool = True, longest: int = 80) -> str:
        """Words on one line, without spaces around them."""
        words = " ".join(self.value(name).split())
        if needed and not words:
            self.fault(name, _("Please fill this in."))
        return self._not_longer(name, words, longest)

    def paragraph(self, name: str, *, longest: int = 1000) -> str:
        """Words on any number of lines; may be empty."""
        words = "\n".join(" ".join(line.split()) for line in self.value(name).strip().splitlines())
        return self._not_longer(name, words, longest)

    def choice(self, name: str, allowed: Collection[str]) -> str:
        """One of a list."""
        value = self.value(name)
        if value not in allowed:
            self.fault(name, _("Please choose one of the list."))
        return value

    def extension(self, name: str, *, needed: bool = True) -> str:
        """A number of the firm: 2 to 6 digits."""
        value = self.text(name, needed=needed)
        if value and not (value.isascii() and value.isdecimal() and 2 <= len(value) <= 6):
            self.fault(name, _("A number inside the firm has 2 to 6 digits."))
        return value

    def number(self, name: str, least: int, most: int, *, needed: bool = True) -> int:
        """A whole number within bounds; one that is not needed and left out is 0."""
        value = self.text(name, needed=needed)
        if not value and not needed:
            return 0
        if value and not (value.isascii() and value.isdecimal() and len(value) < 9 and least <= int(value) <= most):
            self.fault(name, _("Please give a number from %(least)s to %(most)s.", least=least, most=most))
        return int(value) if name not in self.faults else least

    def amount(self, name: str, most: float) -> float:
        """Money, with a point or a comma: `0.25`, `1 200,50`. Left out it is 0."""
        value = re.sub(r"\s", "", self.value(name)).replace(",", ".")
        if not value:
            return 0.0
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value) or float(value) > most:
            self.fault(name, _("Please give an amount like 12.50, at most %(most)s.", most=f"{most:g}"))
            return 0.0
        return float(value)

    def _not_longer(self, name: str, words: str, longest: int) -> str:
        if len(words) > longest:
            self.fault(name, many("At most %(num)s character, please.", "At most %(num)s characters, please.", longest))
        return words

    def take_refusal(self, words: str, about: str, places: Mapping[str, str]) -> None:
        """Show what the desk said at the field it is about; `places` are the desk's names for fields, or their ends."""
        for end, name in places.items():
            if about == end or about.endswith(f".{end}"):
                self.fault(name, heard(words))
                return
        self.fault("", heard(words))


def figures(amount: float) -> str:
    """An amount as it stands in a field: `12.5`, `2500`; nothing for 0."""
    return f"{amount:.6f}".rstrip("0").rstrip(".") if amount else ""


def mark(part: object) -> str:
    """A short sign of a part of the settings as somebody saw it, to notice when another has changed it meanwhile."""
    return hashlib.sha256(repr(part).encode()).hexdigest()[:16]
