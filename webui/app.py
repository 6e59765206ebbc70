"""Puts the pages together."""

from __future__ import annotations

from threading import BoundedSemaphore

from flask import Flask
from flask_babel import Babel

from webui import errors, guard, language, looks
from webui.accounts.views import accounts
from webui.archive import Archive
from webui.calls.views import calls
from webui.config import WebConfig
from webui.desk import Desk, Firm
from webui.door.views import door
from webui.hours.views import hours
from webui.house import House
from webui.limits import Limits
from webui.lines.views import lines
from webui.logins import Logins
from webui.menus.views import menus
from webui.operators.views import operators
from webui.queues.views import queues
from webui.settings.views import settings
from webui.tasks.views import tasks
from webui.today.office import Office
from webui.today.views import today
from webui.welcome.views import welcome


def create_app(desk: Desk, archive: Archive, config: WebConfig) -> Flask:
    """The pages of one box. Nothing is asked of the desk before the first request."""
    app = Flask("webui", static_folder="static", template_folder="templates")
    app.extensions["qendra"] = House(
        desk=desk,
        archive=archive,
        config=config,
        firm=Firm(desk, config.clock),
        logins=Logins(desk, config.clock),
        limits=Limits(),
        office=Office(),
        streams=BoundedSemaphore(config.most_streams),
    )
    app.config["BABEL_DEFAULT_LOCALE"] = "en_GB"
    guard.protect(app)
    Babel(app, locale_selector=language.choose)
    looks.dress(app)
    errors.explain(app)
    for room in (today, calls, tasks, operators, accounts, queues, menus, hours, lines, door, settings, welcome):
        app.register_blueprint(room)
    return app
