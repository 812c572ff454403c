import { driveEpisodes, partSchema } from './part.ts';

/** One process of the measurement: takes its part as a message, answers with the result. */
process.once('message', (message) => {
  driveEpisodes(partSchema.parse(message)).then(
    (result) => process.send?.(result, () => process.disconnect()),
    (cause: unknown) => {
      process.stderr.write(`${String(cause)}\n`);
      process.exit(1);
    },
  );
});
