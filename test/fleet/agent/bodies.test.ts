import assert from 'node:assert/strict';

import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import type { Agent, AgentOptions } from '../../../fleet/agent/index.ts';
import { identityBody, type VersionBody } from '../../../policies/version-bodies.ts';
import { startFakeGateway, type FakeGateway } from './fake-gateway.ts';
import { championOrder, fleetKeys, publish } from './fleet-keys.ts';
import { frameAt, openRobot, robotId, temporaryDirectory, token, until } from './robot.ts';

const old = scitosG5Type;
/** The next body: another order of renamed readings, two more, and its actions the other way round. */
const next: RobotType = {
  ...old,
  version: 2,
  observations: [
    { name: 'bumper', unit: '1', min: 0, max: 1 },
    ...old.observations.map((each) => ({ ...each, name: `ring-${each.name}` })).toReversed(),
    { name: 'light', unit: '1', min: 0, max: 1 },
  ],
  actions: old.actions.kind === 'discrete' ? { kind: 'discrete', names: old.actions.names.toReversed() } : old.actions,
};
const referenceOf = (type: RobotType) => ({ id: type.id, version: type.version, digest: robotTypeDigest(type) });
const standing = { standing: 'proven', heldOutEpisodes: 40 } as const;
const bytesOf = (document: unknown): Buffer => Buffer.from(JSON.stringify(document));

function bodyOf(type: RobotType): VersionBody {
  const body = identityBody(type, referenceOf(type), standing);
  if (body === undefined) throw new Error('expected a body');
  return body;
}
const ownBody = bodyOf(old);
const nextBody: VersionBody = {
  ...ownBody,
  robotType: referenceOf(next),
  observations: old.observations.map(({ name }) => ({ from: `ring-${name}`, factor: 1, offset: 0 })),
};
const bodies = (...list: VersionBody[]): Buffer => bytesOf({ bodies: list });

describe('a robot and its body', () => {
  const keys = fleetKeys();
  let gateway: FakeGateway;
  let folder: { directory: string; remove: () => Promise<void> };
  let agent: Agent | undefined;

  beforeEach(async () => {
    gateway = await startFakeGateway(robotId, token);
    folder = await temporaryDirectory();
  });
  afterEach(async () => {
    await agent?.close();
    agent = undefined;
    await gateway.stop();
    await folder.remove();
  });

  async function open(robotType: RobotType, options: Partial<AgentOptions> = {}): Promise<Agent> {
    await agent?.close();
    const { directory } = folder;
    agent = await openRobot({
      gatewayUrl: gateway.url,
      directory,
      publicKeyPem: keys.publicKeyPem,
      robotType,
      ...options,
    });
    return agent;
  }
  async function order(document: Buffer | undefined, version = '1.0.0'): Promise<void> {
    const model = await publish(gateway, keys, version, { seed: 1, ...(document && { bodies: document }) });
    gateway.setOrder(championOrder(gateway.requests.length + 1, model, model));
  }
  const runs = (robot: Agent, version = '1.0.0') => until('it runs', () => robot.policy()?.version === version);
  async function refused(reason: string, detail: RegExp): Promise<void> {
    await until('refused', () =>
      gateway.reports.some((report) => report.reason === reason && detail.test(report.detail)),
    );
    assert.equal(agent?.policy(), undefined);
  }
  const frames = Array.from({ length: 8 }, (_, index) => frameAt(index * 13).observation);
  const actionsOf = async (robot: Agent, observations: readonly number[][], { actions }: RobotType) => {
    const chosen: string[] = [];
    for (const observation of observations) {
      const index = (await robot.policy()?.decide(observation))?.action[0] ?? -1;
      chosen.push((actions.kind === 'discrete' ? actions.names[index] : undefined) ?? '');
    }
    return chosen;
  };

  it('acts by a model of another body as that body would, by name', async () => {
    await order(bodies(ownBody, nextBody));
    const before = await open(old);
    await runs(before);
    const expected = await actionsOf(before, frames, old);
    assert.ok(new Set(expected).size > 1, 'expected frames that the model answers differently');
    const after = await open(next, { directory: `${folder.directory}/next` });
    await runs(after);
    const mapped = frames.map((frame) => [0.5, ...frame.toReversed(), 99]);
    assert.deepEqual(await actionsOf(after, mapped, next), expected);
    await assert.rejects(after.policy()!.decide(frames[0] ?? []), /expected an observation of 26 numbers, got 24/);
    await assert.rejects(after.policy()!.decide([0.5, 1e39, ...(mapped[0] ?? []).slice(2)]), /float32/);
    assert.equal(after.policy()?.version, '1.0.0');
  });

  it('runs a version without bodies as ever, and refuses one of another type', async () => {
    await order(undefined);
    await runs(await open(old));
    await open(next, { directory: `${folder.directory}/next` });
    await refused('cannotLoad', /expected a policy for scitos-g5@2, got one for scitos-g5@1/);
  });

  it('refuses a version that does not list its body, and says which it serves', async () => {
    await order(bodies(ownBody));
    await open(next);
    await refused('wrongRobotType', /serves scitos-g5@2 \(\w{8}\), got one for scitos-g5@1/);
    assert.ok(!gateway.requests.some((request) => request.includes('model.onnx')), 'no model is fetched in vain');
  });

  it('refuses a version that lists a body of another document than its own', async () => {
    await order(bodies(ownBody, nextBody));
    await open({ ...next, description: 'mended by hand' });
    await refused('wrongRobotType', /scitos-g5@2/);
  });

  it('refuses a map that names what it does not sense', async () => {
    await order(bodies(ownBody, { ...nextBody, observations: ownBody.observations }));
    await open(next);
    await refused('cannotLoad', /expected readings that this robot has/);
  });

  for (const [what, document] of [
    ['nonsense', Buffer.from('{')],
    [
      'a number that is none',
      Buffer.from(bodies(ownBody, nextBody).toString().replaceAll('"offset":0', '"offset":1e999')),
    ],
    ['no own body', bodies(nextBody)],
    ['another count of inputs', bodies(ownBody, { ...nextBody, observations: [{ fill: 1 }] })],
    ['a body twice', bodies(ownBody, nextBody, nextBody)],
    ['names of the prototype', bytesOf({ __proto__: { bodies: [ownBody, nextBody] } })],
  ] as const)
    it(`refuses signed bodies that are ${what}`, async () => {
      await order(document);
      await open(next);
      await refused('cannotLoad', /expected/);
    });

  it('takes no bodies that were not signed with the version, nor endless ones', async () => {
    await order(bodies(ownBody));
    gateway.files.set('walls/1.0.0/bodies.json', bodies(ownBody, nextBody));
    await open(next);
    await refused('wrongDigest', /bodies\.json/);
  });

  it('behind a gateway of before serves the type of the manifest alone', async () => {
    gateway.refuse = (path) => (path.endsWith('/bodies.json') ? 400 : undefined);
    await order(bodies(ownBody, nextBody));
    await runs(await open(old));
    await open(next, { directory: `${folder.directory}/next` });
    await refused('cannotLoad', /scitos-g5@2/);
  });

  it('goes on under a new number of the same model, which serves more, and back, without fetching the model again', async () => {
    const swapped = async (seq: number, version: string, document: Buffer | undefined) => {
      const model = await publish(gateway, keys, version, { seed: 1, ...(document && { bodies: document }) });
      gateway.setOrder(championOrder(seq, model, model));
      return model;
    };
    const first = await swapped(1, '1.0.0', undefined);
    const robot = await open(old);
    await runs(robot);
    const second = await swapped(2, '2.0.0', bodies(ownBody, nextBody));
    assert.equal(second.sha256, first.sha256);
    await runs(robot, '2.0.0');
    gateway.setOrder(championOrder(3, first, first));
    await runs(robot, '1.0.0');
    gateway.setOrder(championOrder(4, second, second));
    await runs(robot, '2.0.0');
    assert.equal(gateway.requests.filter((request) => request.includes('model.onnx')).length, 1);
    // After a restart without a gateway, what runs is found under its own number.
    gateway.refuse = () => 503;
    await runs(await open(old), '2.0.0');
    // And a robot that got the next body meanwhile goes on with it.
    await runs(await open(next), '2.0.0');
  });

  it('uploads what it recorded under its body of before as that body, after a crash too', async () => {
    await order(bodies(ownBody, nextBody));
    const robot = await open(old);
    await runs(robot);
    robot.beginEpisode();
    for (let index = 0; index < 12; index += 1) robot.record(frameAt(index));
    await robot.crash();
    agent = undefined;
    const now = await open(next);
    await now.settle();
    await until('uploaded', () => gateway.segments.size === 1);
    const segment = [...gateway.segments.values()][0] ?? Buffer.alloc(0);
    assert.ok(segment.includes('scitos-g5@1') && segment.includes(robotTypeDigest(old)));
    assert.ok(!segment.includes('scitos-g5@2') && !segment.includes(robotTypeDigest(next)));
  });

  it('lets go of a version on its disk that does not serve the body it has now', async () => {
    const swapped: RobotType = { ...old, version: 2, observations: old.observations.toReversed() };
    await order(undefined);
    await runs(await open(old));
    const robot = await open(swapped);
    await until('it is told', () => gateway.reports.some(({ reason }) => reason === 'cannotLoad'));
    assert.equal(robot.policy(), undefined);
  });
});
