"""The control socket: JSON requests, one a line, from whoever plays the far end. Readable by its owner alone."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from appliance.lines.virtual.modem import VirtualModem
from appliance.lines.virtual.orders import obey
from appliance.wire.peer import listening_socket

LONGEST_REQUEST = 1 << 16


async def serve(modem: VirtualModem, path: Path) -> asyncio.Server:
    """Listen at `path` (0600).

    Raises:
        OSError: somebody listens there already, or the folder cannot be written.
    """

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await _answer(modem, line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # gone, or a line without end
        finally:
            writer.close()

    return await asyncio.start_unix_server(meet, sock=listening_socket(path), limit=LONGEST_REQUEST)


async def _answer(modem: VirtualModem, line: bytes) -> dict[str, object]:
    try:
        request = json.loads(line)
    except ValueError as error:
        return {"ok": False, "why": f"that is not JSON: {error}"}
    if not isinstance(request, dict):
        return {"ok": False, "why": "a request is an object"}
    return await obey(modem, request)
