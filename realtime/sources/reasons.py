"""Why a connection failed, in words that say what to do."""

from __future__ import annotations

import av.error

from .address import redact_text


def explain(error: Exception) -> str:
    """Return what went wrong with a connection, what was wanted and what to try, without a password."""
    if isinstance(error, av.error.HTTPUnauthorizedError):
        return "user or password refused, wanted a login; write SCHEME://USER:PASSWORD@HOST/PATH"
    if isinstance(error, av.error.HTTPNotFoundError):
        return "the server knows no such path, wanted a stream; check the path in the camera's manual"
    if isinstance(error, (av.error.ConnectionRefusedError, ConnectionRefusedError)):
        return "connection refused, wanted a running server; check host and port"
    if isinstance(error, (av.error.ExitError, av.error.TimeoutError, TimeoutError)):
        return "no answer in time, wanted a stream; check the address and the network"
    reason = redact_text(str(getattr(error, "strerror", None) or error))
    return f"{reason}, wanted a stream; check the address"
