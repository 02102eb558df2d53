"""A headless Chromium that opens one file, and tells of its console, its requests, and what a script returns."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.waiting import until

# Nobody outside of this machine is asked: every name but the loopback's is unknown.
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0"),
    *("--disable-background-networking", "--disable-component-update", "--no-first-run", "--disable-dev-shm-usage"),
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


@dataclass
class Tab:
    """An open tab; `said` are the lines of its console and log, `asked` the addresses that it has requested."""

    socket: ClientConnection
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def call(self, method: str, **given: Any) -> dict[str, Any]:
        """Call a method of Chromium's protocol; what happens until its answer comes is noted."""
        number = next(self._numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": given}))
        while True:
            message = self._next()
            if message.get("id") == number:
                assert "error" not in message, message
                answer: dict[str, Any] = message["result"]
                return answer

    def _next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.socket.recv(timeout=30))
        about = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.asked.append(about["request"]["url"])
        elif message.get("method") == "Log.entryAdded":
            self.said.append(about["entry"]["text"])
        elif message.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            self.said.append(str(about))
        return message

    def open(self, page: Path, width: int, scheme: str = "light") -> None:
        """Open a page as wide as asked, in light or dark, and wait until all of it is there."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=page.as_uri())
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def run(self, script: str) -> Any:
        """Return what an expression of JavaScript gives; the page's policy, which allows none, is not asked."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Press a key and let it go."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)


@contextmanager
def chromium(path: str, folder: Path) -> Iterator[Tab]:
    """Run the Chromium at a path with a profile in a folder, and open a tab."""
    command = [path, *FLAGS, f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        port = folder / "DevToolsActivePort"
        until(lambda: port.is_file() and len(port.read_text().split()) == 2, 0.05)
        number, page = port.read_text().split()
        with connect(f"ws://127.0.0.1:{number}{page}", max_size=None, open_timeout=30) as browser:
            tab = Tab(browser)
            [target] = [one for one in tab.call("Target.getTargets")["targetInfos"] if one["type"] == "page"]
            address = f"ws://127.0.0.1:{number}/devtools/page/{target['targetId']}"
        with connect(address, max_size=None, open_timeout=30) as socket:
            tab = Tab(socket)
            for part in ("Page", "Network", "Log", "Runtime"):
                tab.call(f"{part}.enable")
            yield tab
    finally:
        process.kill()
        process.wait()
