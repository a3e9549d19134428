// Another implementation of SD-JWT VC and of status lists, by npm's @sd-jwt: holder, verifier and issuer.
//
//   node sd_jwt.mjs '{"do": "verify", "text": …, "jwk": …, "lists": {URI: TOKEN}, "nonce": …}'
//   node sd_jwt.mjs '{"do": "present", "text": …, "holder": PRIVATE JWK, "show": {…}, "aud": …, "nonce": …}'
//   node sd_jwt.mjs '{"do": "issue", "claims": {…}, "hide": […], "issuer": PRIVATE JWK, "kid": …}'
//   node sd_jwt.mjs '{"do": "status", "statuses": […], "bits": 2, "issuer": PRIVATE JWK, "kid": …, "claims": {…}}'
//
// Prints one line of JSON: what came of it, or {"error": …}.
import { digest, ES256, generateSalt } from "@sd-jwt/crypto-nodejs";
import { createHeaderAndPayload, StatusList } from "@sd-jwt/jwt-status-list";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";

const asked = JSON.parse(process.argv[2]);
const base = { hasher: digest, hashAlg: "sha-256", saltGenerator: generateSalt, signAlg: "ES256", kbSignAlg: "ES256" };

async function verify() {
  const verifier = await ES256.getVerifier(asked.jwk);
  const sdjwt = new SDJwtVcInstance({
    ...base,
    verifier,
    kbVerifier: async (data, signature, payload) => (await ES256.getVerifier(payload.cnf.jwk))(data, signature),
    statusListFetcher: async (uri) => asked.lists[uri],
  });
  const options = asked.nonce ? { keyBindingNonce: asked.nonce } : {};
  const { payload, kb } = await sdjwt.verify(asked.text, options);
  return { payload, kb: kb?.payload ?? null };
}

async function present() {
  const sdjwt = new SDJwtVcInstance({ ...base, kbSigner: await ES256.getSigner(asked.holder) });
  const payload = { iat: Math.floor(Date.now() / 1000), aud: asked.aud, nonce: asked.nonce, ...asked.more };
  return { text: await sdjwt.present(asked.text, asked.show, { kb: { payload } }) };
}

async function issue() {
  const sdjwt = new SDJwtVcInstance({ ...base, signer: await ES256.getSigner(asked.issuer) });
  return { text: await sdjwt.issue(asked.claims, { _sd: asked.hide, _sd_decoy: 2 }, { header: { kid: asked.kid } }) };
}

async function status() {
  const list = new StatusList(asked.statuses, asked.bits);
  const header = { alg: "ES256", typ: "statuslist+jwt", kid: asked.kid };
  const made = createHeaderAndPayload(list, asked.claims, header);
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const data = `${encode(made.header)}.${encode(made.payload)}`;
  return { text: `${data}.${await (await ES256.getSigner(asked.issuer))(data)}` };
}

try {
  console.log(JSON.stringify(await { verify, present, issue, status }[asked.do]()));
} catch (error) {
  console.log(JSON.stringify({ error: String(error.message) }));
}
