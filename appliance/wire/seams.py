"""The seams of the box, each with its words on both sides."""

from __future__ import annotations

from appliance.calls.edge import EDGE_HEARS, EDGE_SAYS
from appliance.calls.engine import ENGINE_HEARS, ENGINE_SAYS
from appliance.switchboard.asks import WEB_HEARS, WEB_SAYS
from appliance.wire.codec import Seam

ENGINE = Seam("engine", 1, ENGINE_HEARS + ENGINE_SAYS)
EDGE = Seam("edge", 1, EDGE_HEARS + EDGE_SAYS)
WEB = Seam("web", 1, WEB_SAYS + WEB_HEARS)
