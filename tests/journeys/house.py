"""Everything of one journey: the box, telephones on desks, callers outside. Closing the house ends them all."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from tests.journeys.box import HOUSE, Box, Ports
from tests.journeys.fake_provider import FakeProvider
from tests.journeys.far_end import FarEnd, Loop
from tests.journeys.live import Watcher
from tests.journeys.phones import BaresipPhone
from tests.journeys.processes import Program
from tests.journeys.small_disk import SmallDiskBox

VOICES: Mapping[str, float] = {"101": 440.0, "102": 620.0, "103": 810.0, "104": 365.0}
"""Each person's voice, in Hz. The caller outside sings another."""
CALLER_HZ = 1013.0


def password(extension: str) -> str:
    return f"desk-{extension}-secret"


class House:
    """Makes things and remembers them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._boxes: list[Box] = []
        self._phones: list[BaresipPhone] = []
        self._watchers: list[Watcher] = []
        self._programs: list[Program] = []
        self._providers: list[FakeProvider] = []
        self.loop = Loop()

    def box(self, site: str = "", name: str = "box", *, data: Path | None = None, ports: Ports | None = None) -> Box:
        """One that is not started yet."""
        box = Box(self.folder / name, site, data=data, ports=ports)
        self._boxes.append(box)
        return box

    def box_on_a_small_disk(self, site: str, megabytes: int) -> SmallDiskBox:
        """One whose data is on a disk of its own."""
        box = SmallDiskBox(self.folder / "small", site, megabytes)
        self._boxes.append(box)
        return box

    def watch(self, box: Box) -> Watcher:
        """What the page sees, from now on."""
        watcher = Watcher(box.run / "desk.sock")
        self._watchers.append(watcher)
        return watcher

    def phone(
        self,
        box: Box,
        extension: str,
        *,
        secret: str = "",
        register: bool = True,
        transport: str = "udp",
        codec: str = "PCMU/8000/1",
        interval: int = 60,
        encrypts: str = "",
    ) -> BaresipPhone:
        """A telephone on somebody's desk, registered."""
        folder = self.folder / f"phone-{extension}-{len(self._phones)}"
        phone = BaresipPhone(
            extension,
            secret or password(extension),
            box.encrypted_telephones if transport == "tls" else box.telephones,
            folder,
            hz=VOICES.get(extension, 440.0),
            transport=transport,
            codec=codec,
            interval=interval,
            encrypts=encrypts,
            trusts=box.authority if transport == "tls" else "",
        )
        self._phones.append(phone)
        if register:
            phone.register()
        return phone

    def keep(self, phone: BaresipPhone) -> None:
        """This one ends with the house, too."""
        self._phones.append(phone)

    def outside(self, box: Box, line: str = "gsm1") -> FarEnd:
        """Who calls on a virtual line of the box; the line is up."""
        return self._far_end(box.run / "lines" / f"{line}.sock")

    def provider(self, name: str) -> FakeProvider:
        """One that customers can register with."""
        self._providers.append(FakeProvider(self.folder, name))
        return self._providers[-1]

    def modem(self, name: str, *manners: str) -> FarEnd:
        """A virtual modem of its own, at `folder/NAME-at` and `folder/NAME-sound`, for a line of kind sim7600."""
        control = self.folder / f"{name}.sock"
        arguments: list[str | Path] = [sys.executable, "-m", "appliance.lines.virtual", "--name", name]
        arguments += ["--dir", self.folder, "--control", control, *manners]
        self._programs.append(Program(f"modem {name}", arguments, self.folder / f"{name}.log", folder=HOUSE))
        return self._far_end(control)

    def _far_end(self, control: Path) -> FarEnd:
        far = FarEnd(control, self.loop, self.folder)
        far.is_there()
        return far

    def close(self) -> None:
        """End everything, the last first."""
        for watcher in self._watchers:
            watcher.close()
        for phone in self._phones:
            phone.close()
        for box in self._boxes:
            box.close()
        for program in self._programs:
            program.end()
        for provider in self._providers:
            provider.close()
        self.loop.close()

    def logs(self) -> str:
        """All that was written down."""
        parts = [f"##### box in {box.folder}\n{box.logs()}" for box in self._boxes]
        parts += [f"##### {phone.program.name}\n{phone.program.words[-4000:]}" for phone in self._phones]
        parts += [f"##### {program.name}\n{program.words}" for program in self._programs]
        parts += [f"##### {one.program.name}\n{one.program.words[-4000:]}" for one in self._providers]
        return "\n".join(parts)


def site(
    people: str = "101 102 103",
    *,
    ring_seconds: float = 3.0,
    wrap_up_seconds: float = 1.0,
    operators: str = "",
    more: str = "",
    lines: str = '[lines.gsm1]\nkind = "virtual"\nenters = "hours office"\nanswer_after_rings = 1\n',
) -> str:
    """A small firm: everybody has a telephone and answers the queue `office`, unless `operators` says who does."""
    persons = "\n".join(f'{one} = {{ name = "Person {one}", password = "{password(one)}" }}' for one in people.split())
    answering = ", ".join(f'"{one}"' for one in (operators or people).split())
    return f"""
firm = "Journey"
language = "en"
record_prefix = "8"
[people]
{persons}
[queues.office]
extension = "700"
operators = [{answering}]
ring_seconds = {ring_seconds}
wrap_up_seconds = {wrap_up_seconds}
[menus.main]
extension = "600"
then = "queue office"
texts.en = "Good day. To speak with us, press 1. To hear when we are open, press 2."
texts.sq = "Mirë dita. Për të folur me ne, shtypni 1. Për orarin, shtypni 2."
choices.1 = {{ to = "queue office", title = "Talk to us" }}
choices.2 = {{ to = "say times", title = "Opening hours" }}
[hours.office]
week = ["mon-sun 00:00-24:00"]
open = "menu main"
closed = "say closed"
[announcements.times]
texts.en = "We are here at any time."
texts.sq = "Jemi këtu në çdo kohë."
then = "menu main"
[announcements.closed]
texts.en = "We are closed now. Goodbye."
texts.sq = "Tani jemi të mbyllur. Mirupafshim."
{lines}
{more}
"""
