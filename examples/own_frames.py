"""Recognise frames of your own, from a simulator, a drone, a microscope: python examples/own_frames.py CLIP."""

import sys
import time

import av

from actrec import Frame, Recognizer

recognizer = Recognizer("weizmann")
with av.open(sys.argv[1]) as container:
    for index, picture in enumerate(container.decode(video=0)):
        frame = Frame(
            picture=picture.to_ndarray(format="rgb24"),
            source="mine",
            index=index,
            media_time=float(picture.time or 0.0),
            wall_time=time.time(),
            captured=time.monotonic(),
        )
        prediction = recognizer.update(frame)
        if prediction is not None:  # None: the frame was not due at the model's rate
            print(f"{prediction.media_time:6.2f} s  {prediction.label:<12} {prediction.score:.2f}")
