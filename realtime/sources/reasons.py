"""Why a connection failed, in words that say what to do."""

from __future__ import annotations

import errno

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
    if isinstance(error, av.error.InvalidDataError):
        return "the answer is no video, wanted a stream; check the address, the path above all"
    if isinstance(error, av.error.ProtocolNotFoundError):
        return (
            "this kind of address is not built into PyAV here, wanted rtsp:// or http(s)://; use one of them"
        )
    if getattr(error, "errno", None) in (errno.EIO, errno.EHOSTUNREACH, errno.ENETUNREACH):
        return "host not found or not reachable, wanted a server; check name and network"
    reason = redact_text(str(getattr(error, "strerror", None) or error))
    return f"{reason}, wanted a stream; check the address"
