import { h, type ComponentChild } from 'preact';

import { stateBox } from '../states.ts';
import type { Problem } from '../reading.ts';

interface LoginPage {
  /** Why the last token was not taken; null: none was tried, or it is being tried. */
  readonly problem: Problem | null;
  readonly isAsking: boolean;
  /** What the button of the identity provider says; null: there is none. */
  readonly offer: string | null;
  readonly onToken: (token: string) => void;
}

const fieldName = 'token';

/** Asks for a token. */
export const loginPage = ({ problem, isAsking, offer, onToken }: LoginPage): ComponentChild =>
  h('main', { class: 'login', id: 'main' }, [
    h('h1', null, 'Flywheel console'),
    offer === null ? null : h('p', null, h('a', { class: 'provider', href: '/auth/sign-in' }, offer)),
    h(
      'form',
      {
        onSubmit: (event: Event & { currentTarget: HTMLFormElement }) => {
          event.preventDefault();
          const token = new FormData(event.currentTarget).get(fieldName);
          if (typeof token === 'string' && token.trim() !== '') onToken(token.trim());
        },
      },
      [
        h('label', null, [
          'Operator’s token',
          h('input', {
            name: fieldName,
            type: 'password',
            autoComplete: 'current-password',
            required: true,
            maxLength: 200,
            spellcheck: false,
            autoFocus: true,
          }),
        ]),
        h('button', { type: 'submit', disabled: isAsking }, isAsking ? 'Asking …' : 'Sign in'),
      ],
    ),
    h('p', { class: 'hint' }, [
      'The token is kept in this tab alone, until it is closed or you sign out. An administrator makes one with: ',
      h('code', null, 'npm run flywheel -- operators add NAME --role viewer --reason WHY'),
    ]),
    problem === null ? null : refusal(problem),
  ]);

function refusal(problem: Problem): ComponentChild {
  if (problem.kind === 'gone') return stateBox('gone', 'Is it running? Try again in a moment.');
  if (problem.type === 'unauthenticated') return stateBox('forbidden', 'Nobody has this token, or it was taken away.');
  return stateBox('refused', problem.message);
}
