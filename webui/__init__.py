"""The page: what the owner and the operators see and change in their browser.

In: requests; the office as it is now (`Live`) and answers from the desk; past calls from the archive.
Out: HTML in three languages, events of the live page, asks to the desk.
Touches: reads recordings and spoken samples; no socket, no file of its own: the desk owns every state.
"""

from webui.app import create_app
from webui.archive import Archive, ArchiveTrouble, DoneTask
from webui.config import WebConfig
from webui.desk import Desk, DeskAway, News

__all__ = [
    "Archive",
    "ArchiveTrouble",
    "Desk",
    "DeskAway",
    "DoneTask",
    "News",
    "WebConfig",
    "create_app",
]
