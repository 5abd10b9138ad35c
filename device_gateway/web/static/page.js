// What makes the page kinder where there is JavaScript. Nothing needs it.
"use strict";

const PATIENCE_MS = 15000; // for an answer of the page, before it is said not to be reached
const LOOK_MS = 5000, SEND_MS = 30000; // how often what became of a reading is asked, and sending tried

// --- what cannot be sent is said, and stays in the form -------------------------------------------

// Whether the page can be reached, and whether we are in; null: it cannot.
const reach = async () => {
  const late = new AbortController(), timer = setTimeout(() => late.abort(), PATIENCE_MS);
  try {
    const answer = await fetch("/alive", { cache: "no-store", signal: late.signal });
    return answer.ok ? await answer.json() : null;
  } catch { return null; } finally { clearTimeout(timer); }
};
// The form for a phone without a network, where this browser keeps one.
const keepsForm = async () => "caches" in self && Boolean(await caches.match("/offline").catch(() => null));

const notReached = async (form) => {
  const able = await keepsForm();
  if (able && form.dataset.keep) { location.assign("/offline"); return; }
  document.querySelector("main > .not-reached")?.remove();
  const shown = document.createElement("div");
  shown.className = "not-reached";
  shown.append(document.getElementById("not-reached").content.cloneNode(true));
  shown.querySelector("[data-say=go-on]").hidden = !able || !location.pathname.startsWith("/reading/");
  document.getElementById("main").prepend(shown);
  shown.firstElementChild.focus();
};

// What stands on a screen when one is no longer in: put back in the same tab after coming in again.
const FIELDS = "main input:not([type=hidden]), main textarea";
const putAside = () => {
  const fields = [...document.querySelectorAll(FIELDS)].map(({ id, value, checked }) => ({ id, value, checked }));
  sessionStorage.setItem("aside", JSON.stringify({ path: location.pathname, fields }));
};
const putBack = () => {
  const aside = JSON.parse(sessionStorage.getItem("aside") ?? "null");
  if (aside?.path !== location.pathname) return;
  sessionStorage.removeItem("aside");
  for (const { id, value, checked } of aside.fields) {
    const field = document.getElementById(id);
    if (field?.matches(FIELDS)) { if (field.type === "checkbox") field.checked = checked; else field.value = value; }
  }
};

const reached = new WeakSet();
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if ("local" in form.dataset || reached.delete(form)) return;
  event.preventDefault();
  if (form.dataset.sent) return; // a second tap while a form is on its way sends nothing
  form.dataset.sent = "yes";
  const { submitter } = event;
  const answer = await reach();
  if (answer === null) { delete form.dataset.sent; await notReached(form); return; }
  const path = location.pathname;
  if (!answer.in && path.startsWith("/reading/") && form.closest("main")) {
    putAside();
    location.assign(`/in?back=${path}`);
    return;
  }
  if (form.getAttribute("action") === "/out" && !await forget()) { delete form.dataset.sent; return; }
  reached.add(form);
  form.requestSubmit(submitter ?? undefined);
});
// Coming back by the back button, a form can be sent again.
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
putBack();

document.getElementById("wrong")?.focus();

// --- what waits on this phone ---------------------------------------------------------------------

const unsent = document.getElementById("unsent");
const say = (what, shown, words) => {
  for (const one of unsent.querySelectorAll(`[data-say="${what}"]`)) {
    one.hidden = !shown;
    if (words !== undefined) one.textContent = words;
  }
};
const numbersOf = (entries) =>
  entries.map((one) => `${new Date(one.measured_at).toLocaleString()}: ${Object.values(one.values).join(", ")}`).join("; ");
const tellUnsent = async () => {
  const waiting = await outbox.all().catch(() => []);
  const of = (problem) => waiting.filter((one) => one.problem === problem);
  unsent.hidden = !waiting.length;
  say("one", waiting.length === 1);
  say("many", waiting.length > 1);
  say("count", true, waiting.length);
  say("out", of("out").length > 0);
  for (const problem of ["other", "refused"]) {
    const line = unsent.querySelector(`[data-say="${problem}"]`);
    line.hidden = !of(problem).length;
    line.querySelector("[data-say=numbers]").textContent = problem === "refused" ? numbersOf(of(problem)) : "";
  }
  if (!waiting.length) say("forget", false);
};
// Forgets what this phone holds; what is not sent only once that was said.
let warned = false;
const forget = async () => {
  await outbox.flush().catch(() => false);
  if ((await outbox.all()).length && !warned) {
    warned = true;
    say("forget", true);
    unsent.scrollIntoView();
    return false;
  }
  await outbox.clear();
  sessionStorage.clear();
  if ("caches" in self) for (const name of await caches.keys()) await caches.delete(name);
  for (const worker of await navigator.serviceWorker?.getRegistrations() ?? []) await worker.unregister();
  return true;
};

if (outbox.here) {
  const flush = () => { if (!document.hidden) outbox.flush().catch(() => false); };
  outbox.listen(tellUnsent);
  tellUnsent();
  flush();
  addEventListener("online", flush);
  document.addEventListener("visibilitychange", flush);
  setInterval(flush, SEND_MS);
  // The form is fetched anew with each visit of the first screen; whoever is not in has none.
  const keep = async () => {
    const form = await fetch("/offline", { cache: "no-store" });
    if (form.ok && !form.redirected) await (await caches.open("form")).put("/offline", form);
  };
  const start = document.querySelector("[data-keep]");
  if (start && navigator.serviceWorker && "caches" in self) {
    navigator.serviceWorker.register("/sw.js").then(keep).catch(() => false);
  }
  if (document.querySelector("[data-door]") && "caches" in self) caches.delete("form");
}

// --- a screen that stays open learns what has become of the reading -------------------------------

const state = document.getElementById("state");
if (state) {
  const look = async () => {
    if (document.hidden) return;
    let said;
    try {
      const answer = await fetch(state.dataset.state);
      if (!answer.ok) return;
      said = await answer.json();
    } catch { return; }
    for (const item of state.querySelectorAll("[data-step]")) {
      const words = said[item.dataset.step];
      if (words) { item.textContent = words; item.className = "done"; }
    }
  };
  setInterval(look, LOOK_MS);
  document.addEventListener("visibilitychange", look);
}
