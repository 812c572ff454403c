import { partSchema, simulatePart } from './part.ts';

/** One process of a measured fleet: takes its part as a message, answers with the result. */
process.once('message', (message) => {
  simulatePart(partSchema.parse(message)).then(
    (result) => process.send?.(result, () => process.disconnect()),
    (cause: unknown) => {
      process.stderr.write(`${String(cause)}\n`);
      process.exit(1);
    },
  );
});
