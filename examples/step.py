"""Labels of a video with NumPy, OpenCV and ONNX Runtime: `python step.py step.onnx VIDEO`; needs no actrec."""

import json
import sys

import cv2
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
spec = json.loads(session.get_modelmeta().custom_metadata_map["actrec.spec"])
shapes = {node.name: (node.shape[1:], node.type) for node in session.get_inputs() if node.name != "frame"}
state = {
    name: np.zeros([1, *shape], np.uint8 if "uint8" in kind else np.float32)
    for name, (shape, kind) in shapes.items()
}
names = [node.name for node in session.get_outputs()]
video, due = cv2.VideoCapture(sys.argv[2]), 0.0
while video.grab():
    if video.get(cv2.CAP_PROP_POS_MSEC) / 1000 + 0.5 / spec["fps"] < due:
        continue  # between two samples: the model wants spec["fps"] frames a second
    due += 1 / spec["fps"]
    frame = cv2.resize(video.retrieve()[1], (spec["size"], spec["size"]), interpolation=cv2.INTER_AREA)
    outputs = dict(
        zip(names, session.run(None, {"frame": frame[None, :, :, ::-1].copy(), **state}), strict=True)
    )
    state = {name: outputs[f"next_{name}"] for name in state}
    print(spec["labels"][outputs["logits"][0].argmax()])
