import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretPost,
  discovery,
  enableNonRepudiationChecks,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  type Configuration,
} from 'openid-client';

import type { OidcSettings } from './settings.ts';

/** What is kept of a sign-in while the person is at the provider. */
export interface SignIn {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** An identity provider, by OpenID Connect: authorization code with PKCE. https://github.com/panva/openid-client */
export interface IdentityProvider {
  begin(): Promise<{ readonly url: string; readonly signIn: SignIn }>;
  /** The claims of the ID token; throws where the answer is not the one to this sign-in, or the token is not the provider's for this client. */
  finish(callback: URL, signIn: SignIn): Promise<Readonly<Record<string, unknown>>>;
}

const answerWithinS = 10;

export function openIdentityProvider(settings: OidcSettings): IdentityProvider {
  const { issuer, clientId, clientSecret, publicUrl, scope } = settings;
  const redirectUri = `${publicUrl}/auth/callback`;
  let known: Promise<Configuration> | undefined;
  const configuration = (): Promise<Configuration> => {
    known ??= discovery(
      new URL(issuer),
      clientId,
      undefined,
      clientSecret === undefined ? None() : ClientSecretPost(clientSecret),
      {
        timeout: answerWithinS,
        // Without it a token that came by TLS is taken unchecked.
        execute: [enableNonRepudiationChecks, ...(issuer.startsWith('http:') ? [allowInsecureRequests] : [])],
      },
    ).catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
  return {
    begin: async () => {
      const signIn = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() };
      const url = buildAuthorizationUrl(await configuration(), {
        redirect_uri: redirectUri,
        scope,
        state: signIn.state,
        nonce: signIn.nonce,
        code_challenge: await calculatePKCECodeChallenge(signIn.verifier),
        code_challenge_method: 'S256',
      });
      return { url: url.href, signIn };
    },
    finish: async (callback, { state, nonce, verifier }) => {
      const tokens = await authorizationCodeGrant(await configuration(), callback, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      });
      return { ...tokens.claims() };
    },
  };
}
