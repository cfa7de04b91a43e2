"""One upload of one batch over HTTP: within a time that holds, whatever the server does.

httpx bounds each read and write, and so would never leave a server that sends a byte now and then. An event loop can be
told when to stop, which is all that it is here for.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import TracebackType

import certifi
import httpx

from runs.upload.access import Server, Token
from runs.upload.answers import Response, Result, check, results_of, seconds_ahead
from runs.upload.errors import TryAgainError, UploadError
from runs.upload.pending import Line

BATCH_SECONDS = 300.0
_CONNECT_SECONDS, _STALL_SECONDS = 10.0, 60.0
_MAX_ANSWER = 32 * 2**20
_LEVEL = 6


class Client:
    """Keeps its connection from batch to batch. `seconds_ahead` is this machine's clock less the server's."""

    def __init__(self, server: Server, token: Token, *, accept_hardware: bool = False) -> None:
        self.server = server
        self.token = token
        self.seconds_ahead: float | None = None
        self._runs = f"{server.runs}?accept_hardware=1" if accept_hardware else server.runs
        self._loop = asyncio.Runner()
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {token.secret}", "User-Agent": "benchsite-upload"},
            timeout=httpx.Timeout(_STALL_SECONDS, connect=_CONNECT_SECONDS),
            verify=_trusted(),
            trust_env=not server.is_loopback,
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run(self._http.aclose())
        self._loop.close()

    def send(
        self, lines: Sequence[Line], texts: Sequence[bytes], *, within: float = BATCH_SECONDS
    ) -> tuple[Result, ...]:
        """Each record's result, in order. Raises TryAgainError or UploadError, at the latest after `within` seconds."""
        body = gzip.compress(b"\n".join(texts), compresslevel=_LEVEL)
        headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
        response = self._ask("POST", self._runs, body, headers, within)
        return results_of(response, lines, self.server, self.token)

    def check(self, *, within: float) -> None:
        """Ask for something small, so that a wrong address or token is told early. Raises as `send` does."""
        response = self._ask("GET", f"{self.server.address}/api/v1/", b"", {}, within)
        check(response, (), self.server, self.token)

    def _ask(self, method: str, url: str, body: bytes, headers: dict[str, str], within: float) -> Response:
        try:
            response = self._loop.run(self._exchange(method, url, body, headers, within))
        except (TimeoutError, httpx.TimeoutException):
            raise TryAgainError("slow", "it takes too long to answer") from None
        except (httpx.HTTPError, OSError) as error:
            raise _explained(error, self.server) from None
        self.seconds_ahead = seconds_ahead(response.headers, datetime.now(UTC))
        return response

    async def _exchange(self, method: str, url: str, body: bytes, headers: dict[str, str], within: float) -> Response:
        async with asyncio.timeout(within):
            request = self._http.stream(method, url, content=body or None, headers=headers)
            async with request as response:
                received = bytearray()
                async for chunk in response.aiter_bytes():
                    received += chunk
                    if len(received) > _MAX_ANSWER:
                        raise UploadError(f"{self.server.address} is not a Benchsite: its answer does not end.")
                return Response(response.status_code, dict(response.headers.multi_items()), bytes(received))


def _trusted() -> ssl.SSLContext:
    """The system's authorities, with what SSL_CERT_FILE adds; certifi's where the system names none in a file."""
    context = ssl.create_default_context()
    if not context.get_ca_certs():
        context.load_verify_locations(certifi.where())
    return context


# ---------------------------------------------------------------- why there is no answer


def _explained(error: Exception, server: Server) -> TryAgainError | UploadError:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return UploadError(_bad_certificate(cause, server))
        if isinstance(cause, ssl.SSLError) and "WRONG_VERSION_NUMBER" in str(cause):
            return UploadError(f"{server.address} does not speak HTTPS. Look at the address and its port.")
        if isinstance(cause, socket.gaierror):
            return _unknown_host(cause, server)
    return TryAgainError("unreachable", _first_words(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it, the groups of a connection to several addresses included."""
    yield error
    for each in getattr(error, "exceptions", ()):
        yield from _causes(each)
    deeper = error.__cause__ or error.__context__
    if deeper is not None:
        yield from _causes(deeper)


def _bad_certificate(error: ssl.SSLCertVerificationError, server: Server) -> str:
    now = datetime.now(UTC)
    return (
        f"The certificate of {server.address} is not to be trusted: {error.verify_message}. Nothing was sent. If your "
        "lab has an authority of its own, name its file in SSL_CERT_FILE. If the certificate is said to be expired or "
        f"not valid yet, look at this machine's clock: it says {now:%Y-%m-%d %H:%M} UTC."
    )


def _unknown_host(error: socket.gaierror, server: Server) -> TryAgainError | UploadError:
    if error.errno == socket.EAI_AGAIN:
        return TryAgainError("unreachable", "its name cannot be looked up just now")
    return UploadError(f"There is no machine of the name in {server.address}. Look at the address, and at the network.")


def _first_words(error: BaseException) -> str:
    """The deepest cause with words of its own: 'connection refused' rather than 'all attempts failed'."""
    numbers = [cause.errno for cause in _causes(error) if isinstance(cause, OSError) and cause.errno]
    if numbers:
        return os.strerror(numbers[-1]).lower()
    return str(error).rstrip(".") or "the connection was cut"
