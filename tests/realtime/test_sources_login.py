"""Claims about opening cameras: logins, encryption, and what is no camera."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actrec.models.errors import SourceError
from actrec.realtime.sources import SourceOptions, open_feeds, parse_source

QUICK = SourceOptions(stall_timeout_s=1.0, open_timeout_s=2.0, retry_max_s=2.0)


def open_one(url: str) -> Any:
    (feed,) = open_feeds([parse_source(f"cam={url}")], QUICK)
    return feed


def test_login_is_used_and_a_wrong_one_is_one_line_without_it(
    encoded: Any, rtsp_server: Any, watch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = rtsp_server({"/cam": encoded(seconds=2.0)}, user="joe", password="s3cret")
    right, wrong = open_one(server.url(login="joe:s3cret")), open_one(server.url(login="joe:w0rse"))
    watcher = watch([right])
    assert watcher.run(3, lambda: bool(watcher.frames["cam"]))
    assert watch([wrong]).run(3)
    assert isinstance(wrong.error, SourceError)
    assert "user or password refused" in str(wrong.error)
    server.kill()
    watcher.run(1.0)
    said = caplog.text + str(wrong.error) + repr(right.status()) + repr(wrong.status())
    assert "s3cret" not in said
    assert "w0rse" not in said


@pytest.mark.parametrize("digest", [False, True])
def test_a_percent_encoded_password_is_understood(
    encoded: Any, rtsp_server: Any, watch: Any, digest: bool
) -> None:
    server = rtsp_server({"/cam": encoded(seconds=2.0)}, user="joe", password="p@s/s:1", digest=digest)
    feed = open_one(server.url(login="joe:p%40s%2Fs%3A1"))
    watcher = watch([feed])
    assert watcher.run(3, lambda: bool(watcher.frames["cam"]) or feed.done)
    assert feed.error is None


def test_an_encrypted_camera_with_a_certificate_of_its_own_making_is_read(
    tmp_path: Path, encoded: Any, rtsp_server: Any, watch: Any, need_tool: Callable[[str, str], str]
) -> None:
    certificate, key = tmp_path / "camera.pem", tmp_path / "camera.key"
    make = [need_tool("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    subprocess.run(
        [*make, "-subj", "/CN=camera", "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    feed = open_one(rtsp_server({"/cam": encoded(seconds=2.0)}, tls=(certificate, key)).url())
    watcher = watch([feed])
    assert watcher.run(5, lambda: len(watcher.frames["cam"]) > 5 or feed.done)
    assert feed.error is None


def test_a_wrong_path_is_an_error(encoded: Any, rtsp_server: Any, watch: Any) -> None:
    feed = open_one(rtsp_server({"/cam": encoded(seconds=2.0)}).url("/other"))
    assert watch([feed]).run(3)
    assert "no such path" in str(feed.error)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("rtsp://joe:s3cret@no-such-host.invalid/cam", "host not found"),
        ("http://joe:s3cret@no-such-host.invalid/cam.mjpg", "host not found"),
        ("WEB/page.html", "is no video"),
        ("WEB/none.m3u8", "no such path"),
    ],
)
def test_what_is_no_stream_is_an_error_that_says_so(
    tmp_path: Path, web_server: Any, watch: Any, url: str, said: str
) -> None:
    (tmp_path / "page.html").write_text("<html>hello</html>" * 100, encoding="utf-8")
    feed = open_one(url.replace("WEB", web_server(folder=tmp_path).url("")))
    assert watch([feed]).run(5)
    assert said in str(feed.error)
    assert "wanted" in str(feed.error)
    assert "s3cret" not in str(feed.error)
