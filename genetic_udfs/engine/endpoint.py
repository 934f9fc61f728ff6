"""An engine elsewhere: OpenAI-compatible endpoints that are given by their addresses and, maybe, a key."""

import contextlib
import os
import time
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp

from genetic_udfs.config import Engine
from genetic_udfs.engine.client import Route
from genetic_udfs.engine.window import Window
from genetic_udfs.errors import EngineError

_SECRET: Final = "***"
_LONGEST_REST: Final = 60.0  # seconds that an address which gives no answers is left alone while others do


@dataclass
class _Address:
    """One server: the requests that it may have at once, and how it has answered lately."""

    url: str
    window: Window
    session: aiohttp.ClientSession
    failures: int = 0
    rests_until: float = 0.0

    def failed(self) -> None:
        """Leave the address alone for a while, longer with each failure; those of one moment are one."""
        now = time.monotonic()
        if now >= self.rests_until:
            self.failures += 1
            self.rests_until = now + min(_LONGEST_REST, 2.0 ** (self.failures - 1))

    def burden(self) -> tuple[bool, float, float]:
        """Sort key: those that answer first, then by how full they are."""
        rests = self.rests_until > time.monotonic()
        return (
            rests,
            self.rests_until if rests else 0.0,
            (self.window.in_flight + self.window.waiting) / self.window.size,
        )


class Endpoint:
    """The router to an engine's addresses; an async context manager that holds the connections.

    A request goes to the address that is least busy for its pace, and to one that gave no answer only when all
    others do not either. The key is read from the environment of this process when the context is entered. It is
    in the requests' header and nowhere else.

    Args:
        name: The engine's name in the configuration.
        engine: The engine's settings; `url` must be set.
        share: How many requests this feeder may have in flight at each address.
    """

    def __init__(self, name: str, engine: Engine, share: int) -> None:
        assert engine.urls
        self.name = f"engine {name!r} ({', '.join(engine.urls)})"
        self._key_name = f"engines.{name}"
        self._engine = engine
        self._share = share
        self._key: str | None = None
        self._addresses: dict[str, _Address] = {}

    async def __aenter__(self) -> Self:
        variable = self._engine.api_key_env
        if variable is not None:
            self._key = os.environ.get(variable)
            if not self._key:
                raise EngineError(
                    f"{self.name}: the environment variable {variable} ({self._key_name}.api_key_env) is not"
                    " set where the requests are sent from; on a cluster pass it on with"
                    f" spark.executorEnv.{variable}"
                )
        self._addresses = {url: _Address(url, Window(self._share), self._session(url)) for url in self._engine.urls}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for address in self._addresses.values():
            await address.session.close()

    @contextlib.asynccontextmanager
    async def route(self) -> AsyncIterator[Route]:
        """Wait for a place at the address that is least busy."""
        address = min(self._addresses.values(), key=_Address.burden)
        await address.window.enter()
        try:
            yield Route(address.session, address.url, self._engine.model)
        finally:
            address.window.leave()

    def answered(self, route: Route) -> None:
        """Let the address have more requests again, if it had refused any."""
        address = self._addresses[route.url]
        address.window.answered()
        address.failures, address.rests_until = 0, 0.0

    def refused(self, route: Route) -> None:
        """Let the address have fewer requests at once."""
        self._addresses[route.url].window.refused()

    async def failed(self, route: Route) -> None:
        """Prefer other addresses for a while."""
        self._addresses[route.url].failed()

    def refusal(self, route: Route, status: int, message: str) -> str:
        """Return why every request is refused, and what to do."""
        at = f"{route.url}: " if len(self._addresses) > 1 else ""
        if status in {401, 403}:
            if self._engine.api_key_env is None:
                return (
                    f"{at}it wants a key (HTTP {status}); name the environment variable that holds it in"
                    f" {self._key_name}.api_key_env"
                )
            return f"{at}it does not accept the key in {self._engine.api_key_env} (HTTP {status})"
        if status == 404:
            return (
                f"{at}it does not serve the model {self._engine.model!r}, or has no such path (HTTP 404:"
                f" {message}); check {self._key_name}.model and .url, which usually ends in /v1"
            )
        return f"{at}it refuses every request (HTTP {status}: {message})"

    def without_secrets(self, text: str) -> str:
        """Return the text with what nobody may see taken out."""
        return text.replace(self._key, _SECRET) if self._key else text

    def _session(self, url: str) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=4.0),
            timeout=aiohttp.ClientTimeout(total=self._engine.request_timeout, sock_connect=30.0),
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=_proxy_for(url),
        )


def _proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for an address.

    aiohttp could find out itself, but does so for each request, with a look into the user's netrc file.
    """
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
