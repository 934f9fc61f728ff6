"""An engine elsewhere: any OpenAI-compatible endpoint that is given by its address and, maybe, a key."""

import os
import urllib.request
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp

from genetic_udfs.config import Engine
from genetic_udfs.engine.client import Route
from genetic_udfs.errors import EngineError

_SECRET = "***"


class Endpoint:
    """The router to an endpoint; an async context manager that holds the connections.

    The key is read from the environment of this process when the context is entered. It is in the requests'
    header and nowhere else.

    Args:
        name: The engine's name in the configuration.
        engine: The engine's settings; `url` must be set.
    """

    def __init__(self, name: str, engine: Engine) -> None:
        assert engine.url is not None
        self.name = f"engine {name!r} ({engine.url})"
        self._key_name = f"engines.{name}"
        self._engine = engine
        self._url = engine.url.rstrip("/")
        self._key: str | None = None
        self._session: aiohttp.ClientSession | None = None

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
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=4.0),
            timeout=aiohttp.ClientTimeout(total=self._engine.request_timeout, sock_connect=30.0),
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=_proxy_for(self._url),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def route(self) -> Route:
        """Return the endpoint, always the same."""
        assert self._session is not None
        return Route(self._session, self._url, self._engine.model)

    async def failed(self, route: Route) -> None:
        """Do nothing: whether an endpoint lives is its own affair."""

    def refusal(self, status: int, message: str) -> str:
        """Return why every request is refused, and what to do."""
        if status in {401, 403}:
            if self._engine.api_key_env is None:
                return (
                    f"it wants a key (HTTP {status}); name the environment variable that holds it in"
                    f" {self._key_name}.api_key_env"
                )
            return f"it does not accept the key in {self._engine.api_key_env} (HTTP {status})"
        if status == 404:
            return (
                f"it does not serve the model {self._engine.model!r}, or has no such path (HTTP 404:"
                f" {message}); check {self._key_name}.model and .url, which usually ends in /v1"
            )
        return f"it refuses every request (HTTP {status}: {message})"

    def without_secrets(self, text: str) -> str:
        """Return the text with what nobody may see taken out."""
        return text.replace(self._key, _SECRET) if self._key else text


def _proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for an address.

    aiohttp could find out itself, but does so for each request, with a look into the user's netrc file.
    """
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
