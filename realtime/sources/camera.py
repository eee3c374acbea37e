"""Local cameras by OpenCV: grabbed at the camera's rate, decoded only when due."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ...models.errors import SourceError
from .connection import Capture
from .options import SourceOptions


class CameraConnection:
    """An open webcam; see `Connection`. SourceError if there is none.

    backend: one of OpenCV's CAP_ constants; None: the one for cameras of this system.
    """

    def __init__(self, device: str, options: SourceOptions, backend: int | None = None) -> None:
        self._device = device
        target: int | str = int(device) if device.isdigit() else device
        path = Path(f"/dev/video{target}" if isinstance(target, int) else target)
        if sys.platform.startswith("linux") and not path.exists():
            others = ", ".join(sorted(str(p) for p in Path("/dev").glob("video*"))) or "none"
            raise SourceError(
                f"camera {device}: no such device, wanted one of: {others}; plug it in or try --source demo"
            )
        if backend is None:
            backend = cv2.CAP_V4L2 if sys.platform.startswith("linux") else cv2.CAP_ANY
        self._camera = cv2.VideoCapture(target, backend)
        if not self._camera.isOpened():
            self._camera.release()
            raise SourceError(
                f"camera {device}: cannot be opened, wanted a camera that nobody else uses; close other programs "
                "and check the permissions of the device"
            )
        self._configure(options)

    def _configure(self, options: SourceOptions) -> None:
        # The order matters to V4L2 drivers: the pixel format limits the sizes, the size limits the rates.
        if options.camera_format:
            self._camera.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*options.camera_format))
        if options.camera_size:
            self._camera.set(cv2.CAP_PROP_FRAME_WIDTH, options.camera_size[0])
            self._camera.set(cv2.CAP_PROP_FRAME_HEIGHT, options.camera_size[1])
        if options.camera_fps:
            self._camera.set(cv2.CAP_PROP_FPS, options.camera_fps)
        self._camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._size_hw = (
            int(self._camera.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            int(self._camera.get(cv2.CAP_PROP_FRAME_WIDTH)),
        )

    def read(self) -> Capture | None:
        """See `Connection.read`. Drivers' timestamps differ too much to be used: arrival counts."""
        if not self._camera.grab():
            raise SourceError(f"camera {self._device}: no picture comes any more; is it still plugged in?")
        return Capture(None, self._size_hw, self._retrieve)

    def _retrieve(self) -> NDArray[np.uint8]:
        fine, image = self._camera.retrieve()
        if not fine or image is None:
            raise SourceError(f"camera {self._device}: a picture could not be decoded")
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)

    def close(self) -> None:
        """See `Connection.close`."""
        self._camera.release()
