// oidc-provider with what a sign-in at a node's own provider has: ES256, PAR, private_key_jwt, DPoP, PKCE.
//
//   node _oidc_provider.mjs '{"key": {…}, "clients": […]}'     prints {"issuer": …} once it listens
//
// Its state is in a Map. People sign in and agree by themselves; `login_hint` says who they are.
import http from "node:http";
import Provider from "oidc-provider";

const settings = JSON.parse(process.argv[2]);
const rows = new Map();
class InMemory {
  constructor(model) {
    this.model = model;
  }
  async upsert(id, payload) {
    rows.set(`${this.model}:${id}`, payload);
    if (payload.uid) rows.set(`${this.model}:uid:${payload.uid}`, id);
  }
  async find(id) {
    return rows.get(`${this.model}:${id}`);
  }
  async findByUid(uid) {
    return this.find(rows.get(`${this.model}:uid:${uid}`));
  }
  async consume(id) {
    rows.get(`${this.model}:${id}`).consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    rows.delete(`${this.model}:${id}`);
  }
  async revokeByGrantId() {}
}

const server = http.createServer({ keepAliveTimeout: 600_000 });
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    adapter: InMemory,
    clients: settings.clients,
    jwks: { keys: [settings.key] },
    acrValues: ["urn:gba:loa:3"],
    claims: { openid: ["sub"], profile: ["name", "birthdate"], acr: null, amr: null, auth_time: null, sid: null },
    scopes: ["openid", "profile"],
    cookies: { keys: ["of a benchmark alone"] },
    clientAuthMethods: ["none", "private_key_jwt"],
    enabledJWA: {
      clientAuthSigningAlgValues: ["ES256"],
      idTokenSigningAlgValues: ["ES256"],
      dPoPSigningAlgValues: ["ES256"],
    },
    features: {
      devInteractions: { enabled: false },
      pushedAuthorizationRequests: { enabled: true },
      dPoP: { enabled: true },
    },
    pkce: { required: () => true },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: async (_ctx, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, name: "LEE Ka Yan", birthdate: "1988-04-12" }),
    }),
    ttl: { AccessToken: 300, AuthorizationCode: 60, IdToken: 300, Grant: 3600, Session: 3600, Interaction: 3600 },
  });
  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith("/interaction/")) return next();
    const { params, prompt, session } = await provider.interactionDetails(ctx.req, ctx.res);
    let result;
    if (prompt.name === "login") {
      result = { login: { accountId: params.login_hint, acr: "urn:gba:loa:3", amr: ["pwd", "otp"] } };
    } else {
      const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
      grant.addOIDCScope("openid profile");
      result = { consent: { grantId: await grant.save() } };
    }
    await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
  });
  server.on("request", provider.callback());
  console.log(JSON.stringify({ issuer }));
});
