"""One simulator and a list of checks against it.

A check is a function that raises when the venue is not as the client expects it. Each prints one line:
`ok name` or `FAILED name: why`. Checks of one suite run in the order in which they are written.
"""

import asyncio
import inspect
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import traceback
import urllib.error
import urllib.request


class Failed(Exception):
    """A check that found something other than it should."""


def expect(true, *said):
    """Fails with what was said unless true."""
    if not true:
        raise Failed(" ".join(str(word) for word in said) or "not as expected")


def equal(found, wanted, what=""):
    """Fails unless both are the same."""
    if found != wanted:
        raise Failed(f"{what} is {found!r}, not {wanted!r}".strip())


def refused(call, *wanted):
    """Runs a call that the venue must refuse, and looks for the code among the words of the client's own error."""
    try:
        answer = call()
    except Exception as error:  # each client has errors of its own
        said = f"{type(error).__name__} {error}"
        code = getattr(error, "code", getattr(error, "status_code", ""))
        said = f"{said} {code} {getattr(error, 'error_code', '')}"
        if not any(str(code) in said for code in wanted):
            raise Failed(f"refused with {said!r}, not with {' or '.join(map(str, wanted))}") from error
        return error
    raise Failed(f"accepted, answer {str(answer)[:200]}; should have been refused with {wanted}")


def until(look, seconds=10.0, every=0.05, what="it"):
    """Looks again and again until there is something; fails when there is nothing in time."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise Failed(f"{what} did not come within {seconds:g} s")
        time.sleep(every)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Venue:
    """A running simulator."""

    def __init__(self, binary, *options, accounts=None):
        self.ports = [free_port() for _ in range(3)]
        self.spot, self.usdm, self.bybit = (f"127.0.0.1:{port}" for port in self.ports)
        self.folder = tempfile.TemporaryDirectory(prefix="strangers-")
        command = [binary, "simulate", *options]
        for name, port in zip(("spot", "usdm", "bybit"), self.ports):
            command += [f"--{name}-port", str(port)]
        if accounts:
            path = os.path.join(self.folder.name, "accounts.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"accounts": accounts}, file)
            command += ["--accounts", path]
        self.output = open(os.path.join(self.folder.name, "output"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            command, stdout=self.output, stderr=subprocess.STDOUT, cwd=self.folder.name
        )

    def __enter__(self):
        try:
            until(self._answers, 30, what="the simulator")
        except Failed:
            self.output.seek(0)
            said = self.output.read()
            self.__exit__()
            raise Failed(f"the simulator does not answer; it said: {said}") from None
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.output.close()
        self.folder.cleanup()

    def _answers(self):
        if self.process.poll() is not None:
            raise Failed(f"it ended with {self.process.returncode}")
        try:
            return self.sim("GET", "truth")
        except (urllib.error.URLError, ConnectionError):
            return None

    def sim(self, method, what, body=None):
        """One of the simulator's own calls: truth, faults, clock, market."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.spot}/sim/{what}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def move(self, venue, product, symbol, **hand):
        """Lays a hand on the market."""
        self.sim("POST", "market", {"venue": venue, "product": product, "symbol": symbol, **hand})


# Seconds that one check may take: a client that waits for ever is a failure like any other.
LONGEST = 90


def _late(*_):
    raise Failed(f"took longer than {LONGEST} s")


class Suite:
    """Checks with what they share."""

    def __init__(self, name):
        self.name = name
        self.checks = []

    def check(self, function):
        """Adds a check; its name is the function's."""
        self.checks.append(function)
        return function

    def run(self, shared, only=None):
        """Runs every check; returns how many there were and how many failed."""
        failed = 0
        checks = [check for check in self.checks if only is None or only in f"{self.name}.{check.__name__}"]
        for check in checks:
            name = f"{self.name}.{check.__name__}"
            signal.signal(signal.SIGALRM, _late)
            signal.alarm(LONGEST)
            try:
                outcome = check(shared)
                if inspect.isawaitable(outcome):
                    raise Failed("an asynchronous check must run its own loop")
                print(f"ok {name}", flush=True)
            except Exception as error:  # whatever a client throws is a failure of the check
                failed += 1
                why = " ".join(f"{type(error).__name__}: {error}".split())
                print(f"FAILED {name}: {why[:600]}", flush=True)
                if os.environ.get("STRANGERS_TRACE"):
                    traceback.print_exc()
            finally:
                signal.alarm(0)
        return len(checks), failed


def in_loop(seconds=30):
    """Makes an ordinary check of an asynchronous one, with a loop of its own and an end in time."""

    def wrap(function):
        def check(shared):
            async def bounded():
                await asyncio.wait_for(function(shared), seconds)

            asyncio.run(bounded())

        check.__name__ = function.__name__
        return check

    return wrap
