// Labels of raw RGB frames in JavaScript: node step.mjs step.onnx FRAMES, where FRAMES holds uint8 [T, S, S, 3].
// npm install onnxruntime-web; the same calls work in a browser with a <canvas> instead of a file.
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-web";

const [model, file] = process.argv.slice(2);
const session = await ort.InferenceSession.create(readFileSync(model));
const frames = new Uint8Array(readFileSync(file));
const spec = JSON.parse(readFileSync(process.argv[4] ?? "spec.json", "utf8"));
const state = {}; // zeros are the start of a stream
for (const { name, shape, dtype } of [...spec.encoder_state, ...spec.head_state]) {
  const length = shape.reduce((a, b) => a * b, 1);
  const zeros = dtype === "uint8" ? new Uint8Array(length) : new Float32Array(length);
  state[name] = new ort.Tensor(dtype, zeros, [1, ...shape]);
}
const bytes = spec.size * spec.size * 3;
for (let at = 0; at < frames.length; at += bytes) {
  const frame = new ort.Tensor("uint8", frames.slice(at, at + bytes), [1, spec.size, spec.size, 3]);
  const outputs = await session.run({ frame, ...state });
  for (const name in state) state[name] = outputs[`next_${name}`];
  const logits = Array.from(outputs.logits.data);
  console.log(spec.labels[logits.indexOf(Math.max(...logits))]);
}
