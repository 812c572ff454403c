/**
 * The address of a page of the console, of a policy; undefined where nobody says where the console is, or not as an address of the web.
 *
 * pageUrl('https://c.example', 'cycle', { policy: 'wall', id: 'c1' }) → 'https://c.example/#/cycle?policy=wall&id=c1'
 */
export const pageUrl = (
  consoleUrl: string | null | undefined,
  page: string,
  query: Readonly<Record<string, string>>,
): string | undefined =>
  consoleUrl === null || consoleUrl === undefined || !/^https?:\/\//.test(consoleUrl)
    ? undefined
    : `${consoleUrl}/#/${page}?${new URLSearchParams(query).toString()}`;
