#!/usr/bin/env python3
"""A real RTSP server for tests and benchmarks: GStreamer, H.264 or H.265 files with access-unit delimiters.

Run it with the system's Python, which has GStreamer's bindings:

    /usr/bin/python3 rtsp_server.py --port 8554 --mount /cam FILE.h264 25 [--mount ...] [--shared] [--once]
                                    [--user U --password P [--digest]] [--tls CERTIFICATE KEY]

Every client sees a mount from its first picture; with --shared all clients watch one showing. A file starts again
at its end, and the timestamps keep rising over the seam; with --once the stream ends there.
Access units are pushed with explicit timestamps, so the files need one slice a picture and no B-frames.
"""

import argparse
import re
import sys
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtsp", "1.0")
from gi.repository import Gio, GLib, Gst, GstApp, GstRtsp, GstRtspServer  # noqa: E402, F401

DELIMITERS = {"h264": b"\x00\x00\x00\x01\x09", "h265": b"\x00\x00\x00\x01\x46\x01"}


def split_pictures(path):
    """Return the codec and the access units of an Annex-B file."""
    codec = "h265" if path.suffix in (".h265", ".hevc", ".265") else "h264"
    data = path.read_bytes()
    starts = [match.start() for match in re.finditer(re.escape(DELIMITERS[codec]), data)]
    if not starts:
        sys.exit(f"{path}: no access-unit delimiters, encode with aud=1")
    ends = [*starts[1:], len(data)]
    return codec, [data[start:end] for start, end in zip(starts, ends, strict=True)]


class Mount(GstRtspServer.RTSPMediaFactory):
    """One path of the server."""

    def __init__(self, path, fps, once):
        super().__init__()
        self.codec, self.pictures = split_pictures(path)
        self.fps, self.once = fps, once

    def do_create_element(self, url):
        """Build the pipeline of one showing."""
        return Gst.parse_launch(
            "appsrc name=src is-live=true format=time do-timestamp=false block=false "
            f"caps=video/x-{self.codec},stream-format=byte-stream,alignment=au,framerate={self.fps}/1 "
            f"! {self.codec}parse config-interval=-1 ! rtp{self.codec}pay name=pay0 pt=96 config-interval=-1"
        )

    def do_configure(self, media):
        """Feed the showing, beginning with the first picture."""
        shown = 0
        duration = Gst.SECOND // self.fps

        def push(source, _length):
            nonlocal shown
            if self.once and shown >= len(self.pictures):
                source.emit("end-of-stream")
                return
            buffer = Gst.Buffer.new_wrapped(self.pictures[shown % len(self.pictures)])
            buffer.pts = buffer.dts = shown * duration
            buffer.duration = duration
            shown += 1
            source.emit("push-buffer", buffer)

        media.get_element().get_by_name_recurse_up("src").connect("need-data", push)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", default="8554")
    parser.add_argument("--mount", nargs=3, action="append", metavar=("PATH", "FILE", "FPS"), required=True)
    parser.add_argument("--shared", action="store_true")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--digest", action="store_true")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    options = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(options.port)
    permissions = None
    if options.user or options.tls:
        auth = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        if options.tls:
            auth.set_tls_certificate(Gio.TlsCertificate.new_from_files(*options.tls))
        if not options.user:
            auth.set_default_token(token)
        elif options.digest:
            auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
            auth.add_digest(options.user, options.password or "", token)
        else:
            auth.add_basic(GstRtspServer.RTSPAuth.make_basic(options.user, options.password or ""), token)
        server.set_auth(auth)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", "media.factory.access", True)
        permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    for path, file, fps in options.mount:
        mount = Mount(Path(file), int(fps), options.once)
        mount.set_shared(options.shared)
        if permissions is not None:
            mount.set_permissions(permissions)
        server.get_mount_points().add_factory(path, mount)
    if not server.attach(None):
        sys.exit(f"port {options.port}: cannot be bound")
    print(f"rtsp://127.0.0.1:{server.get_bound_port()}", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
