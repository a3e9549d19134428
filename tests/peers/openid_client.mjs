// A service's software on openid-client, a certified relying party: signs somebody in at a provider.
//
//   node openid_client.mjs '{"issuer": …, "client_id": …, "redirect_uri": …, "key": {…}, "pushed": true, …}'
//
// Prints {"url": …}, to which the person goes; reads the address that they come back to as one line; prints what
// the ID token and the userinfo endpoint said, and where signing out begins.
import { createInterface } from "node:readline";
import * as client from "openid-client";

const settings = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const algorithm = { name: "ECDSA", namedCurve: "P-256" };
const authentication = settings.key
  ? client.PrivateKeyJwt({
      key: await crypto.subtle.importKey("jwk", settings.key, algorithm, false, ["sign"]),
      kid: settings.key.kid,
    })
  : client.None();
const provider = await client.discovery(
  new URL(settings.issuer),
  settings.client_id,
  { id_token_signed_response_alg: "ES256", ...settings.metadata },
  authentication,
  { execute: [client.allowInsecureRequests] },
);

const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();
const proven = settings.pushed
  ? { DPoP: client.getDPoPHandle(provider, await client.randomDPoPKeyPair("ES256")) }
  : undefined;
const parameters = {
  redirect_uri: settings.redirect_uri,
  scope: settings.scope ?? "openid profile",
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
  nonce,
  ...settings.parameters,
};
const url = settings.pushed
  ? await client.buildAuthorizationUrlWithPAR(provider, parameters, proven)
  : client.buildAuthorizationUrl(provider, parameters);
say({ url: url.href });

const back = new URL((await lines.next()).value);
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
const tokens = await client.authorizationCodeGrant(provider, back, checks, undefined, proven);
const claims = tokens.claims();
const userinfo = await client.fetchUserInfo(provider, tokens.access_token, claims.sub, proven);
const leave = client.buildEndSessionUrl(provider, {
  id_token_hint: tokens.id_token,
  post_logout_redirect_uri: settings.post_logout_redirect_uri,
  state,
});
say({ token_type: tokens.token_type, claims, userinfo, leave: leave.href, state });
process.exit(0);
