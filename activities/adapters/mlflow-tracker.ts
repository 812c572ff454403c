import { createHash } from 'node:crypto';

import { z } from 'zod';

import { failure } from '../../store/failures.ts';
import type { RunTracker, TrackedRun, TrackedVersion } from '../ports/run-tracker.ts';

export interface MlflowOptions {
  /** Of the tracking server, e.g. `https://mlflow.example`. */
  readonly url: string;
  /** Sent as a bearer token; never logged. */
  readonly token?: string;
  readonly timeoutMs?: number;
}

const defaultTimeoutMs = 30_000;
const mostAnswerBytes = 4 * 1024 ** 2;
/** Limits of one `runs/log-batch`: https://mlflow.org/docs/latest/api_reference/rest-api.html#log-batch */
const [mostMetrics, mostParameters, mostTags] = [1_000, 100, 100];
const [longestParameter, longestTag, longestName] = [6_000, 5_000, 250];
const keyTag = 'flywheel.key';
const doneTag = 'flywheel.isComplete';
const versionTag = 'flywheel.version';

const runSchema = z.looseObject({
  info: z.looseObject({ run_id: z.string() }),
  data: z.looseObject({ tags: z.array(z.looseObject({ key: z.string(), value: z.string() })).default([]) }).optional(),
});
const versionSchema = z.looseObject({
  version: z.coerce.string(),
  tags: z.array(z.looseObject({ key: z.string(), value: z.string() })).default([]),
});

/** Tells runs, versions and aliases to an MLflow tracking server by its REST API, version 2.0, with Node's own fetch. */
export function mlflowTracker(options: MlflowOptions): RunTracker {
  const ask = caller(options);
  return {
    address: new URL(options.url).origin + new URL(options.url).pathname,
    async putRun(run) {
      const experimentId = await experimentOf(ask, run.experiment);
      const known = await findRun(ask, experimentId, run.key);
      if (known?.data?.tags.some(({ key }) => key === doneTag) === true) return known.info.run_id;
      const runId = known?.info.run_id ?? (await createRun(ask, experimentId, run));
      await log(ask, runId, run);
      for (const { path, bytes } of run.artifacts) await ask.put(`${experimentId}/${runId}/artifacts/${path}`, bytes);
      const status = run.isFailed ? 'FAILED' : 'FINISHED';
      await ask('POST', 'runs/update', { run_id: runId, status, end_time: run.endedMs });
      await ask('POST', 'runs/set-tag', { run_id: runId, key: doneTag, value: 'true' });
      return runId;
    },
    putVersion: (version) => putVersion(ask, version),
    async setAlias(model, alias, number) {
      const named = { name: model, alias };
      if (number === undefined) await ask('DELETE', 'registered-models/alias', named, { or404: true });
      else await ask('POST', 'registered-models/alias', { ...named, version: number });
    },
  };
}

async function experimentOf(ask: Ask, name: string): Promise<string> {
  const found = await ask('GET', 'experiments/get-by-name', { experiment_name: name }, { or404: true });
  const made = found ?? (await ask('POST', 'experiments/create', { name }, { orExists: true }));
  const answer = made ?? (await ask('GET', 'experiments/get-by-name', { experiment_name: name }));
  const parsed = z
    .union([
      z.looseObject({ experiment_id: z.string() }),
      z.looseObject({ experiment: z.looseObject({ experiment_id: z.string() }) }).transform((one) => one.experiment),
    ])
    .parse(answer);
  return parsed.experiment_id;
}

async function findRun(ask: Ask, experimentId: string, key: string): Promise<z.infer<typeof runSchema> | undefined> {
  const answer = await ask('POST', 'runs/search', {
    experiment_ids: [experimentId],
    filter: `tags.\`${keyTag}\` = '${digestOf(key)}'`,
    max_results: 1,
  });
  return z.looseObject({ runs: z.array(runSchema).default([]) }).parse(answer).runs[0];
}

async function createRun(ask: Ask, experimentId: string, run: TrackedRun): Promise<string> {
  const answer = await ask('POST', 'runs/create', {
    experiment_id: experimentId,
    run_name: cut(run.name, longestName),
    start_time: run.startedMs,
    tags: [{ key: keyTag, value: digestOf(run.key) }],
  });
  return z.looseObject({ run: runSchema }).parse(answer).run.info.run_id;
}

async function log(ask: Ask, runId: string, run: TrackedRun): Promise<void> {
  const batch = (part: Record<string, unknown>) => ask('POST', 'runs/log-batch', { run_id: runId, ...part });
  const timestamp = run.endedMs;
  const metrics = run.metrics
    .filter(({ value }) => Number.isFinite(value))
    .map(({ name, value, step }) => ({ key: nameOf(name), value, step, timestamp }));
  for (const part of inParts(metrics, mostMetrics)) await batch({ metrics: part });
  for (const part of inParts(pairsOf(run.parameters, longestParameter), mostParameters)) await batch({ params: part });
  for (const part of inParts(pairsOf(run.tags, longestTag), mostTags)) await batch({ tags: part });
  if (run.datasets.length > 0)
    await ask('POST', 'runs/log-inputs', {
      run_id: runId,
      datasets: run.datasets.map(({ name, digest, context }) => ({
        dataset: { name, digest: digest.slice(0, 36), source_type: 'flywheel', source: digest },
        tags: [{ key: 'mlflow.data.context', value: context }],
      })),
    });
}

async function putVersion(ask: Ask, of: TrackedVersion): Promise<string> {
  await ask('POST', 'registered-models/create', { name: of.model }, { orExists: true });
  let token: string | undefined;
  do {
    const page = z
      .looseObject({ model_versions: z.array(versionSchema).default([]), next_page_token: z.string().optional() })
      .parse(
        await ask('GET', 'model-versions/search', {
          filter: `run_id = '${of.runId.replaceAll(/[^0-9a-zA-Z-]/g, '')}'`,
          max_results: '200',
          ...(token === undefined ? {} : { page_token: token }),
        }),
      );
    const found = page.model_versions.find(({ tags }) =>
      tags.some(({ key, value }) => key === versionTag && value === of.version),
    );
    if (found !== undefined) return found.version;
    token = page.next_page_token === '' ? undefined : page.next_page_token;
  } while (token !== undefined);
  const answer = await ask('POST', 'model-versions/create', {
    name: of.model,
    source: `runs:/${of.runId}/${of.artifactFolder}`,
    run_id: of.runId,
    description: of.description,
    tags: [{ key: versionTag, value: of.version }, ...pairsOf(of.tags, longestTag)],
  });
  return z.looseObject({ model_version: versionSchema }).parse(answer).model_version.version;
}

type Ask = ReturnType<typeof caller>;
interface Allowed {
  /** Gives undefined for what is not there. */
  readonly or404?: boolean;
  /** Gives undefined for what is there already. */
  readonly orExists?: boolean;
}

function caller({ url, token, timeoutMs = defaultTimeoutMs }: MlflowOptions) {
  const base = url.replace(/\/+$/, '');
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  async function send(target: string, init: RequestInit, does: string, allowed: Allowed = {}): Promise<unknown> {
    const coordinates = { host: new URL(url).host, call: does };
    let response: Response;
    let text: string;
    try {
      response = await fetch(target, { ...init, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
      text = await boundedText(response);
    } catch (cause) {
      throw failure('TrackerUnavailable', 'expected an answer of MLflow, got none', { cause, coordinates });
    }
    if (response.ok) return parsed(text);
    const code = z.looseObject({ error_code: z.string() }).safeParse(parsed(text)).data?.error_code;
    if (allowed.or404 === true && response.status === 404) return undefined;
    if (allowed.orExists === true && code === 'RESOURCE_ALREADY_EXISTS') return undefined;
    const told = `expected a 2xx answer of MLflow, got ${response.status}${code === undefined ? '' : ` ${code.slice(0, 60)}`}`;
    const isPassing = [408, 425, 429].includes(response.status) || response.status >= 500;
    throw failure(isPassing ? 'TrackerUnavailable' : 'TrackerRefused', told, { coordinates });
  }
  const call = (method: 'GET' | 'POST' | 'DELETE', name: string, body: Record<string, unknown>, allowed?: Allowed) => {
    const query = method === 'GET' ? `?${new URLSearchParams(body as Record<string, string>).toString()}` : '';
    const init: RequestInit =
      method === 'GET'
        ? { headers: authorization }
        : { method, headers: { 'content-type': 'application/json', ...authorization }, body: JSON.stringify(body) };
    return send(`${base}/api/2.0/mlflow/${name}${query}`, init, name, allowed);
  };
  return Object.assign(call, {
    put: (path: string, bytes: Uint8Array) =>
      send(
        `${base}/api/2.0/mlflow-artifacts/artifacts/${path.split('/').map(encodeURIComponent).join('/')}`,
        {
          method: 'PUT',
          headers: { 'content-type': 'application/octet-stream', ...authorization },
          body: Buffer.from(bytes),
        },
        'artifacts',
      ),
  });
}

async function boundedText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > mostAnswerBytes) throw new Error(`an answer of more than ${mostAnswerBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return text === '' ? {} : (JSON.parse(text) as unknown);
  } catch {
    return {};
  }
}

/** A key may be any text; a filter takes this one. */
const digestOf = (key: string): string => createHash('sha256').update(key).digest('hex');
/** MLflow takes letters, digits, `_`, `-`, `.`, `/` and spaces. */
const nameOf = (text: string): string => cut(text.replaceAll(/[^\w\-./ ]/g, '_'), longestName);
const cut = (text: string, length: number): string => text.slice(0, length);
const pairsOf = (values: ReadonlyMap<string, string>, longest: number) =>
  [...values].map(([key, value]) => ({ key: nameOf(key), value: cut(value, longest) }));

function* inParts<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
