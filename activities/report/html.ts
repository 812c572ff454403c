/** Text that is HTML already; everything else is escaped. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Fragment = Html | string | number | null | undefined | false | readonly Fragment[];

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function textOf(fragment: Fragment): string {
  if (fragment instanceof Html) return fragment.text;
  if (fragment === null || fragment === undefined || fragment === false) return '';
  if (typeof fragment === 'object') return fragment.map(textOf).join('');
  return String(fragment).replaceAll(/[&<>"']/g, (character) => escapes[character] ?? '');
}

/** Template tag: every value is escaped unless it is Html; lists are joined; null, undefined and false are nothing. */
export const html = (strings: TemplateStringsArray, ...values: readonly Fragment[]): Html =>
  new Html(strings.map((text, index) => text + textOf(values[index])).join(''));
