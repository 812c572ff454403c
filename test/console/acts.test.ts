import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { ActError } from '../../acts/act-error.ts';
import type { Steering } from '../../acts/steering.ts';
import type { AuditAnswer } from '../../console/answers/acts.ts';
import { operatorRoles, mayAct, removeOperator, type OperatorRole } from '../../fleet/desk/operators.ts';
import { quarantineRobot, readRobotLife, releaseRobot } from '../../fleet/desk/robot-life.ts';
import { auditKeys } from '../../store/records/audit-entry.ts';
import { verifyAudit } from '../../store/records/audit-chain.ts';
import { recordAct } from '../../store/records/audit-log.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { policy } from '../activities/facts/fact-world.ts';
import { ask, noSteering, openConsoleWorld, send, type Answer, type ConsoleWorld } from './console-world.ts';

const why = { policy, reason: 'it smells' };
/** Every act: its path, a body that is right, and who may at least. */
const acts: readonly (readonly [url: string, body: Record<string, unknown>, least: OperatorRole])[] = [
  ['/api/v1/trial/pause', why, 'operator'],
  ['/api/v1/trial/resume', why, 'operator'],
  ['/api/v1/trial/abort', { ...why, candidateVersion: '1.3.0' }, 'operator'],
  ['/api/v1/trial/approve', { ...why, candidateVersion: '1.3.0' }, 'approver'],
  ['/api/v1/trial/reject', why, 'approver'],
  ['/api/v1/rollback', why, 'operator'],
  ['/api/v1/rollback/undo', { ...why, order: 9 }, 'operator'],
  ['/api/v1/rollback/approve', { ...why, requestId: 'r-1' }, 'approver'],
  ['/api/v1/rollback/reject', { ...why, requestId: 'r-1' }, 'approver'],
  ['/api/v1/incidents/acknowledge', { ...why, incidentId: 'robotSilent-r1' }, 'operator'],
  ['/api/v1/robots/r1/quarantine', { reason: 'it limps' }, 'operator'],
  ['/api/v1/robots/r1/release', { reason: 'it walks' }, 'approver'],
  ['/api/v1/cycles', why, 'operator'],
  [`/api/v1/quarantine/${'a'.repeat(64)}/release`, why, 'approver'],
  ['/api/v1/freeze', { ...why, until: '2026-07-01' }, 'operator'],
  ['/api/v1/freeze/lift', why, 'approver'],
  ['/api/v1/labels', { ...why, episodeId: 'E1', day: '2026-06-01', said: { failureReason: 'slipped' } }, 'operator'],
  ['/api/v1/labels/l1/remove', why, 'operator'],
];
/** As the document writes it. */
const namesOf = (url: string): string =>
  url
    .replace('/robots/r1', '/robots/{robotId}')
    .replace(/[a]{64}/, '{sha256}')
    .replace('/labels/l1', '/labels/{labelId}');
const typeOf = ({ body }: Answer): unknown => (body['error'] as { type?: string } | undefined)?.type;
const messageOf = ({ body }: Answer): string =>
  String((body['error'] as { message?: string } | undefined)?.message ?? body['answer']);

/** Workflows that say yes, with the messages that they were sent. */
function yes(): Steering & { readonly told: unknown[][] } {
  const told: unknown[][] = [];
  const hear =
    (name: string) =>
    async (...words: unknown[]): Promise<string> => {
      told.push([name, ...words]);
      return `${name}: done`;
    };
  return {
    told,
    requireServer: async () => undefined,
    tellTrial: hear('tellTrial'),
    approveAnothers: hear('approveAnothers'),
    answerRollback: hear('answerRollback'),
    acknowledge: hear('acknowledge'),
    startCycle: hear('startCycle'),
    abortCycle: hear('abortCycle'),
    orderRollback: async (...words) => {
      told.push(['orderRollback', ...words]);
      return { kind: 'ordered', version: '1.0.0', seq: 9, reason: 'back to the champion', approvedBy: null };
    },
  };
}

describe('acts by the console', function () {
  this.timeout(60_000);
  let world: ConsoleWorld;
  let steer: ReturnType<typeof yes>;
  let app: Awaited<ReturnType<ConsoleWorld['on']>>;
  let tokens: Record<OperatorRole, string>;
  let keys = 0;
  const newKey = (): string => `key-${(keys += 1)}-0000`;
  const post = (url: string, body: unknown, token: string, key: string | undefined = newKey()) =>
    send(app, url, body, token, key);
  /** The rate limit forgets. */
  const rest = (): void => void (world.monotonicMs += 600_000);
  const audit = async (question = ''): Promise<AuditAnswer> =>
    (await world.get(`/api/v1/audit${question}`, tokens.viewer)).body as unknown as AuditAnswer;
  const log = async () => (await audit()).items.toReversed().map(({ who, act, outcome }) => `${who} ${act} ${outcome}`);

  beforeEach(async () => {
    world = await openConsoleWorld();
    steer = yes();
    app = await world.on({ steer });
    const made: [OperatorRole, string][] = [];
    for (const role of operatorRoles) made.push([role, await world.add(`the-${role}`, role)]);
    tokens = Object.fromEntries(made) as Record<OperatorRole, string>;
  });
  afterEach(() => world.close());

  it('are described and told in the document, and are all the paths that change anything', async () => {
    const { body } = await world.get('/api/v1/openapi.json', null);
    const paths = Object.entries(body['paths'] as Record<string, object>);
    const changing = paths.filter(([, methods]) => Object.keys(methods).some((method) => method !== 'get'));
    // Whose session it is decides, not the role: oidc.test.ts tries it.
    const tried = [...acts.map(([url]) => namesOf(url)), '/api/v1/sessions/{sessionId}/end'];
    assert.deepEqual(changing.map(([path]) => path).toSorted(), tried.toSorted());
    const document = readFileSync(new URL('../../docs/console.md', import.meta.url), 'utf8');
    for (const path of tried) assert.ok(document.includes(`\`POST ${path}\``), path);
  });

  it('are for the role that may, and refused to all below it and to who has no token: nothing is written', async () => {
    for (const [url, body, least] of acts)
      for (const role of operatorRoles) {
        rest();
        const before = steer.told.length;
        const answer = await post(url, body, tokens[role]);
        if (mayAct(role, least))
          assert.ok(answer.status === 200 || answer.status === 409, `${url} ${role}: ${answer.text}`);
        else
          assert.deepEqual(
            [answer.status, typeOf(answer), steer.told.length],
            [403, 'forbidden', before],
            `${url} ${role}`,
          );
        rest();
        // A role that is claimed beside the token counts for nothing.
        const forged = await send(app, url, { ...body, role: 'admin' }, tokens.viewer, newKey(), { 'x-role': 'admin' });
        assert.equal(forged.status, 403);
        rest();
        assert.equal((await post(url, body, `fo.the-admin.${'A'.repeat(43)}`)).status, 401);
      }
    assert.ok(!(await log()).some((line) => line.startsWith('the-viewer')));
  });

  it('need a reason, a key and a body that is one; nothing is written otherwise', async () => {
    for (const [url, body] of acts) {
      const wrong: (readonly [unknown, string?])[] = [
        ...['', '   ', 'x'.repeat(501), 'x'.repeat(1_000_000), 7, null].map(
          (reason) => [{ ...body, reason }, newKey()] as const,
        ),
        [{ ...body, who: 'somebody-else' }, newKey()],
        ...['{', '[]', 'null', '"x"'].map((text) => [text, newKey()] as const),
        [body],
        [body, 'short'],
        [body, `key with spaces ${'x'.repeat(100)}`],
      ];
      for (const [sent, key] of wrong) {
        rest();
        const answer = await send(app, url, sent, tokens.admin, key);
        assert.deepEqual(
          [answer.status, typeOf(answer)],
          [400, 'malformed'],
          `${url} ${JSON.stringify(sent).slice(0, 80)}`,
        );
      }
      rest();
      const form = await send(app, url, JSON.stringify(body), tokens.admin, newKey(), { 'content-type': 'text/plain' });
      assert.equal(form.status, 400);
    }
    assert.deepEqual([steer.told, await log()], [[], []]);
  });

  it('are refused to a page of another site, whatever token it has', async () => {
    for (const site of ['cross-site', 'same-site', 'none']) {
      rest();
      const answer = await send(app, '/api/v1/trial/pause', why, tokens.admin, newKey(), { 'sec-fetch-site': site });
      assert.deepEqual([answer.status, steer.told.length], [403, 0]);
    }
    const own = await send(app, '/api/v1/trial/pause', why, tokens.admin, newKey(), {
      'sec-fetch-site': 'same-origin',
    });
    assert.equal(own.status, 200);
  });

  it('of a policy or robot that is not there are 404, and of no server 503: nothing says that they happened', async () => {
    for (const [url, body] of acts) {
      rest();
      const other = url.includes('/robots/') ? body : { ...body, policy: 'nope' };
      assert.equal((await post(url.replace('/r1/', '/r99/'), other, tokens.admin)).status, 404, url);
    }
    const without = await world.on({ steer: noSteering });
    for (const [url, body] of acts.filter(([path]) => !/\/(robots|quarantine|labels|freeze)\b/.test(path))) {
      rest();
      const answer = await send(without, url, body, tokens.admin, newKey());
      assert.deepEqual([answer.status, typeOf(answer)], [503, 'temporalUnavailable'], url);
      assert.match(messageOf(answer), /nothing was done/);
    }
    assert.deepEqual(await log(), []);
  });

  it('that nobody answers are written as unanswered, and are done under the same key once somebody does', async () => {
    let isThere = false;
    const some: Steering = {
      ...steer,
      tellTrial: async (...words) => {
        if (!isThere) throw new ActError('missing', 'no worker serves the queue orchestration');
        return steer.tellTrial(...words);
      },
    };
    app = await world.on({ steer: some });
    const first = await post('/api/v1/trial/pause', why, tokens.operator, 'the-one-key');
    assert.deepEqual([first.status, messageOf(first)], [503, 'no worker serves the queue orchestration']);
    assert.deepEqual(await log(), ['the-operator trial.pause asked', 'the-operator trial.pause unanswered']);
    isThere = true;
    assert.equal((await post('/api/v1/trial/pause', why, tokens.operator, 'the-one-key')).status, 200);
    assert.deepEqual((await log()).slice(2), ['the-operator trial.pause done']);
  });

  it('are done once under a key, by reloads and double clicks, and answered as the first time', async () => {
    const key = newKey();
    const answers = await Promise.all([1, 2, 3].map(() => post('/api/v1/trial/pause', why, tokens.operator, key)));
    answers.push(await post('/api/v1/trial/pause', why, tokens.operator, key));
    assert.deepEqual(
      answers.map(({ status, body }) => [status, body['answer']]),
      Array.from({ length: 4 }, () => [200, 'tellTrial: done']),
    );
    assert.equal(answers.filter(({ body }) => body['isRepeated'] === false).length, 1);
    assert.equal(steer.told.length, 1);
    assert.deepEqual(await log(), ['the-operator trial.pause asked', 'the-operator trial.pause done']);
    // Another console is told the same: the log knows.
    const second = await world.on({ steer });
    assert.equal((await send(second, '/api/v1/trial/pause', why, tokens.operator, key)).body['isRepeated'], true);
    assert.equal(steer.told.length, 1);
  });

  it('under a key of another body are refused, and a key of another person is another key', async () => {
    const key = newKey();
    await post('/api/v1/trial/pause', why, tokens.operator, key);
    for (const [url, body] of [
      ['/api/v1/trial/pause', { ...why, reason: 'another' }],
      ['/api/v1/trial/pause', { ...why, candidateVersion: '1.4.0' }],
      ['/api/v1/trial/resume', why],
      ['/api/v1/rollback', why],
    ] as const) {
      const answer = await post(url, body, tokens.operator, key);
      assert.deepEqual([answer.status, typeOf(answer)], [422, 'keyReused']);
    }
    assert.equal(steer.told.length, 1);
    const other = await post('/api/v1/trial/pause', why, tokens.approver, key);
    assert.deepEqual([other.status, other.body['isRepeated'], steer.told.length], [200, false, 2]);
    const ids = steer.told.map(([, , , word]) => (word as { actId: string }).actId);
    assert.equal(new Set(ids).size, 2);
  });

  it('carry the name of who has the token, the reason, and what was looked at', async () => {
    await post('/api/v1/trial/approve', { ...why, candidateVersion: '1.3.0' }, tokens.approver);
    await post('/api/v1/rollback/approve', { ...why, requestId: 'r-1' }, tokens.approver);
    await post('/api/v1/rollback', { ...why, target: '1.0.0' }, tokens.operator);
    await post('/api/v1/cycles', why, tokens.operator);
    const shown = steer.told.map((words) => JSON.stringify(words).replaceAll(/"actId":"[0-9a-f]{64}",?/g, ''));
    assert.match(shown[0] ?? '', /\["approveAnothers","trial",".*","who":"the-approver","meant":"1.3.0"\}\]/);
    assert.match(shown[1] ?? '', /\["approveAnothers","rollback",".*","who":"the-approver","meant":"r-1"\}\]/);
    assert.match(shown[2] ?? '', /"reason":"it smells","who":"the-operator","target":"1.0.0"\}\]/);
    assert.match(shown[3] ?? '', /startCycle.*"cause":"console: cycle start by the-operator"/);
    const { items } = await audit();
    assert.deepEqual(
      new Set(items.map(({ via, role }) => `${via} ${role}`)),
      new Set(['page approver', 'page operator']),
    );
    assert.ok(items.every(({ reason }) => reason === 'it smells'));
  });

  it('that a workflow refuses are 409 in its words, and stand as refused', async () => {
    const refusing: Steering = {
      ...steer,
      tellTrial: async () => {
        throw new ActError('no', 'it is <b>paused</b> already');
      },
    };
    app = await world.on({ steer: refusing });
    const answer = await post('/api/v1/trial/pause', why, tokens.operator);
    assert.deepEqual(
      [answer.status, typeOf(answer), messageOf(answer)],
      [409, 'refused', 'it is <b>paused</b> already'],
    );
    const { items } = await audit();
    assert.deepEqual([items[0]?.outcome, items[0]?.answer], ['refused', 'it is <b>paused</b> already']);
  });

  it('quarantine and release a robot, once, with who and why in its own log too', async () => {
    const { store } = world.ports;
    const quarantine = '/api/v1/robots/r1/quarantine';
    const key = newKey();
    for (let times = 0; times < 3; times += 1)
      assert.equal((await post(quarantine, { reason: 'it limps' }, tokens.operator, key)).status, 200);
    const last = (await readRobotLife(store, 'r1')).at(-1);
    assert.deepEqual([last?.isQuarantined, last?.who, last?.why], [true, 'the-operator', 'it limps']);
    assert.equal((await post('/api/v1/robots/r1/release', { reason: 'r' }, tokens.operator)).status, 403);
    const release = await Promise.all(
      [tokens.approver, tokens.admin].map((token) => post('/api/v1/robots/r1/release', { reason: 'it walks' }, token)),
    );
    assert.deepEqual(new Set(release.map(({ status }) => status)), new Set([200, 409]));
    assert.equal((await readRobotLife(store, 'r1')).filter(({ why: because }) => because === 'it walks').length, 1);
    assert.equal((await verifyAudit(store)).broken, null);
  });

  it('release a robot though the console ended before it wrote down that it did', async () => {
    const { store, clock } = world.ports;
    await quarantineRobot({ store, clock }, { robotId: 'r1', who: 't', why: 't' });
    const key = newKey();
    const reason = 'it walks again';
    const actId = createHash('sha256').update(`the-approver\n${key}`).digest('hex');
    const word = { actId, who: 'the-approver', role: 'approver', via: 'page', act: 'robot.release' } as const;
    const { policy: own } = (await readRobotLife(store, 'r1')).at(-1) ?? assert.fail('no robot');
    await recordAct({ store, clock }, { ...word, outcome: 'asked', policy: own, subject: 'r1', reason, answer: '' });
    await releaseRobot({ store, clock }, { robotId: 'r1', who: 'the-approver', why: reason });
    const answer = await post('/api/v1/robots/r1/release', { reason }, tokens.approver, key);
    assert.deepEqual(
      [answer.status, (answer.body as { answer?: string }).answer?.slice(0, 14)],
      [200, 'it is released'],
    );
  });

  it('of somebody who was removed while the page was open are refused at once', async () => {
    assert.equal((await ask(app, '/api/v1/me', tokens.operator)).status, 200);
    const { store, clock } = world.ports;
    await removeOperator({ store, clock }, { name: 'the-operator', who: 't', why: 't' });
    // No time passes: what was read lately would still let in.
    assert.equal((await ask(app, '/api/v1/me', tokens.operator)).status, 200);
    const answer = await post('/api/v1/trial/pause', why, tokens.operator);
    assert.deepEqual([answer.status, steer.told.length, await log()], [401, 0, []]);
  });

  it('are slower than questions: ten at once, then one in two seconds', async () => {
    const statuses = [];
    for (let times = 0; times < 12; times += 1)
      statuses.push((await post('/api/v1/trial/pause', why, tokens.operator)).status);
    assert.deepEqual(statuses, [...Array<number>(10).fill(200), 429, 429]);
    world.monotonicMs += 2_001;
    assert.equal((await post('/api/v1/trial/pause', why, tokens.operator)).status, 200);
  });

  it('are not done where they cannot be written down, but what protects is', async () => {
    const { store } = world.ports;
    const full: ObjectStore = {
      ...store,
      putIfAbsent: async (key, body) => {
        if (key.startsWith('audit/')) throw failure('StoreUnavailable', 'the disk is full');
        return store.putIfAbsent(key, body);
      },
    };
    app = await world.on({ steer, store: full });
    const approve = await post('/api/v1/trial/approve', { ...why, candidateVersion: '1.3.0' }, tokens.approver);
    assert.deepEqual([approve.status, typeOf(approve), steer.told.length], [503, 'storeUnavailable', 0]);
    assert.equal((await post('/api/v1/rollback', why, tokens.operator)).status, 200);
    assert.equal(steer.told.length, 1);
  });

  it('are read by whoever may read, in pages, by person, with the chain as it was checked', async () => {
    assert.deepEqual((await audit()).chain, { checkedAtMs: world.facts.nowMs, verifiedSeq: 0, broken: null });
    for (const role of ['operator', 'approver', 'admin'] as const) await post('/api/v1/trial/pause', why, tokens[role]);
    world.monotonicMs += 60_001;
    const { items, next, chain } = await audit('?limit=4');
    assert.deepEqual([items.length, next, chain?.verifiedSeq], [4, 3, 6]);
    assert.deepEqual(
      (await audit(`?before=${next}`)).items.map(({ who }) => who),
      ['the-operator', 'the-operator'],
    );
    assert.equal((await audit('?who=the-admin')).items.length, 2);
    assert.equal((await world.get('/api/v1/audit?limit=0', tokens.viewer)).status, 400);
    const { store } = world.ports;
    await store.delete(auditKeys.entry(2));
    world.monotonicMs += 60_001;
    const broken = await audit();
    assert.deepEqual([broken.chain?.verifiedSeq, broken.chain?.broken?.kind, broken.items.length], [1, 'missing', 5]);
    await store.put(auditKeys.entry(4), new Uint8Array([1]));
    assert.deepEqual((await audit()).damaged, [auditKeys.entry(4)]);
  });
});
