import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Run {
  readonly id: string;
  readonly experiment: string;
  status: string;
  readonly tags: Map<string, string>;
  readonly params: Map<string, string>;
  readonly metrics: { key: string; value: number; step: number }[];
  readonly datasets: unknown[];
}
interface Version {
  readonly version: string;
  readonly runId: string;
  readonly source: string;
  readonly tags: readonly { key: string; value: string }[];
}

/** As much of an MLflow server as the mirror speaks to, answering as a real one does; `test/long/mlflow.test.ts` has the real one. */
export class FakeMlflow {
  readonly experiments = new Map<string, string>();
  readonly runs: Run[] = [];
  readonly artifacts = new Map<string, Buffer>();
  readonly models = new Map<string, Version[]>();
  readonly aliases = new Map<string, string>();
  readonly authorizations = new Set<string | undefined>();
  calls = 0;
  /** Answer of the next calls instead of the true one; the call may have done its work. */
  fails: (call: string, count: number) => 'before' | 'after' | number | undefined = () => undefined;
  #server: Server | undefined;

  async open(): Promise<string> {
    const server = createServer((request, response) => {
      void this.#serve(request, response);
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [status, body] = await this.#answer(request);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  }

  async #answer(request: IncomingMessage): Promise<[number, unknown]> {
    const url = new URL(request.url ?? '/', 'http://fake');
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const bytes = Buffer.concat(parts);
    const call = url.pathname.replace(/^\/api\/2\.0\/(mlflow\/)?/, '');
    this.authorizations.add(request.headers.authorization);
    this.calls += 1;
    const fails = this.fails(call, this.calls);
    if (typeof fails === 'number') return [fails, { error_code: 'INVALID_PARAMETER_VALUE', message: 'no' }];
    if (fails === 'before') return [503, {}];
    const answer = call.startsWith('mlflow-artifacts/')
      ? this.#keep(call, bytes)
      : this.#call(
          `${request.method} ${call}`,
          request.method === 'GET'
            ? Object.fromEntries(url.searchParams)
            : (JSON.parse(bytes.toString()) as Record<string, unknown>),
        );
    return fails === 'after' ? [503, {}] : answer;
  }

  #keep(path: string, bytes: Buffer): [number, unknown] {
    this.artifacts.set(decodeURIComponent(path.replace('mlflow-artifacts/artifacts/', '')), bytes);
    return [200, {}];
  }

  #call(call: string, body: Record<string, unknown>): [number, unknown] {
    const named = (key: string): string => String(body[key]);
    const run = this.runs.find(({ id }) => id === body['run_id']);
    const told = (key: string): { key: string; value: string }[] =>
      (body[key] ?? []) as { key: string; value: string }[];
    switch (call) {
      case 'GET experiments/get-by-name': {
        const id = this.experiments.get(named('experiment_name'));
        if (id === undefined) return [404, { error_code: 'RESOURCE_DOES_NOT_EXIST' }];
        return [200, { experiment: { experiment_id: id } }];
      }
      case 'POST experiments/create': {
        this.experiments.set(named('name'), String(this.experiments.size + 1));
        return [200, { experiment_id: String(this.experiments.size) }];
      }
      case 'POST runs/search': {
        const wanted = /= '(.*)'$/.exec(named('filter'))?.[1];
        const found = this.runs.filter(({ tags }) => tags.get('flywheel.key') === wanted).slice(0, 1);
        return [200, found.length === 0 ? {} : { runs: found.map((each) => this.#shown(each)) }];
      }
      case 'POST runs/create': {
        const made: Run = {
          id: `run${this.runs.length}`,
          experiment: named('experiment_id'),
          status: 'RUNNING',
          tags: new Map(told('tags').map(({ key, value }) => [key, value])),
          params: new Map(),
          metrics: [],
          datasets: [],
        };
        this.runs.push(made);
        return [200, { run: this.#shown(made) }];
      }
      case 'POST runs/log-batch': {
        if (run === undefined) return [404, { error_code: 'RESOURCE_DOES_NOT_EXIST' }];
        for (const { key, value } of told('params')) run.params.set(key, value);
        for (const { key, value } of told('tags')) run.tags.set(key, value);
        for (const metric of (body['metrics'] ?? []) as Run['metrics'])
          if (!run.metrics.some(({ key, step }) => key === metric.key && step === metric.step))
            run.metrics.push(metric);
        return [200, {}];
      }
      case 'POST runs/log-inputs':
        run?.datasets.push(body['datasets']);
        return [200, {}];
      case 'POST runs/set-tag':
        run?.tags.set(named('key'), named('value'));
        return [200, {}];
      case 'POST runs/update':
        if (run !== undefined) run.status = named('status');
        return [200, {}];
      case 'POST registered-models/create': {
        if (this.models.has(named('name'))) return [400, { error_code: 'RESOURCE_ALREADY_EXISTS' }];
        this.models.set(named('name'), []);
        return [200, {}];
      }
      case 'GET model-versions/search': {
        const wanted = /run_id = '(.*)'/.exec(named('filter'))?.[1];
        return [200, { model_versions: [...this.models.values()].flat().filter(({ runId }) => runId === wanted) }];
      }
      case 'POST model-versions/create': {
        const versions = this.models.get(named('name')) ?? [];
        const made: Version = {
          version: String(versions.length + 1),
          runId: named('run_id'),
          source: named('source'),
          tags: told('tags'),
        };
        versions.push(made);
        return [200, { model_version: made }];
      }
      case 'POST registered-models/alias':
        this.aliases.set(`${named('name')}@${named('alias')}`, named('version'));
        return [200, {}];
      case 'DELETE registered-models/alias':
        this.aliases.delete(`${named('name')}@${named('alias')}`);
        return [200, {}];
      default:
        return [404, { error_code: 'ENDPOINT_NOT_FOUND' }];
    }
  }

  #shown({ id, tags }: Run): unknown {
    return { info: { run_id: id }, data: { tags: [...tags].map(([key, value]) => ({ key, value })) } };
  }
}
