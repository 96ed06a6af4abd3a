"""What a test asks of a browser: to show a page as wide as this, and what it has seen and asked for."""

import base64
import json
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome
from selenium.webdriver.support.wait import WebDriverWait

DRAWN = "return document.body.dataset.drawn === String(Object.keys(figures).length)"


class Browser:
    """One page at a time."""

    def __init__(self, chrome: Chrome) -> None:
        self._chrome = chrome

    def show(self, page: Path, *, width: int, dark: bool = False) -> None:
        """All charts of the page are drawn; what was told of pages before is forgotten."""
        for log in ("browser", "performance"):
            self._log(log)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", media="", features=[scheme])
        self.resize(width)
        self._chrome.get(page.as_uri())
        self.wait(DRAWN)

    def resize(self, width: int) -> None:
        """The window is that wide."""
        sizes = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", **sizes)

    def ask(self, script: str) -> Any:
        """What the script returns."""
        return self._chrome.execute_script(script)

    def wait(self, script: str) -> None:
        """Until the script returns something true, at most 20 s."""
        WebDriverWait(self._chrome, 20, 0.05).until(lambda chrome: chrome.execute_script(script))

    def command(self, name: str, **more: Any) -> Any:
        """A command of the Chrome DevTools Protocol, and its answer."""
        return self._chrome.execute_cdp_cmd(name, more)

    def complaints(self) -> list[str]:
        """What the page's console has."""
        return [entry["message"] for entry in self._log("browser")]

    def requests(self) -> list[str]:
        """The addresses that were asked for, by their schemes."""
        messages = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        return [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]

    def _log(self, name: str) -> list[dict[str, Any]]:
        """What came into that log since it was last asked for."""
        entries: list[dict[str, Any]] = self._chrome.execute("getLog", {"type": name})["value"]
        return entries

    def pdf(self) -> bytes:
        """The page as it is printed."""
        return base64.b64decode(self.command("Page.printToPDF", printBackground=False)["data"])
