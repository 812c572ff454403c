import { h, type ComponentChild } from 'preact';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';

import type { ActAnswer } from '../console/answers/acts.ts';
import type { PoliciesAnswer } from '../console/answers/fleet.ts';
import type { MeAnswer, SignInAnswer } from '../console/answers/me.ts';
import { ActDialog } from './act-dialog.ts';
import type { OfferedAct } from './acts.ts';
import { ask } from './ask.ts';
import { listen } from './change-stream.ts';
import { inMenu, screens } from './page-list.ts';
import { passOf, type Pass } from './pass.ts';
import { loginPage } from './pages/login.ts';
import type { Answer, Problem } from './reading.ts';
import { apiPath, hrefOf, parseRoute, type PageName, type Route } from './route.ts';
import { shownOf, stateBox } from './states.ts';
import { useReading, type Session } from './use-reading.ts';

/** Kept for this tab alone, and gone with it. */
const tokenKey = 'flywheel.token';

/** A session of this browser, before it is known what goes with its acts. */
const browserPass: Pass = { csrf: '' };

/** The whole dashboard: who is not let in is asked for a token, or to sign in by the identity provider where there is one. */
export function App(): ComponentChild {
  const [pass, setPass] = useState<Pass | null>(() => sessionStorage.getItem(tokenKey));
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isAsking, setAsking] = useState(false);
  const offer = useProvider(pass, setPass);
  const signOut = useCallback(
    (why: Problem | null) => {
      sessionStorage.removeItem(tokenKey);
      setProblem(why);
      if (pass === null || typeof pass === 'string' || why !== null) return setPass(null);
      // Only the console can take the cookie away.
      const { headers, credentials } = passOf(pass);
      const done = fetch('/auth/sign-out', { method: 'POST', headers, credentials }).catch(() => undefined);
      void done.then(() => setPass(null));
    },
    [pass],
  );
  useEffect(() => {
    // A page that is loaded does it by itself; one from which somebody signed out does not.
    if (pass === null) document.querySelector<HTMLInputElement>('.login input')?.focus();
  }, [pass]);
  const signIn = async (given: string): Promise<void> => {
    setAsking(true);
    setProblem(null);
    const answer = await ask<MeAnswer>(apiPath('me'), given, new AbortController().signal);
    setAsking(false);
    if (answer.kind !== 'read') return setProblem(answer);
    sessionStorage.setItem(tokenKey, given);
    setPass(given);
  };
  if (pass === null) return loginPage({ problem, isAsking, offer, onToken: (given) => void signIn(given) });
  return h(SignedIn, { token: pass, onSignOut: signOut, key: typeof pass === 'string' ? pass : pass.csrf });
}

/** What the button of the identity provider says; null: there is none. Who has a session of it already is let in. */
function useProvider(pass: Pass | null, onPass: (pass: Pass) => void): string | null {
  const [offer, setOffer] = useState<string | null>(null);
  useEffect(() => {
    if (pass !== null) return;
    const end = new AbortController();
    const look = async (): Promise<void> => {
      const offered = await ask<SignInAnswer>(apiPath('sign-in'), browserPass, end.signal);
      if (offered.kind !== 'read' || offered.data.oidc === null) return;
      setOffer(offered.data.oidc.label);
      const me = await ask<MeAnswer>(apiPath('me'), browserPass, end.signal);
      if (me.kind === 'read' && me.data.csrf !== null) onPass({ csrf: me.data.csrf });
    };
    look().catch(() => undefined);
    return () => end.abort();
  }, [pass, onPass]);
  return offer;
}

function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const read = (): void => setRoute(parseRoute(location.hash));
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }, []);
  return route;
}

/** Goes on by itself, so that ages are true. */
function useNow(): number {
  const [nowMs, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}

interface SignedInProps {
  readonly token: Pass;
  readonly onSignOut: (why: Problem | null) => void;
}

function SignedIn({ token, onSignOut }: SignedInProps): ComponentChild {
  const listeners = useMemo(() => new Set<(topic: string) => void>(), []);
  const session = useMemo<Session>(
    () => ({
      token,
      onRefused: () => onSignOut({ kind: 'refused', type: 'unauthenticated', message: 'you are no longer signed in' }),
      onTopic: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      tell: (topic) => {
        for (const listener of listeners) listener(topic);
      },
    }),
    [token, onSignOut, listeners],
  );
  const route = useRoute();
  const nowMs = useNow();
  const policies = useReading<PoliciesAnswer>(session, apiPath('policies'), 'policies', '');
  const me = useReading<MeAnswer>(session, apiPath('me'), 'me', '');
  const policy = route.query['policy'] ?? policies.data?.policies[0]?.policy;
  const isLinked = useLink(token, policy, listeners);
  const { page } = route;
  const otherwise = shownOf(policies, nowMs, 'policies', () =>
    stateBox('empty', 'There is no policy yet. Registering a baseline model makes one.'),
  );
  const who = me.data === null ? '' : `${me.data.name}, ${me.data.role}`;
  return h('div', null, [
    h('a', { class: 'skip', href: '#main', onClick: toMain }, 'To the content'),
    h('header', null, [
      h('strong', { class: 'brand' }, 'Flywheel'),
      menu(page, policy),
      policyChoice(policies.data, policy, page ?? 'fleet'),
      h(
        'span',
        { class: `link ${isLinked ? 'is-linked' : 'is-away'}`, role: 'status' },
        isLinked ? '● live' : '◌ not live: reads every 30 s',
      ),
      h('span', { class: 'who' }, who),
      h('button', { type: 'button', onClick: () => onSignOut(null) }, 'Sign out'),
    ]),
    h(Content, { route, policy, session, nowMs, otherwise, viewer: me.data, key: `${page} ${policy}` }),
  ]);
}

/** A link within the page would change the route. */
function toMain(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function useLink(token: Pass, policy: string | undefined, listeners: ReadonlySet<(topic: string) => void>): boolean {
  const [isLinked, setLinked] = useState(false);
  useEffect(() => {
    if (policy === undefined) return;
    const end = new AbortController();
    const onChange = ({ topic }: { readonly topic: string }): void => {
      for (const listener of listeners) listener(topic);
    };
    const onLink = (is: boolean): void => {
      if (!end.signal.aborted) setLinked(is);
    };
    void listen({ path: apiPath('events', { policy }), token, signal: end.signal, onChange, onLink });
    return () => end.abort();
  }, [token, policy, listeners]);
  return isLinked;
}

interface ContentProps {
  readonly route: Route;
  readonly policy: string | undefined;
  readonly session: Session;
  readonly nowMs: number;
  /** Who looks; null: it is not known yet. */
  readonly viewer: MeAnswer | null;
  /** How the list of policies stands, where there is none to show anything of. */
  readonly otherwise: ComponentChild;
}

function Content({ route, policy, session, nowMs, viewer, otherwise }: ContentProps): ComponentChild {
  const [act, onAct] = useState<OfferedAct | null>(null);
  const wasAnswered = useRef(false);
  const onClose = (): void => {
    onAct(null);
    // The button that began it may be gone by then.
    if (wasAnswered.current) heading.current?.focus();
    wasAnswered.current = false;
  };
  const heading = useRef<HTMLHeadingElement>(null);
  const { page, query } = route;
  const [title, screen] = page === null ? ['No such page'] : screens[page];
  const name = page === 'robot' || page === 'episode' ? `${title} ${query['id'] ?? ''}` : title;
  useEffect(() => {
    document.title = `${name} · Flywheel`;
    heading.current?.focus();
  }, [name]);
  const onFilter = (change: Readonly<Record<string, string>>): void => {
    // Another filter begins at the first robots; no step back for each key that is typed.
    const { after: _, offset: __, ...rest } = query;
    history.replaceState(
      null,
      '',
      hrefOf(page ?? 'fleet', { ...rest, ...(policy === undefined ? {} : { policy }), ...change }),
    );
    dispatchEvent(new HashChangeEvent('hashchange'));
  };
  return h('main', { id: 'main', tabIndex: -1 }, [
    h('h1', { ref: heading, tabIndex: -1 }, name),
    screen === undefined
      ? stateBox('empty', 'There is no page of this name. The menu has those that there are.')
      : policy === undefined
        ? otherwise
        : h(screen, { session, policy, query, nowMs, onFilter, acting: { viewer, onAct } }),
    act === null
      ? null
      : h(ActDialog, {
          act,
          session,
          onAnswer: (answer) => {
            wasAnswered.current = true;
            hear(session, answer);
          },
          onClose,
          key: act,
        }),
  ]);
}

/** What workflows change after they answered shows a moment later. */
const settledMs = 2_000;

function hear(session: Session, answer: Answer<ActAnswer>): void {
  if (answer.kind === 'refused' && answer.type === 'unauthenticated') return session.onRefused();
  const tell = (): void => {
    for (const topic of ['fleet', 'incidents', 'models', 'cycles', 'data', 'labels', 'audit']) session.tell(topic);
  };
  tell();
  setTimeout(tell, settledMs);
}

const menu = (page: PageName | null, policy: string | undefined): ComponentChild =>
  h(
    'nav',
    { 'aria-label': 'Pages' },
    h(
      'ul',
      null,
      inMenu.map((name) =>
        h('li', { key: name }, [
          h(
            'a',
            { href: hrefOf(name, { policy }), 'aria-current': name === page ? 'page' : undefined },
            screens[name][0],
          ),
        ]),
      ),
    ),
  );

function policyChoice(data: PoliciesAnswer | null, policy: string | undefined, page: PageName): ComponentChild {
  const names = [
    ...new Set([...(data?.policies.map((one) => one.policy) ?? []), ...(policy === undefined ? [] : [policy])]),
  ];
  return h('label', { class: 'policy' }, [
    'Policy',
    h(
      'select',
      {
        value: policy ?? '',
        onChange: (event: { currentTarget: { value: string } }) => {
          location.hash = hrefOf(inMenu.includes(page) ? page : 'fleet', { policy: event.currentTarget.value });
        },
      },
      names.map((name) => h('option', { value: name, key: name, selected: name === policy }, name)),
    ),
  ]);
}
