"""Joins the rooms: starts the processes, watches them, reads the site file, tells what is wrong with a machine.

In: the command line, a site file, signals, deaths of children.  Out: running processes, plain sentences, exit codes.
Touches: processes, the data folder, the terminal.
"""

VERSION = "0.1.0"
