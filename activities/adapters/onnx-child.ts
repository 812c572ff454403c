import { probeModel } from '../../policies/evaluation/probe-model.ts';
import type { GraphSession } from '../../policies/runtime.ts';
import type { ChildAnswer, ChildJob } from './onnx-child-messages.ts';
import { onnxRuntime } from './onnx-runtime.ts';

/** The process that onnx-child-process.ts starts: one model, one job after the other, an answer to each. */
let session: GraphSession | undefined;

const say = (answer: ChildAnswer): void => void process.send?.(answer);

async function answerTo(job: ChildJob): Promise<ChildAnswer> {
  switch (job.kind) {
    case 'probe': {
      const facts = await probeModel({
        runtime: onnxRuntime(),
        model: job.model,
        type: job.type,
        seed: job.seed,
        monotonicMs: () => performance.now(),
        progress: (details) => say({ kind: 'progress', details }),
        // A process for models of readings alone holds no decoder.
        pictures: job.type.cameras === undefined ? undefined : (await import('./sharp-pictures.ts')).sharpPictures,
      });
      return { kind: 'facts', facts };
    }
    case 'open':
      session = await onnxRuntime({ threads: job.threads }).open(job.model);
      return { kind: 'opened', inputs: session.inputs, outputs: session.outputs };
    case 'run':
      if (session === undefined) throw new Error('expected a model that was opened, got none');
      return { kind: 'results', results: await session.run(job.feeds) };
  }
}

process.on('disconnect', () => process.exit(1));
process.on('message', (job: ChildJob) => {
  answerTo(job).then(say, (error: unknown) =>
    say({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) }),
  );
});
