import { TestWorkflowEnvironment } from '@temporalio/testing';

/** Downloads a development server of one version into a folder by starting it once: `sdk-download-main.ts FOLDER VERSION`. */
const [downloadDir, version] = process.argv.slice(2);
if (downloadDir === undefined || version === undefined) throw new Error('expected FOLDER VERSION');
try {
  const executable = { type: 'cached-download', downloadDir, version } as const;
  const environment = await TestWorkflowEnvironment.createLocal({ server: { executable } });
  await environment.teardown();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message.replaceAll('\n', ' ') : String(error)}\n`);
  process.exitCode = 1;
}
