"""What a user may write after `--source`, and how it is shown again without its password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ...models.errors import SourceError

SourceKind = Literal["camera", "file", "folder", "glob", "stream", "demo", "list"]

STREAM_SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "srt", "udp", "rtp")
FORMS = "a webcam number, /dev/videoN, a file, folder or quoted glob, rtsp://, http(s)://, demo or a .streams list"

_NAMED = re.compile(r"^(?P<name>[^=:/\\?*\[\]]+)=(?P<uri>.+)$")
_SCHEME = re.compile(r"^(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)$", re.DOTALL)
_SECRET_FIELD = re.compile(
    r"(?P<key>[?&;](?:[\w-]*(?:pass|passwd|password|pwd|token|secret|key|auth|sig|signature)[\w-]*)=)[^&;#\s'\"]*",
    re.IGNORECASE,
)
_URL_IN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+")
HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One source as a user asked for it; nothing has been looked at or opened yet."""

    kind: SourceKind
    uri: str = field(repr=False)
    """With the password, if it has one: show `redact(uri)` instead."""
    name: str | None = None
    """The name that the user gave, or None."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What was written behind `demo:`, for example `{"seed": "3"}`."""

    def __repr__(self) -> str:
        return f"SourceSpec({self.kind}, {redact(self.uri)!r}, name={self.name!r})"


def parse_source(text: str) -> SourceSpec:
    """Read one `--source`: `URI` or `NAME=URI`; SourceError if it has none of the known forms."""
    text = text.strip()
    name: str | None = None
    named = _NAMED.match(text)
    if named and not Path(text).exists():
        name, text = named["name"].strip(), named["uri"].strip()
    if not text:
        raise SourceError(
            f"source {name or ''}: got nothing, wanted {FORMS}; write --source demo for a first try"
        )
    if re.fullmatch(r"\d{1,3}", text) or re.fullmatch(r"/dev/video\d+", text):
        return SourceSpec("camera", text, name)
    if text == "demo" or text.startswith("demo:"):
        return SourceSpec("demo", text, name, _read_settings(text))
    scheme = _SCHEME.match(text)
    if scheme:
        if scheme["scheme"].lower() == "file":
            return parse_path(scheme["rest"], name)
        if scheme["scheme"].lower() not in STREAM_SCHEMES:
            raise SourceError(
                f"source {redact(text)}: got {scheme['scheme']}://, wanted {FORMS}; check the address"
            )
        if not scheme["rest"].strip("/"):
            raise SourceError(
                f"source {redact(text)}: got no host, wanted {scheme['scheme']}://HOST/PATH; add it"
            )
        return SourceSpec("stream", text, name)
    return parse_path(text, name)


def parse_path(text: str, name: str | None) -> SourceSpec:
    """Tell a file, a folder, a glob and a list apart."""
    path = Path(text).expanduser()
    if path.is_dir():
        return SourceSpec("folder", str(path), name)
    if path.suffix == ".streams":
        return SourceSpec("list", str(path), name)
    if not path.exists() and any(mark in text for mark in "*?["):
        return SourceSpec("glob", str(path), name)
    return SourceSpec("file", str(path), name)


def redact(uri: str) -> str:
    """Return `uri` with its password, and every query field that looks like a secret, replaced by `***`."""
    match = _SCHEME.match(uri)
    if match is None:
        return uri
    scheme, rest = match["scheme"], match["rest"]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    host = authority
    if "@" in authority:
        userinfo, host = authority.rsplit("@", 1)
        rest = f"{_hide_password(userinfo)}@{host}{rest[len(authority) :]}"
    elif "@" in rest and ":" in authority and not authority.rsplit(":", 1)[1].isdigit():
        # A password with a slash in it, not percent-encoded: no valid address, and still a secret.
        userinfo, tail = rest.rsplit("@", 1)
        rest = f"{_hide_password(userinfo)}@{tail}"
    return f"{scheme}://" + _SECRET_FIELD.sub(lambda m: m["key"] + HIDDEN, rest)


def redact_text(text: str) -> str:
    """Return a message of a library with the password of every address in it hidden."""
    return _URL_IN_TEXT.sub(lambda match: redact(match[0]), text)


def _hide_password(userinfo: str) -> str:
    user, colon, _ = userinfo.partition(":")
    return f"{user}:{HIDDEN}" if colon else user


def _read_settings(text: str) -> dict[str, str]:
    settings: dict[str, str] = {}
    for part in filter(None, text.partition(":")[2].split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise SourceError(f"source {text}: got {part!r}, wanted KEY=VALUE as in demo:seed=3; correct it")
        settings[key.strip()] = value.strip()
    return settings
