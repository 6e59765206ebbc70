"""Sound and SIP dialogs: telephones and modem sound ports, played to, bridged and recorded. Muscles, no decisions.

In: `ENGINE_HEARS` from the desk, SIP from the edge, RTP, raw sound from modems.  Out: `ENGINE_SAYS`, SIP, sound.
Touches: pjsua2, `engine.sock` in the run directory, RTP ports, the modems' sound ports, the recordings folder.
"""
