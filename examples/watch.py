"""Print what happens in front of a camera: python examples/watch.py 0 (or a file, rtsp://..., demo)."""

import sys

import actrec

for event in actrec.watch(sys.argv[1:] or ["demo"], duration_s=20):
    if event.type == "end" and event.media_end is not None:
        lasted_s = event.media_end - event.media_start
        print(f"{event.source}: {event.label} for {lasted_s:.1f} s, score {event.top_score:.2f}", flush=True)
