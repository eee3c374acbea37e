"""From what the user wrote to feeds that can be started."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from ...models.errors import SourceError
from .address import SourceSpec, parse_source, redact
from .connection import Connection
from .feed import Feed
from .files import IMAGE_SUFFIXES, VIDEO_SUFFIXES, read_images, read_remote_video, read_video
from .live import LiveFeed
from .options import SourceOptions
from .reader import Faults, Picture, ReaderFeed

__all__ = ["SourceOptions", "SourceSpec", "open_feeds", "parse_source", "redact"]

REMOTE_FILE_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"})
HLS_STALL_S = 12.0
"""Playlists are asked for once a segment: a shorter silence means nothing."""


def open_feeds(specs: Iterable[SourceSpec], options: SourceOptions | None = None) -> list[Feed]:
    """Return one feed for each source, none of them started, with names that differ.

    A folder or glob of clips gives a feed for each clip, named by its path in the folder; all may be started
    together, each waits until the clip before it has been read. Files are looked for here (SourceError);
    cameras and streams report a failure to open by `Feed.error`.
    """
    options = options or SourceOptions()
    feeds: list[Feed] = []
    names = Names()
    for spec in specs:
        if spec.kind == "list":
            for entry in read_list(Path(spec.uri)):
                feeds += _open_one(entry, options, names)
        else:
            feeds += _open_one(spec, options, names)
    if not feeds:
        raise SourceError("no source: got none, wanted at least one; write --source demo for a first try")
    return feeds


class Names:
    """Gives each source a name of its own: `door`, `door-2`, `door-3`."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def claim(self, wanted: str) -> str:
        """Return `wanted`, or `wanted` with the first number that is free."""
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}-{number}"
        self._taken.add(name)
        return name


def read_list(path: Path) -> list[SourceSpec]:
    """Read a `.streams` file: one `URI` or `NAME=URI` a line, `#` begins a comment line.

    Relative paths in it count from the folder of the list.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SourceError(
            f"{path}: cannot be read ({reason}), wanted a list of sources; check the path"
        ) from None
    entries: list[SourceSpec] = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            spec = parse_source(text)
        except SourceError as error:
            raise SourceError(f"{path}, line {number}: {error}") from None
        if spec.kind == "list":
            raise SourceError(
                f"{path}, line {number}: got a list in a list, wanted a source; write its lines here"
            )
        if spec.kind in ("file", "folder", "glob") and not Path(spec.uri).is_absolute():
            spec = parse_source(str(path.parent / spec.uri)) if spec.name is None else _named(path, spec)
        entries.append(spec)
    if not entries:
        raise SourceError(f"{path}: got no source, wanted one NAME=URI a line; add one")
    return entries


def _named(path: Path, spec: SourceSpec) -> SourceSpec:
    return parse_source(f"{spec.name}={path.parent / spec.uri}")


def _open_one(spec: SourceSpec, options: SourceOptions, names: Names) -> list[Feed]:
    if spec.kind == "camera":
        device = spec.uri
        name = names.claim(spec.name or (f"camera{device}" if device.isdigit() else Path(device).name))
        return [LiveFeed(name, lambda: _connect_camera(device, options), options)]
    if spec.kind == "stream":
        if is_remote_file(spec.uri):
            timeout_s = options.open_timeout_s
            return [
                _feed_of(
                    spec.name or stream_name(spec.uri),
                    lambda faults: read_remote_video(spec.uri, timeout_s, faults),
                    options,
                    names,
                    None,
                )
            ]
        name = names.claim(spec.name or stream_name(spec.uri))
        is_hls = urlsplit(spec.uri).path.lower().endswith((".m3u8", ".m3u"))
        stall_s = max(HLS_STALL_S, options.stall_timeout_s) if is_hls else options.stall_timeout_s
        own = replace(options, stall_timeout_s=stall_s)
        return [LiveFeed(name, lambda: _connect_stream(spec.uri, own), own)]
    if spec.kind == "demo":
        from .demo import open_demo  # draws with tables that no other source needs

        return [open_demo(names.claim(spec.name or "demo"), spec.settings, options)]
    return _open_files(spec, options, names)


def _connect_camera(device: str, options: SourceOptions) -> Connection:
    from .camera import CameraConnection

    return CameraConnection(device, options)


def _connect_stream(uri: str, options: SourceOptions) -> Connection:
    from .stream import StreamConnection

    return StreamConnection(uri, options)


def is_remote_file(uri: str) -> bool:
    """Return whether an address is that of a finished video on a web server, to be read like a file."""
    parts = urlsplit(uri)
    return parts.scheme in ("http", "https") and Path(parts.path).suffix.lower() in REMOTE_FILE_SUFFIXES


def stream_name(uri: str) -> str:
    """Return `host/path` of an address: no user, no password, no query."""
    parts = urlsplit(redact(uri))
    return f"{parts.netloc.rsplit('@', 1)[-1]}{parts.path.rstrip('/')}"


def _open_files(spec: SourceSpec, options: SourceOptions, names: Names) -> list[Feed]:
    path = Path(spec.uri)
    if spec.kind == "file":
        if not path.is_file():
            raise SourceError(f"{path}: no such file, wanted a video or image; check the path")
        root, found = path.parent, [path]
        if path.suffix.lower() not in IMAGE_SUFFIXES:
            return [
                _feed_of(
                    spec.name or path.name, lambda faults: read_video(path, faults), options, names, None
                )
            ]
    elif spec.kind == "folder":
        root, found = path, sorted(p for p in path.rglob("*") if p.is_file())
    else:
        root, pattern = split_glob(path)
        found = sorted(p for p in root.glob(pattern) if p.is_file())
    clips = [p for p in found if p.suffix.lower() in VIDEO_SUFFIXES]
    images = [p for p in found if p.suffix.lower() in IMAGE_SUFFIXES]
    if not clips and not images:
        what = "folder" if spec.kind == "folder" else "glob"
        got = f"{len(found)} files of other kinds" if found else "no files"
        raise SourceError(f"{what} {spec.uri}: got {got}, wanted videos or images; check the path")
    if clips:
        return _clips(clips, root, spec.name, options, names)
    return _image_folders(images, root, spec, options, names)


def split_glob(path: Path) -> tuple[Path, str]:
    """Return the folder before the first part with a wildcard, and the rest as a pattern."""
    parts = path.parts
    first = next(i for i, part in enumerate(parts) if any(mark in part for mark in "*?["))
    return Path(*parts[:first]), str(Path(*parts[first:]))


def _clips(
    clips: Sequence[Path], root: Path, prefix: str | None, options: SourceOptions, names: Names
) -> list[Feed]:
    feeds: list[Feed] = []
    last: ReaderFeed | None = None
    for clip in clips:
        name = clip.relative_to(root).as_posix()
        last = _feed_of(f"{prefix}/{name}" if prefix else name, _video_reader(clip), options, names, last)
        feeds.append(last)
    return feeds


def _image_folders(
    images: Sequence[Path], root: Path, spec: SourceSpec, options: SourceOptions, names: Names
) -> list[Feed]:
    folders: dict[Path, list[Path]] = {}
    for image in images:
        folders.setdefault(image.parent, []).append(image)
    feeds: list[Feed] = []
    last: ReaderFeed | None = None
    for folder, members in folders.items():
        inner = folder.relative_to(root).as_posix()
        if spec.kind == "file":
            name = spec.name or members[0].name
        else:
            outer = spec.name or root.resolve().name
            name = outer if inner == "." else f"{outer}/{inner}"
        last = _feed_of(name, _image_reader(members, options), options, names, last)
        feeds.append(last)
    return feeds


def _feed_of(
    name: str,
    read: Callable[[Faults], Iterable[Picture]],
    options: SourceOptions,
    names: Names,
    after: ReaderFeed | None,
) -> ReaderFeed:
    return ReaderFeed(names.claim(name), read, pace=options.pace, after=after)


def _video_reader(path: Path) -> Callable[[Faults], Iterable[Picture]]:
    return lambda faults: read_video(path, faults)


def _image_reader(paths: Sequence[Path], options: SourceOptions) -> Callable[[Faults], Iterable[Picture]]:
    return lambda faults: read_images(paths, options.images_fps, faults)
