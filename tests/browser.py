"""A real browser without a window, spoken to in the DevTools protocol over two pipes.

Messages are JSON ended by a zero byte: Chromium reads them from its descriptor 3 and writes to 4.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
# The charts of a report that are to be seen, folded ones too, in order: one picture each.
DRAWN = (
    "document.querySelectorAll('details').forEach(part => { part.open = true; }), "
    "[...document.querySelectorAll('[data-figure]')].filter(d => "
    "[...d.querySelectorAll('svg')].filter(s => s.getBoundingClientRect().height > 60)"
    ".length === 1).map(d => d.dataset.figure)"
)
# A process of its own moves the pipes into place: JAX forbids Python code between fork and exec.
LAUNCH = (
    "import os, sys; "
    "os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)
# Where CI is set a browser is promised, and its absence fails the tests.
needs_browser = pytest.mark.skipif(
    CHROMIUM is None and os.environ.get("CI") != "true", reason="no Chromium on this machine"
)


class Browser:
    """One page of a headless Chromium, as a context manager.

    Attributes:
        errors: uncaught exceptions, calls of `console.error` and errors in the browser's log,
            since the last `open`.
        requests: addresses asked for since the last `open`.
    """

    def __init__(self, timeout: float = 60.0):
        self.timeout = timeout
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.loaded = False
        self.session: str | None = None
        self.count = 0

    def __enter__(self) -> "Browser":
        if CHROMIUM is None:
            raise RuntimeError("no Chromium on this machine, though CI promises one")
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        theirs_in, self.outbox = os.pipe()
        self.inbox, theirs_out = os.pipe()
        # High numbers, so that moving one to 3 does not close the other.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs_in, theirs_out)]
        os.close(theirs_in)
        os.close(theirs_out)
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", "-c", LAUNCH, *map(str, ends)),
                *(CHROMIUM, *FLAGS, f"--user-data-dir={self.profile.name}", "about:blank"),
            ],
            pass_fds=ends,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for end in ends:
            os.close(end)
        self.messages = self.read()
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
            self.session = attached["sessionId"]
            for domain in ("Runtime", "Log", "Network", "Page"):
                self.call(f"{domain}.enable")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the browser and all its processes."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(self.timeout)
        os.close(self.outbox)
        os.close(self.inbox)
        self.profile.cleanup()

    def open(self, url: str) -> None:
        """Go to `url` and wait for its load event."""
        self.errors.clear()
        self.requests.clear()
        self.loaded = False
        reply = self.call("Page.navigate", url=url)
        if "errorText" in reply:
            raise RuntimeError(f"{url}: {reply['errorText']}")
        deadline = time.monotonic() + self.timeout
        while not self.loaded:
            self.hear(deadline)

    def evaluate(self, script: str) -> Any:
        """The JSON value of a JavaScript expression, of its promise if it is one."""
        reply = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in reply:
            raise RuntimeError(f"{script}: {reply['exceptionDetails']}")
        return reply["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + self.timeout
        while not self.evaluate(script):
            if time.monotonic() > deadline:
                raise TimeoutError(f"never true: {script}")
            time.sleep(0.05)

    def resize(self, width: int, height: int) -> None:
        """Set the viewport, in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def media(self, scheme: str) -> None:
        """Prefer "light" or "dark"."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def screenshot(self, path: Path, width: int, height: int) -> None:
        """Save the viewport as a PNG."""
        self.resize(width, height)
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def pdf(self, path: Path) -> None:
        """Print the page."""
        data = self.call("Page.printToPDF", preferCSSPageSize=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and wait for its result."""
        self.count += 1
        message: dict[str, Any] = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        rest = json.dumps(message).encode() + b"\0"
        while rest:
            rest = rest[os.write(self.outbox, rest) :]
        deadline = time.monotonic() + self.timeout
        while (reply := self.hear(deadline)).get("id") != self.count:
            pass
        if "error" in reply:
            raise RuntimeError(f"{method}: {reply['error']['message']}")
        return reply["result"]

    def hear(self, deadline: float) -> dict[str, Any]:
        """The next message; events are noted."""
        self.deadline = deadline
        message = next(self.messages)
        event = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown":
                self.errors.append(str(event["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if event["type"] in ("error", "assert"):
                self.errors.append(str(event["args"]))
            case "Log.entryAdded" if event["entry"]["level"] == "error":
                self.errors.append(event["entry"]["text"])
            case "Network.requestWillBeSent":
                self.requests.append(event["request"]["url"])
            case "Page.loadEventFired":
                self.loaded = True
        return message

    def read(self) -> Iterator[dict[str, Any]]:
        """Messages as they come."""
        buffer = b""
        while True:
            *whole, buffer = buffer.split(b"\0")
            yield from map(json.loads, whole)
            left = self.deadline - time.monotonic()
            if left <= 0 or not select.select([self.inbox], [], [], left)[0]:
                raise TimeoutError("the browser does not answer")
            data = os.read(self.inbox, 1 << 20)
            if not data:
                raise RuntimeError(f"the browser ended, code {self.process.poll()}")
            buffer += data
