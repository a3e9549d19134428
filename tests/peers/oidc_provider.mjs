// An OpenID provider to test against: oidc-provider on loopback, whose people sign in by themselves.
//
//   node oidc_provider.mjs '{"port": 0, "clients": […], "keys": {"keys": […]}, "pushed": true, …}'
//
// Prints one line, {"issuer": …}, once it listens. `login_hint` chooses the person, else it is "officer-1";
// people and what is claimed of them come with the settings.
import http from "node:http";
import Provider from "oidc-provider";

const settings = JSON.parse(process.argv[2]);
const people = settings.people ?? {};

// Everything in one Map: this provider lives as long as a test.
const rows = new Map();
class InMemory {
  constructor(model) {
    this.model = model;
  }
  #key(id) {
    return `${this.model}:${id}`;
  }
  async upsert(id, payload) {
    rows.set(this.#key(id), payload);
  }
  async find(id) {
    return rows.get(this.#key(id));
  }
  async findByUid(uid) {
    return this.#by("uid", uid);
  }
  async findByUserCode(code) {
    return this.#by("userCode", code);
  }
  #by(name, value) {
    for (const [key, row] of rows) if (key.startsWith(`${this.model}:`) && row[name] === value) return row;
    return undefined;
  }
  async consume(id) {
    rows.get(this.#key(id)).consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    rows.delete(this.#key(id));
  }
  async revokeByGrantId(grant) {
    for (const [key, row] of rows) if (row.grantId === grant) rows.delete(key);
  }
}

const server = http.createServer();
server.listen(settings.port ?? 0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    adapter: InMemory,
    clients: settings.clients,
    jwks: settings.keys,
    acrValues: settings.acr_values ?? [],
    claims: {
      openid: ["sub"],
      profile: ["name"],
      staff: ["department", "roles"],
      acr: null,
      amr: null,
      auth_time: null,
      sid: null,
      iss: null,
    },
    scopes: ["openid", "profile", "staff"],
    cookies: { keys: ["of a test alone"] },
    features: {
      devInteractions: { enabled: false },
      pushedAuthorizationRequests: { enabled: settings.pushed ?? true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: async (ctx, form) => {
          ctx.body = `<!DOCTYPE html><title>Sign out</title>${form}<button form="op.logoutForm" name="logout" value="yes">Yes</button>`;
        },
      },
    },
    // Its own way refuses addresses of this machine, where the tests' nodes are.
    fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }),
    pkce: { required: () => true },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: async (_ctx, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, ...(people[id] ?? {}) }),
    }),
    ttl: { AccessToken: 300, AuthorizationCode: 60, IdToken: 300, Grant: 600, Session: 600, Interaction: 600 },
  });
  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith("/interaction/")) return next();
    const { params, prompt, session } = await provider.interactionDetails(ctx.req, ctx.res);
    let result;
    if (prompt.name === "login") {
      const id = params.login_hint ?? "officer-1";
      result =
        id === "nobody"
          ? { error: "access_denied", error_description: "the person said no" }
          : { login: { accountId: id, acr: settings.acr, amr: ["pwd", "hwk"] } };
    } else {
      const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
      grant.addOIDCScope(params.scope);
      result = { consent: { grantId: await grant.save() } };
    }
    await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
  });
  for (const event of ["backchannel.error", "server_error"])
    provider.on(event, (_ctx, error) => console.error(error));
  server.on("request", provider.callback());
  console.log(JSON.stringify({ issuer }));
});
