"""The seams between our processes: typed messages over Unix sockets.

In: frozen dataclasses of one seam.  Out: the same, on the other side.
Touches: Unix sockets in the run directory, readable by their owner alone.
"""
