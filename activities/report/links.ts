import { pageUrl } from '../page-url.ts';
import { html, type Html } from './html.ts';

/** A text that leads to a page of the console, where it is known where that is; else the text alone. */
export type Link = (
  page: 'cycle' | 'models' | 'tasks' | 'robot',
  query: Readonly<Record<string, string>>,
  text: string,
) => Html | string;

/** Links of a report: to pages of its own policy. */
export const linkTo =
  ({ policy, consoleUrl }: { readonly policy: string; readonly consoleUrl: string | null }): Link =>
  (page, query, text) => {
    const url = pageUrl(consoleUrl, page, { policy, ...query });
    return url === undefined ? text : html`<a href="${url}">${text}</a>`;
  };
