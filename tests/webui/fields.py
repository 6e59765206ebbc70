"""What a browser would send back when somebody presses the button of a form without changing anything."""

from __future__ import annotations

from html.parser import HTMLParser


class _Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self._area = ""
        self._select = ""
        self._chosen: str | None = None
        self._first: str | None = None
        self._in_form = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        match tag:
            case "form":
                self._in_form = "card-form" in (given.get("class") or "")
            case "input" if self._in_form and name:
                if given.get("type") != "checkbox" or "checked" in given:
                    self._add(name, given.get("value") or "")
            case "textarea" if self._in_form:
                self._area = name
                self._add(name, "")
            case "select" if self._in_form:
                self._select, self._chosen, self._first = name, None, None
            case "option" if self._select:
                self._option(given)
            case _:
                pass

    def _option(self, given: dict[str, str | None]) -> None:
        value = given.get("value")
        if "selected" in given:
            self._chosen = value
        if self._first is None:
            self._first = value

    def _add(self, name: str, value: str) -> None:
        self.values.setdefault(name, []).append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""
        elif tag == "select" and self._select:
            value = self._chosen if self._chosen is not None else self._first
            self._add(self._select, value or "")
            self._select = ""
        elif tag == "form":
            self._in_form = False

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area][-1] += data


def fields_of(html: str, **changes: str | list[str]) -> dict[str, str | list[str]]:
    """The fields of the page's form as they are shown, with these changes."""
    parser = _Fields()
    parser.feed(html)
    shown: dict[str, str | list[str]] = {
        name: values if len(values) > 1 else values[0] for name, values in parser.values.items() if name != "csrf_token"
    }
    return shown | changes
