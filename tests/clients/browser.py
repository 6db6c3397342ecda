#!/usr/bin/python3
"""Keeps one browser open and goes where it is told, for the tests of what it shows while things change.

  browser.py firefox|chromium PROFILE-DIRECTORY

Reads addresses, a line each, on standard input. For each it writes one line: "page TEXT" or "error WHAT". Ends at "quit" or
with its input. Firefox is driven over Marionette, Chromium over chromedriver.
"""
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

TIMEOUT = 12  # seconds that a page may take


class Failure(Exception):
    pass


def end(process):
    """Its exit status. A browser that does not end when it is told to is ended with SIGTERM, which it must obey."""
    try:
        return process.wait(3)
    except subprocess.TimeoutExpired:
        process.terminate()
        return process.wait(15)


class Firefox:
    """https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html"""

    def __init__(self, profile):
        self.process = subprocess.Popen(
            ["firefox-esr", "--headless", "--no-remote", "--marionette", "--profile", profile],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                self.socket = socket.create_connection(("127.0.0.1", 2828))
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise Failure("Firefox does not listen")
        self.socket.settimeout(TIMEOUT + 3)
        self.count = 0
        self.receive()
        self.command("NewSession", {"capabilities": {"alwaysMatch": {"unhandledPromptBehavior": "ignore"}}})
        self.command("SetTimeouts", {"pageLoad": TIMEOUT * 1000})

    def receive(self):
        size = b""
        while not size.endswith(b":"):
            byte = self.socket.recv(1)
            if not byte:
                raise Failure("Firefox is gone")
            size += byte
        data = b""
        while len(data) < int(size[:-1]):
            data += self.socket.recv(int(size[:-1]) - len(data))
        return json.loads(data)

    def command(self, name, parameters=None):
        self.count += 1
        message = json.dumps([0, self.count, "WebDriver:" + name, parameters or {}]).encode()
        self.socket.sendall(str(len(message)).encode() + b":" + message)
        _, _, error, result = self.receive()
        if error:
            raise Failure(error["message"])
        return result["value"] if isinstance(result, dict) and "value" in result else result

    def go(self, url):
        self.command("Navigate", {"url": url})
        return self.command("ExecuteScript", {"script": "return document.body.innerText", "args": []})

    def close(self):
        try:
            self.count += 1
            message = json.dumps([0, self.count, "Marionette:Quit", {"flags": ["eForceQuit"]}]).encode()
            self.socket.sendall(str(len(message)).encode() + b":" + message)
        except OSError:
            pass
        return end(self.process)


class Chromium:
    """https://www.w3.org/TR/webdriver2/"""

    def __init__(self, profile):
        self.process = subprocess.Popen(["chromedriver", "--port=9515"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", 9515)).close()
                break
            except OSError:
                time.sleep(0.1)
        options = {"binary": "/usr/bin/chromium", "args": [
            "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--user-data-dir=" + profile]}
        self.session = ""
        result = self.command("POST", "session", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options, "unhandledPromptBehavior": "ignore"}}})
        self.session = "session/" + result["sessionId"] + "/"
        self.command("POST", "timeouts", {"pageLoad": TIMEOUT * 1000})

    def command(self, method, path, body=None):
        request = urllib.request.Request(
            "http://127.0.0.1:9515/" + (self.session + path).rstrip("/"), method=method,
            data=json.dumps(body).encode() if body is not None else None, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT + 3) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise Failure(json.load(error)["value"]["message"])
        except OSError as error:
            raise Failure("Chromium: " + str(error))

    def go(self, url):
        self.command("POST", "url", {"url": url})
        return self.command("POST", "execute/sync", {"script": "return document.body.innerText", "args": []})

    def close(self):
        try:
            self.command("DELETE", "")
        except Failure as failure:
            print("Chromium at its end:", failure, file=sys.stderr)
        self.process.terminate()
        return end(self.process)


def say(kind, text):
    print(kind, " ".join(text.split())[:300], flush=True)


def main():
    browser = {"firefox": Firefox, "chromium": Chromium}[sys.argv[1]](sys.argv[2])
    for line in iter(sys.stdin.readline, "quit\n"):
        if not line:
            break
        try:
            say("page", browser.go(line.strip()))
        except Failure as failure:
            say("error", str(failure))
        except OSError as error:
            say("error", "no answer from the browser: " + str(error))
    status = browser.close()
    print("closed", status, flush=True)
    sys.exit(0 if status in (0, -signal.SIGTERM, 128 + signal.SIGTERM) else 1)


main()
