"""Real servers on loopback that tests and benchmarks start, freeze, kill and start again."""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SYSTEM_PYTHON = "/usr/bin/python3"
RTSP_SCRIPT = Path(__file__).with_name("rtsp_server.py")


def can_serve_rtsp() -> str:
    """Return why there can be no RTSP server here; empty if there can."""
    if not Path(SYSTEM_PYTHON).exists():
        return f"needs {SYSTEM_PYTHON}"
    probe = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    if subprocess.run([SYSTEM_PYTHON, "-c", probe], capture_output=True, check=False).returncode:
        return "needs GStreamer's RTSP server (Debian packages python3-gi gir1.2-gst-rtsp-server-1.0)"
    return ""


def free_port() -> int:
    """Return a TCP port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def encode(
    target: Path,
    source: Path | None = None,
    *,
    size: tuple[int, int] = (320, 240),
    fps: int = 25,
    seconds: float = 4.0,
    kbit_s: int | None = None,
) -> Path:
    """Encode `source` (None: a moving test picture) for the RTSP server, by ffmpeg; size is (width, height).

    kbit_s: the bit rate of H.264, as a camera holds it; None encodes everything finely.
    """
    width, height = size
    if source is None:
        take = ["-f", "lavfi", "-i", f"testsrc2=size={width}x{height}:rate={fps}", "-t", str(seconds)]
    else:
        take = ["-i", str(source), "-vf", f"scale={width}:{height}", "-r", str(fps)]
    if target.suffix == ".h265":
        codec = [
            "-c:v",
            "libx265",
            "-preset",
            "ultrafast",
            "-x265-params",
            f"log-level=none:aud=1:bframes=0:keyint={fps}",
        ]
    else:
        rate = ["-crf", "16"]
        if kbit_s is not None:
            rate = ["-b:v", f"{kbit_s}k", "-maxrate", f"{kbit_s}k", "-bufsize", f"{kbit_s}k"]
        codec = ["-c:v", "libx264", "-preset", "veryfast", *rate, "-bf", "0", "-g", str(fps)]
        codec += ["-x264-params", "slices=1:sliced-threads=0:aud=1"]
    shape = "hevc" if target.suffix == ".h265" else "h264"
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-y",
        *take,
        *codec,
        "-pix_fmt",
        "yuv420p",
        "-an",
        "-f",
        shape,
        str(target),
    ]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return target


class RtspServer:
    """An RTSP server in a process of its own.

    mounts: path -> encoded file, or (file, frames a second), 25 if not said.
    """

    def __init__(
        self,
        mounts: Mapping[str, Path | tuple[Path, int]],
        *,
        port: int | None = None,
        shared: bool = False,
        once: bool = False,
        user: str | None = None,
        password: str | None = None,
        digest: bool = False,
        tls: tuple[Path, Path] | None = None,
    ) -> None:
        self._scheme = "rtsps" if tls else "rtsp"
        self.port = port or free_port()
        command = [SYSTEM_PYTHON, str(RTSP_SCRIPT), "--port", str(self.port)]
        for path, what in mounts.items():
            file, fps = what if isinstance(what, tuple) else (what, 25)
            command += ["--mount", path, str(file), str(fps)]
        command += ["--shared"] * shared + ["--once"] * once
        if user is not None:
            command += ["--user", user, "--password", password or ""] + ["--digest"] * digest
        if tls is not None:
            command += ["--tls", *map(str, tls)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("rtsp://"):
            _, errors = self._process.communicate(timeout=10)
            raise RuntimeError(f"the RTSP server did not start: {errors.strip()[-500:]}")

    def url(self, path: str = "/cam", login: str = "") -> str:
        """Return the address of a mount; `login` is USER:PASSWORD."""
        return f"{self._scheme}://{login + '@' if login else ''}127.0.0.1:{self.port}{path}"

    def freeze(self) -> None:
        """Stop the process where it is: sockets stay open, nothing is sent or answered."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it without any farewell to its clients; safe to call twice."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(timeout=10)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


class WebServer:
    """HTTP in threads of this process.

    `/cam.mjpg`: JPEG pictures. `/cam.ts`: an MPEG transport stream of so many seconds, sent in real time over and
    over, its timestamps starting anew each time. Everything else: the files of a folder (HLS).
    login: USER:PASSWORD that is asked for.
    """

    def __init__(
        self,
        *,
        pictures: Sequence[bytes] = (),
        fps: float = 15.0,
        folder: Path | None = None,
        transport: tuple[Path, float] | None = None,
        login: str | None = None,
    ) -> None:
        self.frozen = threading.Event()
        self._stop = threading.Event()
        outer = self

        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *args: object, **kwargs: object) -> None:
                super().__init__(*args, directory=str(folder or Path()), **kwargs)  # type: ignore[arg-type]

            def do_GET(self) -> None:
                wanted = None if login is None else "Basic " + base64.b64encode(login.encode()).decode()
                if wanted is not None and self.headers.get("Authorization") != wanted:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                    self.end_headers()
                elif self.path.startswith("/cam.mjpg"):
                    outer._send_pictures(self, pictures, fps)
                elif self.path.startswith("/cam.ts") and transport is not None:
                    outer._send_transport(self, *transport)
                elif folder is not None:
                    super().do_GET()
                else:
                    self.send_error(404)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def url(self, path: str = "/cam.mjpg", login: str = "") -> str:
        """Return the address of a path; `login` is USER:PASSWORD."""
        return f"http://{login + '@' if login else ''}127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        """Stop serving and end every connection."""
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def _send_pictures(self, handler: BaseHTTPRequestHandler, pictures: Sequence[bytes], fps: float) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
        handler.end_headers()
        began, number = time.monotonic(), 0
        try:
            while not self._stop.is_set():
                if self.frozen.is_set():
                    time.sleep(0.02)
                    continue
                picture = pictures[number % len(pictures)]
                head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                handler.wfile.write(head.encode() + picture + b"\r\n")
                number += 1
                time.sleep(max(0.0, began + number / fps - time.monotonic()))
        except OSError:
            pass  # the client has gone

    def _send_transport(self, handler: BaseHTTPRequestHandler, file: Path, seconds: float) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "video/mp2t")
        handler.end_headers()
        data = file.read_bytes()
        # Packets of 188 bytes, about 25 portions a second.
        portion = max(188, round(len(data) / (25 * seconds) / 188) * 188)
        began, sent = time.monotonic(), 0
        try:
            while not self._stop.is_set():
                for start in range(0, len(data), portion):
                    handler.wfile.write(data[start : start + portion])
                    sent += len(data[start : start + portion])
                    time.sleep(max(0.0, began + sent / len(data) * seconds - time.monotonic()))
        except OSError:
            pass  # the client has gone
