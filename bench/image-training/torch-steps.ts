import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { z } from 'zod';

import { cameraLayers } from '../../policies/images/camera-layers.ts';
import { parameterLayout } from '../../policies/network.ts';
import type { PictureCase } from './our-steps.ts';

const answerSchema = z.object({ torch: z.string(), losses: z.array(z.number()), milliseconds: z.array(z.number()) });
export type TorchSteps = z.infer<typeof answerSchema>;

const script = fileURLToPath(new URL('torch_steps.py', import.meta.url));
const base64 = ({ buffer, byteOffset, byteLength }: NodeJS.TypedArray): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');

/** The same steps in PyTorch. Throws with what to do where `python` has no torch. */
export async function torchSteps(python: string, of: PictureCase): Promise<TorchSteps> {
  const { camera, shape, parameters, feeds, learningRate, weightDecay, rows, batch, steps } = of;
  const job = JSON.stringify({
    camera,
    layers: cameraLayers(camera),
    layout: parameterLayout(shape),
    denseLayers: shape.hiddenWidths.length + 1,
    parameters: base64(parameters),
    observation: base64(feeds.observation),
    label: base64(feeds.label),
    picture: base64(feeds.picture),
    index: base64(feeds.index),
    learningRate,
    weightDecay,
    rows,
    batch,
    steps,
  });
  const { code, output, errors } = await runScript(python, job);
  if (code === 0) return answerSchema.parse(JSON.parse(output));
  const reason = errors.trim().split('\n').at(-1) ?? '';
  throw new Error(
    `expected ${python} to run these steps in PyTorch, got: ${reason}. Name a Python that has torch, or leave --python away to measure ours alone`,
  );
}

function runScript(python: string, input: string): Promise<{ code: number | null; output: string; errors: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, [script], { stdio: 'pipe' });
    let [output, errors] = ['', ''];
    child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString()));
    child.on('error', (cause) => reject(new Error(`${python} could not be started: ${cause.message}`, { cause })));
    child.on('close', (code) => resolve({ code, output, errors }));
    // One without torch ends before it has read everything.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
