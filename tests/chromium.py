"""A headless Chromium, driven through its pipe (the DevTools protocol): no driver, no package."""

import asyncio
import base64
import contextlib
import itertools
import json
import os
import shutil
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PICTURES = Path(__file__).parents[1] / "build" / "pictures"
SECONDS = 30  # that a page may take to show something
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
]
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39}


class Browser:
    """One process; each page is a tab of its own."""

    def __init__(self, process, read, write):
        self._process = process
        self._write = write
        self._numbers = itertools.count(1)
        self._waiting = {}
        self._pages = {}
        self._reading = asyncio.create_task(self._listen(read))

    async def send(self, method, session=None, **params):
        """The result of one command."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        self._waiting[number] = asyncio.get_running_loop().create_future()
        self._write.write(json.dumps(message).encode() + b"\0")
        return await asyncio.wait_for(self._waiting[number], SECONDS)

    @contextlib.asynccontextmanager
    async def page(self, width=1024, height=800, *, dark=False):
        """An empty tab with cookies and caches of its own."""
        context = (await self.send("Target.createBrowserContext"))["browserContextId"]
        target = await self.send("Target.createTarget", url="about:blank", browserContextId=context)
        session = await self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = self._pages[session["sessionId"]] = Page(self, session["sessionId"])
        for domain in ("Page", "Runtime", "Log", "DOM", "Accessibility", "Performance"):
            await page.send(f"{domain}.enable")
        await page.resize(width, height, dark=dark)
        try:
            yield page
        finally:
            del self._pages[session["sessionId"]]
            await self.send("Target.disposeBrowserContext", browserContextId=context)

    async def close(self):
        self._reading.cancel()
        self._write.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), 5)
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _listen(self, read):
        while True:
            message = json.loads((await read.readuntil(b"\0"))[:-1])
            if waiting := self._waiting.pop(message.get("id"), None):
                if waiting.done():
                    continue
                if "error" in message:
                    waiting.set_exception(RuntimeError(message["error"]["message"]))
                else:
                    waiting.set_result(message["result"])
            elif page := self._pages.get(message.get("sessionId")):
                page.heard(message["method"], message["params"])


class Page:
    """One tab. `said`: all that its console says, the browser's own complaints included."""

    def __init__(self, browser, session):
        self._browser = browser
        self._session = session
        self.said = []

    async def send(self, method, **params):
        return await self._browser.send(method, self._session, **params)

    def heard(self, method, params):
        match method:
            case "Runtime.consoleAPICalled":
                self.said.append(" ".join(str(each.get("value", each.get("description"))) for each in params["args"]))
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                self.said.append(details.get("exception", {}).get("description", details["text"]))
            case "Log.entryAdded":
                self.said.append(params["entry"]["text"])

    async def resize(self, width, height=800, *, dark=False):
        self._size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        await self.send("Emulation.setDeviceMetricsOverride", **self._size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.send("Emulation.setEmulatedMedia", features=[scheme])

    async def open(self, url):
        """Begins to load it: wait for what it is to show."""
        await self.send("Page.navigate", url=str(url))

    async def reload(self):
        await self.send("Page.reload")

    async def run(self, script):
        """The value of an expression of JavaScript, awaited."""
        result = await self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in result:
            raise AssertionError(result["exceptionDetails"]["exception"].get("description"))
        return result["result"].get("value")

    async def until(self, script, seconds=SECONDS):
        """The first value of an expression that is true."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    # While a page is left for another, nothing can be asked.
                    with contextlib.suppress(RuntimeError, AssertionError):
                        if found := await self.run(script):
                            return found
                    await asyncio.sleep(0.02)
        shown = await self.run("document.body.innerText")
        raise AssertionError(f"never true: {script}\nconsole: {self.said}\nthe page:\n{shown[:3000]}")

    async def shows(self, text, seconds=SECONDS):
        """Waits until the text is on the page, as a reader sees it."""
        await self.until(f"document.body.innerText.includes({json.dumps(text)})", seconds)

    async def text(self, selector="main"):
        """What is shown there, one line each."""
        found = await self.run(f"document.querySelector({json.dumps(selector)}).innerText")
        return [line.strip() for line in found.split("\n") if line.strip()]

    async def texts(self, selector):
        """What each element shows."""
        return await self.run(f"[...document.querySelectorAll({json.dumps(selector)})].map(each => each.innerText.trim())")

    async def click(self, selector):
        """In its middle, as a mouse does."""
        found = f"document.querySelector({json.dumps(selector)})"
        await self.until(f"{found} && !{found}.disabled && {found}.checkVisibility()")
        # What comes near is laid out then: its place is known in the frame after the next.
        place = await self.run(
            f"(async each => {{ each.scrollIntoView({{block: 'center'}}); for (let left = 2; left; left -= 1) await new Promise(requestAnimationFrame);"
            f"each.scrollIntoView({{block: 'center'}}); const {{x, y, width, height}} = each.getBoundingClientRect();"
            f"return [x + width / 2, y + height / 2]; }})({found})"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.send("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    async def write(self, selector, text):
        """Into a field, in place of what is there."""
        await self.click(selector)
        await self.run(f"document.querySelector({json.dumps(selector)}).select()")
        await self.send("Input.insertText", text=text)

    async def press(self, key, *, shift=False):
        text = {"Enter": "\r", " ": " "}.get(key, key if len(key) == 1 else "")
        values = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS.get(key, ord(key[0].upper())), "text": text}
        await self.send("Input.dispatchKeyEvent", type="keyDown", modifiers=8 if shift else 0, **values)
        await self.send("Input.dispatchKeyEvent", type="keyUp", key=key, code=key)

    async def choose_files(self, selector, *paths):
        document = await self.send("DOM.getDocument")
        node = await self.send("DOM.querySelector", nodeId=document["root"]["nodeId"], selector=selector)
        await self.send("DOM.setFileInputFiles", nodeId=node["nodeId"], files=[str(each) for each in paths])

    async def picture(self, name, *, whole=False):
        """A screenshot in build/pictures, for a person to look at."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        if whole:
            # What is far from the window is not drawn: the window becomes as high as the page.
            self._size["height"] = await self.run("document.documentElement.scrollHeight")
            await self.send("Emulation.setDeviceMetricsOverride", **self._size)
            await asyncio.sleep(0.3)
        found = await self.send("Page.captureScreenshot")
        path = PICTURES / f"{name}.png"
        await asyncio.to_thread(path.write_bytes, base64.b64decode(found["data"]))
        return path


@contextlib.asynccontextmanager
async def chromium(folder):
    """A Browser whose profile is in that folder."""
    assert CHROMIUM, "Chromium is missing: .ci/run installs it"
    their_read, our_write = os.pipe()
    our_read, their_write = os.pipe()
    # It reads commands from 3 and writes to 4, whatever these ends are called here.
    script = f'exec "$@" 3<&{their_read} 4>&{their_write}'
    process = await asyncio.create_subprocess_exec(
        *(
            "bash",
            "-c",
            script,
            "bash",
            CHROMIUM,
            f"--user-data-dir={folder}",
            *FLAGS,
            "--remote-debugging-pipe",
            "about:blank",
        ),
        pass_fds=(their_read, their_write),
        stderr=asyncio.subprocess.DEVNULL,
    )
    os.close(their_read)
    os.close(their_write)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 28)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(our_read, "rb"))
    writer, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(our_write, "wb"))
    browser = Browser(process, reader, writer)
    try:
        yield browser
    finally:
        await browser.close()
