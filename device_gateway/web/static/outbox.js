// Readings that wait on this phone. For the page and for its service worker.
// Written before anything is told, deleted only once the server has said that it keeps it.
"use strict";

const outbox = (() => {
  // Over plain http there is none: the spool of the box at home is the queue there.
  const here = self.isSecureContext && "indexedDB" in self;
  const news = here && "BroadcastChannel" in self ? new BroadcastChannel("outbox") : null;
  let opened, flushing = null;

  const open = () => opened ??= new Promise((yes, no) => {
    const asked = indexedDB.open("homeward", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("unsent", { keyPath: "reading_id" });
    asked.onsuccess = () => yes(asked.result);
    asked.onerror = () => { opened = undefined; no(asked.error); };
  });
  // Durable once this returns: the transaction is complete, and not only the request.
  const work = async (mode, what) => {
    const store = await open();
    return new Promise((yes, no) => {
      const deal = store.transaction("unsent", mode, { durability: "strict" });
      const asked = what(deal.objectStore("unsent"));
      deal.oncomplete = () => yes(asked.result);
      deal.onerror = deal.onabort = () => no(deal.error);
    });
  };
  const all = async () => {
    if (!here) return [];
    const found = await work("readonly", (store) => store.getAll());
    return found.sort((a, b) => (a.measured_at < b.measured_at ? -1 : 1));
  };
  const changed = () => { news?.postMessage("changed"); self.dispatchEvent(new Event("outbox")); };
  const put = async (entry) => { await work("readwrite", (store) => store.put(entry)); changed(); };
  const remove = (id) => work("readwrite", (store) => store.delete(id));
  const clear = async () => { if (here) { await work("readwrite", (store) => store.clear()); changed(); } };

  // What the server is told; what else stands in an entry is for this phone.
  const body = ({ reading_id, for: for_, who, measured_at, values, answers, words, call_me }) =>
    JSON.stringify({ reading_id, for: for_, who, measured_at, values, answers, words, call_me,
                     now: new Date().toISOString() });
  const post = (entry) => fetch("/api/readings", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: body(entry),
    credentials: "same-origin", redirect: "error", cache: "no-store",
  });
  // Some answer of some network in between is no receipt: it must name the reading.
  const kept = async (answer, entry) => {
    if (!answer.ok) return false;
    const said = await answer.json().catch(() => ({}));
    return said.kept === entry.reading_id;
  };

  const sendAll = async () => {
    for (const entry of await all()) {
      let answer;
      try { answer = await post(entry); } catch { break; } // no network: all stay, in their order
      if (await kept(answer, entry)) { await remove(entry.reading_id); continue; }
      const problem = { 401: "out", 403: "other" }[answer.status]
        ?? (answer.status === 422 || answer.status === 400 ? "refused" : undefined);
      if (problem !== entry.problem) {
        await work("readwrite", (store) => store.put({ ...entry, problem }));
      }
      if (problem !== "other" && problem !== "refused") break;
    }
    changed();
  };
  // Two at once are one after the other, in all tabs and the worker; the server takes an id once.
  const flush = async () => {
    if (!here || !(await all()).length) return;
    if (navigator.locks) await navigator.locks.request("outbox", sendAll);
    else await (flushing ??= sendAll().finally(() => { flushing = null; }));
  };
  const listen = (told) => {
    self.addEventListener("outbox", told);
    if (news) news.onmessage = told;
  };
  return { here, all, put, clear, flush, listen };
})();
