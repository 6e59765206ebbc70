"""A GSM modem in software, with the manners of a SIM7600 on two ptys, and a far end that rings, speaks and hears.

In: AT commands and sound from whatever opens the ptys; orders on a control socket or the keyboard.
Out: answers, unsolicited lines and sound; what the far end heard.
Touches: two ptys with links in a folder, a Unix socket (0600), WAV files it is told to read or write.

It cannot show radio, supply dips, USB faults, firmware bugs nobody has listed, or how a real call sounds.
"""
