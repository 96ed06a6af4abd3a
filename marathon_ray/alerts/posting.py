"""A process that sends one message, or only looks at the address: `python -I posting.py`, with JSON on standard input.

It prints nothing when all went well, else one line of our own words. It imports nothing of ours, since it is run by its file.
"""

import json
import logging
import os
import re
import signal
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from typing import Any, Final

_SCHEME: Final = re.compile(r"\s*([A-Za-z0-9.+_-]{1,40})://")
_STATUS: Final = re.compile(r"\berror=(\d{3})\b")
_LATE: Final = 5  # s beyond the limit, when whoever started this is gone


class _Statuses(logging.Handler):
    """Of what the library says, which may hold a part of the address, the HTTP status alone."""

    def __init__(self) -> None:
        super().__init__()
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        if found := _STATUS.search(record.getMessage()):
            self.last = f" (HTTP {found[1]})"


def told(order: Mapping[str, str]) -> str:
    """What is wrong, or nothing."""
    if find_spec("apprise") is None:
        return "apprise is not installed: pip install 'marathon-ray[rotation]'"
    import apprise  # noqa: PLC0415 - it may not be there

    statuses = _Statuses()
    logging.getLogger("apprise").addHandler(statuses)
    channel = apprise.Apprise.instantiate(order["address"])
    if channel is None:
        return _unreadable(order["address"], apprise.Apprise().details())
    if "body" not in order:
        return ""
    channel.overflow_mode = apprise.OverflowMode.TRUNCATE  # one message stays one
    taken = channel.notify(title=order["title"], body=order["body"], notify_type=apprise.NotifyType(order["tone"]))
    return "" if taken else f"it was refused, or nobody is there{statuses.last}"


def _unreadable(address: str, details: Mapping[str, Any]) -> str:
    """Nothing of the address is shown but a word that every reader of the library's pages knows."""
    scheme = _SCHEME.match(address)
    if scheme is None:
        return "that is no address: write one as slack://…, mailto://… or json://…"
    names = ("protocols", "secure_protocols")
    known = {str(word) for plugin in details["schemas"] for name in names for word in plugin[name] or ()}
    word = scheme[1].lower()
    if word in known:
        return f"an address of {word}:// that lacks something, or has something wrong"
    close = get_close_matches(word, known, n=1)
    return f"there is no such kind of address{f'; did you mean {close[0]}://?' if close else ''}"


def main() -> None:
    """What plugins print goes nowhere."""
    order = json.load(sys.stdin)
    signal.alarm(int(order["limit"]) + _LATE)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        line = told(order)
    except Exception as error:  # noqa: BLE001 - whatever a plugin may raise; its words may hold the address
        line = f"the library raised {type(error).__name__}"
    out.write(line)
    out.close()


if __name__ == "__main__":
    main()
