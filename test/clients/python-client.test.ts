import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { front, readLogs, seeingType, side } from '../fleet/agent/images/camera-robot.ts';
import { temporaryDirectory } from '../fleet/agent/robot.ts';
import { openTestKeys } from '../support/keys.ts';
import { agentCommand, pythonClient, succeeds, unittests } from '../support/python-client.ts';
import { toolForTest } from '../support/tool.ts';

describe('the Python client', function () {
  this.timeout(600_000);
  const env = { PYTHONPATH: path.join(pythonClient, 'src') };

  it('keeps its promises with agents that misbehave', async function () {
    const python = await toolForTest(this, 'python');
    const said = await succeeds(python, unittests('test_*.py'), { env });
    // No test at all would succeed too.
    assert.ok(Number(/Ran (\d+) tests/.exec(said)?.[1]) > 25, said);
    assert.doesNotMatch(said, /skipped/);
  });

  it('hands images of a camera to a real agent, and asks it for decisions with them', async function () {
    const python = await toolForTest(this, 'python');
    const folder = await temporaryDirectory();
    try {
      const at = (name: string): string => path.join(folder.directory, name);
      await mkdir(at('images'));
      const camera = { ...front, width: 200, height: 160 };
      await writeFile(at('type.json'), JSON.stringify({ ...seeingType, cameras: [camera, side] }));
      await writeFile(at('root.json'), (await openTestKeys(at('keys'))).rootDocument);
      const run = async (robot: string, ...more: string[]): Promise<string> =>
        succeeds(
          python,
          [
            path.join(pythonClient, 'examples/camera_loop.py'),
            '--robot',
            robot,
            '--gateway',
            'http://127.0.0.1:1',
            '--directory',
            at(robot),
            '--root',
            at('root.json'),
            '--robot-type',
            at('type.json'),
            '--frames',
            '9',
            '--decide-timeout-s',
            '120',
            ...more,
          ],
          { env: { ...env, FLYWHEEL_AGENT_COMMAND: agentCommand.join(' '), FLYWHEEL_ROBOT_TOKEN: 'token' } },
        );
      const said = await run('r1', '--camera', 'front', '--size', '200x160', '--images', at('images'));
      const counts = /images_offered=(\d+), images_recorded=(\d+), images_refused=0, images_dropped=0/.exec(said);
      assert.ok(counts !== null && Number(counts[1]) > 3, said);
      assert.equal(counts[1], counts[2]);
      assert.match(said, /frames_offered=9, frames_recorded=9/);
      const [log, ...others] = await readLogs(at('r1'));
      assert.deepEqual([log?.camera, others.length], ['front', 0]);
      assert.ok(log!.images.length > 3, `${log!.images.length} images of one episode`);
      for (const { bytes, format } of log!.images) assert.deepEqual([bytes.length, format], [200 * 160 * 3, 'raw']);
      assert.deepEqual(await readdir(at('images')), []);
    } finally {
      await folder.remove();
    }
  });
});
