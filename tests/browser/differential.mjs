// Checks cases with Clerk's SDK for back ends and Svix's library: reads one JSON line, and writes one.
//
// The file is copied beside `node_modules`, where its imports are found.
import { createClerkClient, verifyToken } from "@clerk/backend";
import { verifyWebhook } from "@clerk/backend/webhooks";
import { Webhook } from "svix";

const failure = (error) => ({ refused: error.reason ?? error.errors?.[0]?.code ?? error.name ?? String(error) });

const judges = {
  /** A session token, with keys from the stand-in. */
  async token({ token, api, parties }) {
    const options = { secretKey: "sk_live_x", apiUrl: api, authorizedParties: parties, skipJwksCache: true };
    return { claims: await verifyToken(token, options) };
  },
  /** A whole request of a browser. */
  async request({ url, headers, api, publishableKey, proxyUrl, parties }) {
    const clerk = createClerkClient({ secretKey: "sk_live_x", publishableKey, apiUrl: api });
    const state = await clerk.authenticateRequest(new Request(url, { headers }), {
      proxyUrl,
      authorizedParties: parties,
    });
    const { userId, sessionId, orgId, orgRole } = state.toAuth() ?? {};
    return { status: state.status, reason: state.reason, userId, sessionId, orgId, orgRole };
  },
  /** A user and a list of users, of the Backend API. */
  async users({ api, id }) {
    const clerk = createClerkClient({ secretKey: "sk_live_x", apiUrl: api });
    const user = await clerk.users.getUser(id);
    const { data, totalCount } = await clerk.users.getUserList({ orderBy: "+created_at" });
    return { email: user.primaryEmailAddress.emailAddress, firstName: user.firstName, ids: data.map((one) => one.id), totalCount };
  },
  async svixVerifies({ secret, headers, body }) {
    return { payload: await new Webhook(secret).verify(body, headers) };
  },
  async clerkVerifies({ secret, headers, body }) {
    const request = new Request("http://127.0.0.1/", { method: "POST", headers, body });
    const event = await verifyWebhook(request, { signingSecret: secret });
    return { type: event.type };
  },
  async svixSigns({ secret, id, seconds, body }) {
    return { signature: await new Webhook(secret).sign(id, new Date(seconds * 1000), body) };
  },
};

let input = "";
for await (const chunk of process.stdin) input += chunk;
const results = [];
for (const { judge, ...given } of JSON.parse(input)) {
  results.push(await judges[judge](given).catch(failure));
}
console.log(JSON.stringify(results));
