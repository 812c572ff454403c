import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose';

export const clientId = 'flywheel-console';
export const clientSecret = 'a secret of the client, thirty or so';

/** What goes otherwise than it should; each is something that a client must refuse. */
export type Fault = 'nonce' | 'audience' | 'issuer' | 'key' | 'expired' | 'none';

export interface TestProvider {
  readonly issuer: string;
  /** Who signs in next, as claims. */
  claims: Readonly<Record<string, unknown>>;
  fault: Fault;
  /** Token requests that were refused, with why. */
  readonly refused: string[];
  /** Signs in at the provider as a browser does; gives the address that it is sent back to. */
  visit(authorizationUrl: string): Promise<string>;
  close(): Promise<void>;
}

interface Grant {
  readonly challenge: string;
  readonly nonce: string;
  readonly redirectUri: string;
}

/**
 * A small OpenID provider with real keys: discovery, authorization code with PKCE, ID tokens signed by RS256. It checks what a provider must: client, secret,
 * redirect and verifier, and gives a code once.
 */
export async function openTestProvider(redirectUri: string): Promise<TestProvider> {
  const [keys, foreign] = [await generateKeyPair('RS256'), await generateKeyPair('RS256')];
  const jwk: JWK = { ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' };
  const grants = new Map<string, Grant>();
  const refused: string[] = [];
  const state = { claims: {} as Readonly<Record<string, unknown>>, fault: 'none' as Fault };
  let issuer = '';

  const idToken = ({ nonce }: Grant): Promise<string> => {
    const { fault } = state;
    const now = Math.floor(Date.now() / 1_000);
    return new SignJWT({ sub: 'u-1', ...state.claims, nonce: fault === 'nonce' ? 'another' : nonce })
      .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
      .setIssuer(fault === 'issuer' ? 'http://127.0.0.1:1' : issuer)
      .setAudience(fault === 'audience' ? 'another-client' : clientId)
      .setIssuedAt(fault === 'expired' ? now - 7_200 : now)
      .setExpirationTime(fault === 'expired' ? now - 3_600 : now + 300)
      .sign(fault === 'key' ? foreign.privateKey : keys.privateKey);
  };

  async function grantToken(request: IncomingMessage): Promise<readonly [number, object]> {
    const form = new URLSearchParams(await textOf(request));
    const code = form.get('code') ?? '';
    const grant = grants.get(code);
    grants.delete(code);
    const verifier = form.get('code_verifier') ?? '';
    const wrong =
      grant === undefined
        ? 'code'
        : form.get('client_id') !== clientId || form.get('client_secret') !== clientSecret
          ? 'client'
          : form.get('redirect_uri') !== grant.redirectUri
            ? 'redirect'
            : createHash('sha256').update(verifier).digest('base64url') !== grant.challenge
              ? 'verifier'
              : undefined;
    if (grant === undefined || wrong !== undefined) {
      refused.push(wrong ?? 'code');
      return [400, { error: 'invalid_grant' }];
    }
    return [200, { access_token: 'a', token_type: 'Bearer', expires_in: 300, id_token: await idToken(grant) }];
  }

  /** The person is signed in at the provider, and agrees. */
  const authorize = (authorizationUrl: string): string => {
    const { origin, pathname, searchParams: asked } = new URL(authorizationUrl);
    const expected = {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      code_challenge_method: 'S256',
    };
    if (origin !== issuer || pathname !== '/authorize')
      throw new Error(`expected the provider, got ${authorizationUrl}`);
    for (const [name, value] of Object.entries(expected))
      if (asked.get(name) !== value) throw new Error(`${name}: expected ${value}, got ${asked.get(name) ?? 'none'}`);
    const code = randomBytes(16).toString('base64url');
    const [challenge, nonce] = [asked.get('code_challenge') ?? '', asked.get('nonce') ?? ''];
    grants.set(code, { challenge, nonce, redirectUri });
    const back = new URLSearchParams({ code, state: asked.get('state') ?? '', iss: issuer });
    return `${redirectUri}?${back.toString()}`;
  };

  const server = createServer((request, response) => {
    if (request.url?.startsWith('/authorize?') === true)
      return void response.writeHead(302, { location: authorize(`${issuer}${request.url}`) }).end();
    void answer(request).then(([status, body]) => send(response, status, body));
  });
  async function answer(request: IncomingMessage): Promise<readonly [number, object]> {
    switch (new URL(request.url ?? '/', issuer).pathname) {
      case '/.well-known/openid-configuration':
        return [
          200,
          {
            issuer,
            authorization_endpoint: `${issuer}/authorize`,
            token_endpoint: `${issuer}/token`,
            jwks_uri: `${issuer}/keys`,
            response_types_supported: ['code'],
            subject_types_supported: ['public'],
            id_token_signing_alg_values_supported: ['RS256'],
            code_challenge_methods_supported: ['S256'],
          },
        ];
      case '/keys':
        return [200, { keys: [jwk] }];
      case '/token':
        return grantToken(request);
      default:
        return [404, {}];
    }
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    get issuer() {
      return issuer;
    },
    get claims() {
      return state.claims;
    },
    set claims(claims) {
      state.claims = claims;
    },
    get fault() {
      return state.fault;
    },
    set fault(fault) {
      state.fault = fault;
    },
    refused,
    visit: async (authorizationUrl) => authorize(authorizationUrl),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) text += String(part);
  return text;
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
