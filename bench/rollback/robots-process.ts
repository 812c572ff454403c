import { workingRobots, workSchema, type Running, type WorkingRobots } from './working-robots.ts';

/** Robots in a process of their own: takes their work as the first message, then answers every message with who runs what. */
let robots: WorkingRobots | undefined;

const answer = (running: Running): void => void process.send?.(running);

async function open(work: unknown): Promise<void> {
  robots = await workingRobots(workSchema.parse(work));
  answer(robots.running());
}

process.on('message', (message) => {
  if (robots !== undefined) {
    answer(robots.running());
    return;
  }
  open(message).catch((cause: unknown) => {
    process.stderr.write(`${String(cause)}\n`);
    process.exit(1);
  });
});
// A bench that is killed leaves no five hundred robots behind.
process.once('disconnect', () => process.exit(0));
process.once('SIGTERM', () => {
  void (robots?.close() ?? Promise.resolve()).finally(() => process.exit(0));
});
