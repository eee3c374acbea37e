"""Network streams by PyAV: RTSP, HTTP MJPEG, HLS."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import av
import av.error
from av.codec.context import Flags

from ...models.errors import SourceError
from .address import redact
from .backlog import skip_backlog
from .colour import Rgb, has_luma, luma, upright_size_hw
from .connection import Capture
from .options import SourceOptions
from .reasons import explain

log = logging.getLogger(__name__)
LARGE_H = 1080
"""From more lines than this on, decoding costs more than recognising."""


class StreamConnection:
    """An open network stream; see `Connection`. Opening it blocks; SourceError if it cannot be opened."""

    def __init__(self, uri: str, options: SourceOptions) -> None:
        self._shown = redact(uri)
        self._rgb = Rgb()
        try:
            self._container = av.open(
                uri,
                options=stream_settings(uri, options),
                # The watchdog is to notice first; this lets the reader that it left behind come back.
                timeout=(options.open_timeout_s, options.stall_timeout_s + 1.0),
            )
        except (av.error.FFmpegError, OSError) as error:
            raise SourceError(f"{self._shown}: {explain(error)}") from None
        if not self._container.streams.video:
            self._container.close()
            raise SourceError(f"{self._shown}: holds no video, wanted a camera's stream; check the path")
        self._stream = self._container.streams.video[0]
        self._stream.codec_context.thread_count = 1
        self._stream.codec_context.flags |= Flags.low_delay
        self._stamped = self._container.format.name not in ("mpjpeg", "mjpeg")
        self._paced = self._container.format.name == "hls"
        rate = self._stream.average_rate or self._stream.guessed_rate
        step_s = float(1 / rate) if rate else 0.04
        captures = self._read_all()
        self._captures: Iterator[Capture] = captures if self._paced else skip_backlog(captures, step_s)
        if self._stream.height > LARGE_H:
            log.warning(
                "%s: %dx%d is more than a recogniser uses; the camera's sub-stream (see its manual) saves decoding",
                self._shown,
                self._stream.width,
                self._stream.height,
            )
        self._ahead: tuple[float, float] | None = None

    def read(self) -> Capture | None:
        """See `Connection.read`."""
        try:
            return next(self._captures, None)
        except SourceError:
            raise
        except (av.error.FFmpegError, OSError) as error:
            raise SourceError(f"{self._shown}: {explain(error)}") from None

    def close(self) -> None:
        """See `Connection.close`."""
        # The generator and this object hold each other: without this, frames wait for the garbage collector.
        self._captures = iter(())
        self._container.close()

    def _read_all(self) -> Iterator[Capture]:
        corrupt = 0
        for packet in self._container.demux(self._stream):
            try:
                frames = packet.decode()
            except av.error.EOFError:
                break
            except av.error.InvalidDataError:
                corrupt += 1
                continue
            for frame in frames:
                stamp_s = None
                if self._stamped and frame.pts is not None and frame.time_base is not None:
                    stamp_s = float(frame.pts * frame.time_base)
                if self._paced and stamp_s is not None:
                    self._wait_until_due(stamp_s)
                yield Capture(
                    stamp_s,
                    upright_size_hw(frame),
                    lambda frame=frame: self._rgb.convert(frame),  # type: ignore[misc]
                    corrupt=bool(corrupt or frame.is_corrupt),
                    codec=self._stream.codec_context.name,
                    luma=(lambda frame=frame: luma(frame)) if has_luma(frame) else None,  # type: ignore[misc]
                )
                corrupt = 0
        if self._container.duration is None or self._container.duration <= 0:
            raise SourceError(f"{self._shown}: the server ended the stream")

    def _wait_until_due(self, stamp_s: float) -> None:
        """Hold a picture of a stream that comes in segments until its time has come."""
        now = time.monotonic()
        if self._ahead is None:
            self._ahead = (stamp_s, now)
        wait_s = (stamp_s - self._ahead[0]) - (now - self._ahead[1])
        if wait_s < -1.0 or wait_s > 30.0:
            self._ahead = (stamp_s, now)
        elif wait_s > 0:
            time.sleep(min(wait_s, 1.0))


def stream_settings(uri: str, options: SourceOptions) -> dict[str, str]:
    """Return libavformat's options for a quick start and low latency.

    Not `fflags=nobuffer`: it throws away what was read while the stream was identified, and with it the key
    frame, so that the first picture comes a whole group of pictures late. Short identification is what helps.
    """
    scheme = uri.split("://", 1)[0].lower()
    if scheme in ("rtsp", "rtsps"):
        settings = {
            "rtsp_transport": options.transport,
            "allowed_media_types": "video",
            "probesize": "32",
            "analyzeduration": "0",
            "fpsprobesize": "0",
            "max_delay": "200000",
        }
        return settings | ({"buffer_size": str(1 << 20)} if options.transport == "udp" else {})
    return {"probesize": "500000", "analyzeduration": "500000", "fpsprobesize": "0"}
