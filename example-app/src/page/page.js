// Shows the signed-in user, the claims of the token, the row, and what sync did.
//
// The page signs in through Clerk's own JavaScript if it can be loaded, and otherwise with tokens of the stand-in.

const byId = (id) => document.getElementById(id);
const ACME = { id: "org_acme", slug: "acme" };
const ORGANIZATION_NAMES = ["Acme & Daughters", "Acme"];
const NAMES = ["Augusta", "Grace", "Katherine", "Edsger", "Barbara", "Donald", "Hedy", "Alan"];
const FIELDS = [["email", "email"], ["first name", "firstName", "first_name"], ["last name", "lastName", "last_name"], ["picture", "imageUrl", "image_url"]];

/** The reasons for what sync did, and for refusals. */
const WHY = {
  inserted: "the first request of this user: one statement wrote the row",
  updated: "a claim had changed, and the row with it",
  unchanged: "the row matches the token, or is newer: nothing was written",
  cached: "the row is in memory: no statement was run",
  signed_out: "no session was sent",
  user_deleted: "Clerk has deleted the user: the token is refused although it is valid",
  user_banned: "Clerk has banned the user: the token is refused although it is valid",
  session_ended: "the session is over: its token is refused although it is valid",
  session_pending: "the user still has to choose an organization",
  token_expired: "the token has expired",
  role_required: "the session does not have the role that the handler requires",
  organization_required: "no organization is active in the session",
  organization_changed: "a webhook took the membership or the role from every older token: the personal pages go on",
  database_unavailable: "the database did not answer in time, or has failed so often that the request does not wait for it",
};

/** The signed-in people: an id, and a function that returns a token. */
let people = [];
let active = null;
let hasClerk = false;
let isStandIn = false;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const claimsOf = (token) => {
  const part = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), (letter) => letter.charCodeAt(0))));
};

function log({ who, what, status, sync, ms, why }) {
  byId("empty").hidden = true;
  const row = byId("timeline").insertRow(0);
  const cells = [who, what, status, sync, ms === undefined ? "" : `${ms} ms`, why];
  for (const text of cells) row.insertCell().textContent = text ?? "";
  if (status) row.cells[2].className = String(status) < "400" ? "good" : "bad";
}

function compare(token, row) {
  const claims = token ? claimsOf(token) : {};
  byId("compare").replaceChildren(...FIELDS.map(([label, claim, column = claim]) => {
    const line = document.createElement("tr");
    const name = document.createElement("th");
    name.scope = "row";
    name.textContent = label;
    line.append(name);
    const [left, right] = [claims[claim], row?.[column]];
    for (const value of [left, right]) line.insertCell().textContent = value ?? "";
    line.classList.toggle("differs", Boolean(token && row) && (left ?? null) !== (right ?? null));
    return line;
  }));
  const seconds = token ? claims.exp - Math.floor(Date.now() / 1000) : 0;
  const differs = document.querySelector("#compare .differs");
  byId("age").textContent = !token ? "No user is signed in." : (differs
    ? "They differ: the row has what a webhook or a newer token reported."
    : "They agree.") + ` The token ends in ${Math.max(0, seconds)} s.`;
}

/** Calls the application. Returns the status and the body. */
async function call(path, token, { who = active?.id, what = `GET ${path}`, body, quiet } = {}) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  if (body) headers["content-type"] = "application/json";
  const start = performance.now();
  // Without `no-store`, the browser sends requests for one address one after the other.
  const response = await fetch(path, { method: body ? "POST" : "GET", headers, body, credentials: "omit", cache: "no-store" }).catch(() => null);
  const ms = Math.round(performance.now() - start);
  if (!response) {
    log({ who, what, status: "none", why: "the server does not answer: start it with cargo run -p example-app" });
    return { status: 0 };
  }
  const text = await response.text();
  let json = null;
  try { json = JSON.parse(text); } catch { /* not JSON: shown unchanged */ }
  const sync = response.headers.get("x-user-sync");
  const why = WHY[sync] ?? WHY[json?.code] ?? json?.detail ?? json?.title ?? "";
  if (!quiet) {
    log({ who: token ? who : "visitor", what, status: response.status, sync, ms, why });
    byId("answer").textContent = `${response.status} ${response.statusText}\n\n${json ? JSON.stringify(json, null, 2) : text}`;
  }
  if (path === "/api/me" && token && who === active?.id) compare(token, response.ok ? json : null);
  return { status: response.status, body: json, sync };
}

/** Makes a request to the stand-in, in the role of Clerk's dashboard. */
async function atClerk(method, path, body, note) {
  const response = await fetch(`/dev${path}`, { method, body: body && JSON.stringify(body) });
  if (note) log({ who: "Clerk", what: note, status: response.status });
  if (!response.ok) throw new Error((await response.text()).trim());
  return response.json();
}

/** Calls a route until the answer is as expected; the webhook is on its way. */
async function until(token, isThere, { path = "/api/me", ...options }) {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const answer = await call(path, token, { ...options, quiet: true });
    if (isThere(answer)) break;
    await pause(50);
  }
  return call(path, token, options);
}

function show() {
  byId("people").replaceChildren(...people.map((person) => {
    const item = document.createElement("li");
    const choose = document.createElement("button");
    choose.className = "who";
    choose.textContent = person.label;
    choose.setAttribute("aria-pressed", String(person.id === active?.id));
    choose.addEventListener("click", () => guarded(choose, async () => {
      active = person;
      await person.choose?.();
      show();
      await call("/api/me", await person.token());
      await showOrganization();
    }));
    const leave = document.createElement("button");
    leave.textContent = "Sign out";
    leave.setAttribute("aria-label", `Sign out: ${person.id}`);
    leave.addEventListener("click", () => guarded(leave, async () => {
      await person.leave?.();
      forget(person);
      log({ who: person.id, what: "signed out" });
    }));
    item.append(choose, leave);
    return item;
  }));
  if (!active) compare(null, null);
  if (!active?.organization) byId("organization").hidden = true;
}

/** Shows the application's answer about the active organization for this token. */
async function showOrganization(token) {
  byId("organization").hidden = !active?.organization;
  if (!active?.organization) return;
  const { status, body } = await call("/api/organization", token ?? await active.token(), { quiet: true });
  const isMember = status === 200;
  byId("organization-page").hidden = !isMember;
  byId("organization-state").textContent = isMember
    ? `${body.organization.name} (${body.organization.clerk_id}). ${active.id} is ${body.membership.role}.`
    : `${active.id} gets ${status} ${body?.code ?? ""} here. GET /api/me still works.`;
  if (!isMember) return;
  byId("members").replaceChildren(...body.members.map(memberRow));
  byId("organization-notes").replaceChildren(...body.notes.map((note) => {
    const item = document.createElement("li");
    item.textContent = note.body;
    return item;
  }));
}

function memberRow({ clerk_id: userId, first_name: name, role }) {
  const row = document.createElement("tr");
  row.classList.toggle("self", userId === active.id);
  const label = document.createElement("th");
  label.scope = "row";
  label.textContent = `${name ?? userId} (${userId})`;
  row.append(label);
  row.insertCell().textContent = role;
  if (!isStandIn) return row;
  const buttons = document.createElement("div");
  buttons.className = "buttons";
  const other = role === "org:admin" ? "org:member" : "org:admin";
  for (const [text, action] of [
    [role === "org:admin" ? "Make member" : "Make administrator", () => changeRole(userId, other)],
    ["Remove", () => removeMember(userId)],
  ]) {
    const button = document.createElement("button");
    button.textContent = text;
    button.setAttribute("aria-label", `${text}: ${userId}`);
    button.addEventListener("click", () => guarded(button, action));
    buttons.append(button);
  }
  row.insertCell().append(buttons);
  return row;
}

/** Changes a role at Clerk, and shows the answer to an earlier token after the webhook. */
async function changeRole(userId, role) {
  const person = people.find(({ id }) => id === userId) ?? active;
  const token = await person.token();
  await atClerk("POST", `/organizations/${active.organization}/members/${userId}`, { role }, `${userId} is now ${role}`);
  const roleOf = (page) => page?.members?.find((member) => member.clerk_id === userId)?.role;
  const isSelf = person.id === userId;
  await until(token, ({ body }) => roleOf(body) === role && (!isSelf || body.membership.role === role), {
    path: "/api/organization", who: person.id, what: "GET /api/organization with the old token",
  });
  if (isSelf) {
    const body = JSON.stringify({ body: `written when ${role}` });
    await call("/api/organization/notes", token, { who: userId, what: "POST /api/organization/notes with the old token", body });
  }
  await showOrganization(person === active ? token : undefined);
}

/** Ends a membership at Clerk, and shows the answer to an earlier token after the webhook. */
async function removeMember(userId) {
  const person = people.find(({ id }) => id === userId);
  const token = await person?.token();
  await atClerk("DELETE", `/organizations/${active.organization}/members/${userId}`, undefined, `${userId} is removed from the organization`);
  if (person) {
    await until(token, ({ status }) => status === 403, {
      path: "/api/organization", who: userId, what: "GET /api/organization with the old token",
    });
    await call("/api/me", token, { who: userId, what: "GET /api/me with the same token" });
  } else {
    await until(await active.token(), ({ body }) => !body?.members?.some((member) => member.clerk_id === userId), {
      path: "/api/organization", what: "GET /api/organization",
    });
  }
  await showOrganization(person === active ? token : undefined);
}

async function rename() {
  const token = await active.token();
  const { body } = await call("/api/organization", token, { quiet: true });
  const name = ORGANIZATION_NAMES.find((other) => other !== body.organization.name);
  await atClerk("POST", `/organizations/${active.organization}`, { name }, `the organization is now ${name}`);
  await until(token, ({ body }) => body?.organization?.name === name, {
    path: "/api/organization", what: "GET /api/organization with the old token",
  });
  await showOrganization(token);
}

function forget(person) {
  people = people.filter(({ id }) => id !== person.id);
  if (active?.id === person.id) active = people.at(-1) ?? null;
  show();
}

function add(person) {
  people = [...people.filter(({ id }) => id !== person.id), person];
  active = person;
  show();
}

/** A session of Clerk's own JavaScript. */
function ofClerk(session) {
  const role = session.lastActiveOrganizationId ? ", in an organization" : "";
  return {
    id: session.user.id,
    session: session.id,
    organization: session.lastActiveOrganizationId,
    label: `${session.user.firstName ?? session.user.id} (${session.user.id}${role})`,
    token: () => session.getToken(),
    choose: () => Clerk.setActive({ session: session.id }),
    leave: () => Clerk.signOut(() => {}, { sessionId: session.id }),
  };
}

/** Makes a user a member of Acme, and creates Acme if it is missing. The webhook waits, because the user has no row yet. */
async function join(userId, role) {
  const { organizations } = await atClerk("GET", "/directory");
  const acme = organizations.find(({ id }) => id === ACME.id);
  if (!acme) await atClerk("POST", `/organizations/${ACME.id}`, { name: "Acme", slug: ACME.slug });
  if (acme?.members.find((member) => member.user_id === userId)?.role === role) return;
  await atClerk("POST", `/organizations/${ACME.id}/members/${userId}`, { role, webhook: { hold: true } });
}

async function signIn(userId, firstName, role) {
  // Changes the user without a webhook, so that the first request inserts the row.
  const profile = { user_id: userId, first_name: firstName || null };
  let { token } = await atClerk("POST", "/token", profile);
  if (role) await join(userId, role);
  if (!hasClerk) {
    if (role) ({ token } = await atClerk("POST", "/token", { ...profile, org: { ...ACME, role } }));
    add({ id: userId, session: claimsOf(token).sid, organization: role && ACME.id, label: `${firstName || userId} (${userId}${role ? ", in an organization" : ""})`, token: async () => token });
  } else {
    const { ticket } = await atClerk("POST", "/tickets", { user_id: userId });
    const attempt = await Clerk.client.signIn.create({ strategy: "ticket", ticket });
    await Clerk.setActive({ session: attempt.createdSessionId, organization: role ? ACME.id : null });
    add(ofClerk(Clerk.session));
  }
  log({ who: userId, what: "signed in", why: hasClerk ? "through Clerk's own JavaScript" : "with a token of the stand-in" });
  await call("/api/me", await active.token());
  await showOrganization();
}

const otherName = (name) => NAMES.find((other) => other !== name && other !== trials.last) ?? "Ada";

const trials = {
  last: null,
  async team() {
    await signIn("user_bob", "Bob", "org:member");
    await signIn("user_ada", "Ada", "org:admin");
    for (const person of people.filter(({ id }) => id === "user_bob" || id === "user_ada")) {
      await call("/api/organization", await person.token(), { who: person.id });
    }
    await showOrganization();
  },
  async twoTabs() {
    const userId = `user_new${Math.floor(Math.random() * 1e9)}`;
    const { token } = await atClerk("POST", "/token", { user_id: userId, first_name: "New" });
    await Promise.all(["first", "second"].flatMap((tab) => [1, 2].map((count) =>
      call("/api/me", token, { who: userId, what: `${tab} tab, request ${count}` }))));
  },
  async edit() {
    const token = await active.token();
    const { body } = await call("/api/me", token);
    const name = (trials.last = otherName(body.first_name));
    await atClerk("POST", `/users/${active.id}`, { first_name: name }, `first name is now ${name}`);
    await until(token, ({ body }) => body?.first_name === name, { what: "GET /api/me with the old token" });
  },
  async edge() {
    const before = await active.token();
    const { body } = await call("/api/me", before);
    const name = (trials.last = otherName(body.first_name));
    await atClerk("POST", `/users/${active.id}`, { first_name: name }, `first name is now ${name}`);
    await until(before, ({ body }) => body?.first_name === name, { what: "GET /api/me after the webhook" });
    const { token } = await atClerk("POST", "/token", { edge_of: before }, "the edge mints a new token of the old claims");
    await call("/api/me", token, { what: "GET /api/me with the edge's token" });
  },
  async late() {
    const token = await active.token();
    const { body } = await call("/api/me", token);
    const [older, newer] = NAMES.filter((name) => name !== body.first_name).slice(0, 2);
    await atClerk("POST", `/users/${active.id}`, { first_name: older, webhook: { hold: true } }, `first name is ${older}; the webhook is held back`);
    await atClerk("POST", `/users/${active.id}`, { first_name: newer }, `first name is ${newer}; both webhooks are sent, the older one last`);
    await until(token, ({ body }) => body?.first_name === newer, { what: "GET /api/me after both" });
  },
  async endSession() {
    const token = await active.token();
    await call("/api/me", token);
    const person = active;
    await atClerk("DELETE", `/sessions/${person.session}`, undefined, "the session ends");
    await until(token, ({ status }) => status === 401, { what: "GET /api/me with its token" });
    forget(person);
  },
  async ban() {
    const token = await active.token();
    const person = active;
    await call("/api/me", token);
    await atClerk("POST", `/users/${person.id}`, { banned: true }, "the user is banned");
    await until(token, ({ status }) => status === 401, { what: "GET /api/me with a valid token" });
    await atClerk("POST", `/users/${person.id}`, { banned: false }, "the ban ends; its sessions stay ended");
    forget(person);
  },
  async remove() {
    const token = await active.token();
    const person = active;
    await call("/api/me", token);
    await atClerk("DELETE", `/users/${person.id}`, undefined, "the user is deleted");
    await until(token, ({ status }) => status === 401, { what: "GET /api/me with a valid token" });
    log({ who: person.id, what: "cannot sign in again", why: "Clerk's ids do not come again: take another user id, or restart the server" });
    forget(person);
  },
  async outage() {
    const token = await active.token();
    await call("/api/me", token);
    const seconds = 6;
    const started = await fetch("/trials/outage", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ seconds }) });
    log({ who: "database", what: `stops for ${seconds} s`, status: started.status, why: "another task holds every connection of the pool" });
    await call("/api/session", token, { what: "GET /api/session, which needs no row" });
    await Promise.all([1, 2, 3].map((count) => call("/api/me", token, { what: `GET /api/me, request ${count} of three at once` })));
    await call("/api/me", token, { what: "GET /api/me after three failures" });
    await until(token, ({ status }) => status === 200, { what: "GET /api/me when the database answers again" });
  },
};

/** Runs an action with its button disabled, and reports what fails. */
async function guarded(button, action) {
  button.disabled = true;
  try {
    await action();
  } catch (error) {
    const text = error.errors?.[0]?.longMessage ?? error.message ?? String(error);
    log({ who: "page", what: "refused", status: "–", why: text });
  } finally {
    button.disabled = false;
  }
}

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  guarded(event.submitter, () => signIn(form.get("user_id"), form.get("first_name"), form.get("role")));
});
byId("rename").addEventListener("click", ({ target }) => guarded(target, rename));
byId("organization-note").addEventListener("submit", (event) => {
  event.preventDefault();
  guarded(event.submitter, async () => {
    const body = JSON.stringify({ body: new FormData(event.target).get("body") });
    const { status } = await call("/api/organization/notes", await active.token(), { what: "POST /api/organization/notes", body });
    if (status === 201) event.target.reset();
    await showOrganization();
  });
});
byId("redirect").addEventListener("click", () => Clerk.redirectToSignIn({ redirectUrl: location.href }));
byId("calls").addEventListener("click", ({ target }) => {
  const { call: path, body } = target.dataset;
  if (!path) return;
  guarded(target, async () => call(path, await active?.token(), { what: target.textContent, body }));
});
byId("trials").addEventListener("click", ({ target }) => {
  const { trial } = target.dataset;
  if (!trial) return;
  guarded(target, async () => {
    if (!active && trial !== "twoTabs" && trial !== "team") throw new Error("sign in first");
    await trials[trial]();
  });
});

/** Loads Clerk's own JavaScript from the Frontend API, whose host is in the key. Returns whether it has loaded. */
async function loadClerk({ has_clerk_js: isThere, publishable_key: key, proxy_url: proxy }) {
  if (!isThere) return false;
  const base = proxy ?? `https://${atob(key.split("_")[2]).slice(0, -1)}`;
  const element = document.createElement("script");
  element.src = `${base}/npm/@clerk/clerk-js@6/dist/clerk.browser.js`;
  element.crossOrigin = "anonymous";
  element.dataset.clerkPublishableKey = key;
  if (proxy) element.dataset.clerkProxyUrl = proxy;
  const isLoaded = new Promise((resolve) => {
    element.addEventListener("load", () => resolve(true));
    element.addEventListener("error", () => resolve(false));
  });
  document.head.append(element);
  if (!(await isLoaded)) return false;
  await Clerk.load({ telemetry: false });
  return true;
}

async function start() {
  compare(null, null);
  const frontEnd = await fetch("/front-end.json").then((response) => (response.ok ? response.json() : {}), () => ({}));
  isStandIn = frontEnd.mode === "stand-in";
  hasClerk = await loadClerk(frontEnd).catch(() => false);
  byId("mode").textContent = isStandIn
    ? `Sign-in is a local stand-in for Clerk, ${hasClerk ? "through Clerk's own JavaScript" : "with tokens of its own"}.`
    : hasClerk ? "Sign-in is by Clerk." : "Clerk's JavaScript could not be loaded: check the network and CLERK_PUBLISHABLE_KEY.";
  byId("sign-in").hidden = !isStandIn;
  byId("trials").hidden = !isStandIn;
  for (const element of document.querySelectorAll("[data-stand-in]")) element.hidden = !isStandIn;
  byId("redirect").hidden = isStandIn || !hasClerk;
  if (hasClerk) {
    people = Clerk.client.signedInSessions.map(ofClerk);
    active = people.find(({ session }) => session === Clerk.session?.id) ?? null;
    show();
    // A sign-out in another tab, or by the server.
    Clerk.addListener(({ client }) => {
      const live = new Set(client.signedInSessions.map(({ id }) => id));
      for (const person of people.filter(({ session }) => !live.has(session))) forget(person);
    });
    if (active) await call("/api/me", await active.token());
    await showOrganization();
  }
  document.body.dataset.ready = "true";
}

start();
