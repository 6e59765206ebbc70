"""An operator at home, a telephone behind one router and the box behind another; told by `test_behind_nat.py`.

    far ── home router ═══ street ═══ office router ── we: the box, and a telephone on a desk
    192.168.1.77           203.0.113.0/24              192.168.7.2

Both routers turn addresses and ports; the office's forwards one port, another than the box's own, and those for sound, also
for those inside who ask for its public address.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.edge.dns_server import NameServer
from tests.journeys import network
from tests.journeys.box import HOUSE, Box, Ports
from tests.journeys.hearing import is_tone
from tests.journeys.house import House, password, site
from tests.journeys.network import Network, cable, leave_by
from tests.journeys.phones import BaresipPhone
from tests.journeys.processes import wait_for

BOX, OFFICE, HOME, FAR = "192.168.7.2", "203.0.113.5", "203.0.113.9", "192.168.1.77"
NAME = "office.example.net"
DOOR = 5560
"""The office router's port."""


def lay_cables(ports: Ports) -> tuple[Network, Network]:
    """The far telephone's network, and the home router's, where the name server stands as well."""
    network.begin()
    office, home, far = Network("office"), Network("home"), Network("far")
    cable(None, f"{BOX}/24", "lan0", office, "192.168.7.1/24", "lan")
    cable(office, f"{OFFICE}/24", "street", home, f"{HOME}/24", "street")
    cable(home, "192.168.1.1/24", "lan", far, f"{FAR}/24", "lan0")
    leave_by(None, "192.168.7.1")
    leave_by(far, "192.168.1.1")
    forward = (
        f"ip daddr {OFFICE} udp dport {DOOR} dnat to {BOX}:{ports.sip}\n"
        f"ip daddr {OFFICE} udp dport {ports.first_rtp}-{ports.last_rtp} dnat to {BOX}"
    )
    office.turns_addresses("street", forward, "ip saddr 192.168.7.0/24 ct status dnat masquerade")
    home.turns_addresses("street")
    return far, home


def at_home(house: House, far: Network, when: str) -> BaresipPhone:
    """The operator's telephone: it knows the box by its public name."""
    folder = house.folder / when
    phone = BaresipPhone("102", password("102"), (NAME, DOOR), folder, host=FAR, network=far, hz=620.0)
    house.keep(phone)
    return phone


def from_outside(box: Box) -> tuple[str, str]:
    """What `./qendra doctor` says about people outside."""
    asked = [*map(str, box.command("doctor")), "--json"]
    told = subprocess.run(asked, cwd=HOUSE, capture_output=True, text=True, timeout=60, check=False)
    (found,) = [each for each in json.loads(told.stdout)["findings"] if each["what"] == "From outside"]
    return found["state"], found["words"]


def no_name_is_entered(house: House, ports: Ports, far: BaresipPhone) -> None:
    """The port is forwarded and the telephone signs on; the box says what would come of that."""
    box = house.box(site("101 102"), "nameless", ports=ports)
    box.host = BOX
    box.start()
    far.register()
    state, words = wait_for("the box says it", lambda: _if_bad(box))
    assert f"({HOME})" in words, (state, words)
    assert "does not know its own public name" in words
    far.close()
    box.stop()


def _if_bad(box: Box) -> tuple[str, str] | None:
    found = from_outside(box)
    return found if found[0] == "bad" else None


def an_operator_at_home(house: House, ports: Ports, far: BaresipPhone) -> None:
    """Calls both ways, heard both ways, held, and hung up from either side."""
    outside = f'[outside]\nname = "{NAME}"\nsip_port = {DOOR}\n'
    box = house.box(site("101 102 103", more=outside), "named", ports=ports)
    box.host = BOX
    box.start()
    desk = BaresipPhone("101", password("101"), box.telephones, house.folder / "desk", host=BOX, hz=440.0)
    house.keep(desk)
    desk.register()
    far.register()

    far.dial("101")
    desk.rings()
    desk.answer()
    far.talks()
    they_hear_each_other(far, desk)
    far.hold()
    wait_for("the desk hears music, or nothing", lambda: not heard(desk, far))
    far.resume()
    they_hear_each_other(far, desk)
    far.hang_up()
    desk.is_over()

    desk.dial("102")
    far.rings()
    far.answer()
    desk.talks()
    they_hear_each_other(far, desk)
    desk.hang_up()
    far.is_over()

    in_the_office(house, desk)
    state, words = from_outside(box)
    assert (state, "came in through the router" in words) == ("good", True), words
    box.stop()


def in_the_office(house: House, desk: BaresipPhone) -> None:
    """Who works at home has come in, and the telephone still knows the box by its public name."""
    folder = house.folder / "laptop"
    laptop = BaresipPhone("103", password("103"), (NAME, DOOR), folder, host=BOX, hz=810.0)
    house.keep(laptop)
    laptop.register()
    laptop.dial("101")
    desk.rings()
    desk.answer()
    laptop.talks()
    they_hear_each_other(laptop, desk)
    laptop.hang_up()
    desk.is_over()


def they_hear_each_other(one: BaresipPhone, other: BaresipPhone) -> None:
    one.hears(other.hz)
    other.hears(one.hz)


def heard(listener: BaresipPhone, speaker: BaresipPhone) -> bool:
    """Does the one hear the other right now?"""
    return is_tone(listener.heard(0.5), speaker.hz)


def main(folder: Path) -> int:
    """0 when all went as it should."""
    ports = Ports.free()
    far_network, home = lay_cables(ports)
    with home.inside():
        names = NameServer({(NAME, "A"): (OFFICE,)}, at=(HOME, 53))
    house = House(folder)
    try:
        no_name_is_entered(house, ports, at_home(house, far_network, "before"))
        an_operator_at_home(house, ports, at_home(house, far_network, "after"))
    except BaseException:
        print(house.logs(), file=sys.stderr)
        raise
    finally:
        house.close()
        names.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
