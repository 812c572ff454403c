export const pageNames = [
  'fleet',
  'incidents',
  'trial',
  'cycle',
  'models',
  'data',
  'labels',
  'tasks',
  'metrics',
  'audit',
  'robot',
  'episodes',
  'episode',
] as const;
export type PageName = (typeof pageNames)[number];

/** Where a viewer is: stands behind the `#` of the address, so that a link can be sent and a page loaded again. */
export interface Route {
  /** null: there is no such page. */
  readonly page: PageName | null;
  readonly query: Readonly<Record<string, string>>;
}

const longestValue = 200;

export function parseRoute(hash: string): Route {
  const [name = '', query = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  const page = name === '' ? 'fleet' : pageNames.find((known) => known === name);
  const entries = [...new URLSearchParams(query)].map(([key, value]) => [key, value.slice(0, longestValue)] as const);
  return { page: page ?? null, query: Object.fromEntries(entries) };
}

/** The address of a page; what is undefined or empty is left out. */
export function hrefOf(page: PageName, query: Readonly<Record<string, string | undefined>>): string {
  const text = queryText(query);
  return `#/${page}${text === '' ? '' : `?${text}`}`;
}

/** The path of the API with a question. */
export function apiPath(path: string, query: Readonly<Record<string, string | undefined>> = {}): string {
  const text = queryText(query);
  return `/api/v1/${path}${text === '' ? '' : `?${text}`}`;
}

const queryText = (query: Readonly<Record<string, string | undefined>>): string =>
  new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value]])),
  ).toString();
