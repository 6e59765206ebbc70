from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.calls import facts
from appliance.calls.names import CallId
from appliance.store import lines
from appliance.store.lines import as_json, lines_of, seal, unseal
from tests.store.saying import SATURDAY

BODIES = st.binary(max_size=60).filter(lambda body: b"\n" not in body)


@given(body=BODIES, mark=st.sampled_from([b" ", b"^", b"+"]))
def test_a_sealed_line_opens(body: bytes, mark: bytes) -> None:
    assert unseal(seal(body, mark)) == (mark, body)


@given(body=BODIES, data=st.data())
def test_a_line_with_any_one_byte_changed_does_not_open(body: bytes, data: st.DataObject) -> None:
    line = bytearray(seal(body))
    at = data.draw(st.integers(0, len(line) - 1))
    line[at] ^= data.draw(st.integers(1, 255))
    assert unseal(bytes(line)) is None


@given(body=BODIES)
def test_a_line_cut_anywhere_does_not_open(body: bytes) -> None:
    line = seal(body)
    assert all(unseal(line[:end]) is None for end in range(len(line)))


@pytest.mark.parametrize("chunk", [1, 2, 7, 4096])
def test_lines_are_found_however_the_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(lines, "_CHUNK", chunk)
    path = tmp_path / "file"
    path.write_bytes(b"one\n\ntwo and more\nrest")
    with path.open("rb") as file:
        assert list(lines_of(file.fileno())) == [(0, b"one\n"), (4, b"\n"), (5, b"two and more\n"), (18, b"rest")]
        assert list(lines_of(file.fileno(), 5)) == [(5, b"two and more\n"), (18, b"rest")]


def test_a_bad_sector_costs_only_what_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    whole = [seal(b"%04d" % number) for number in range(2000)]
    path.write_bytes(b"".join(whole))
    real = os.pread

    def pread(descriptor: int, length: int, offset: int) -> bytes:
        if offset < 3 * 4096 and offset + length > 2 * 4096:
            raise OSError(5, "Input/output error")
        return real(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", pread)
    with path.open("rb") as file:
        read = [line for _, line in lines_of(file.fileno()) if unseal(line)]
    lost = [line for line in whole if line not in set(read)]
    assert read == [line for line in whole if line not in lost]
    assert 0 < len(lost) <= 4096 // len(whole[0]) + 2


def test_letters_that_cannot_be_written_do_no_harm() -> None:
    fact = facts.CallerNamed(SATURDAY, CallId("c-1"), "bad \udce9 name")
    assert b"bad ? name" in as_json(fact)
    assert as_json({"k\ud800": ["\ud800", 1]}) == b'{"k?":["?",1]}'
