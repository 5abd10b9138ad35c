// The service worker: our own files and one form, for when there is no network. FILES stands above.
// In its caches is no name and no reading; page.js puts the form there, and takes it away.
"use strict";

importScripts(FILES[0]); // the outbox
const KEPT = "files " + FILES.map((file) => file.split("?")[1]).join("");
const PATIENCE_MS = 20000; // a network that says nothing for so long is none

addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(FILES)).then(() => skipWaiting()));
});
addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith("files ") && name !== KEPT) await caches.delete(name);
    await clients.claim();
  })());
});

const screen = async (request) => {
  const form = await caches.match("/offline");
  const asked = fetch(request);
  if (!form) return asked;
  const waited = new Promise((_, no) => setTimeout(no, PATIENCE_MS));
  try {
    const answer = await Promise.race([asked, waited]);
    return [502, 503, 504].includes(answer.status) ? form : answer; // what stands before it answers
  } catch { return form; }
};
const file = async (request) =>
  await caches.match(request)
  ?? await fetch(request).catch(async () => await caches.match(request, { ignoreSearch: true }) ?? Response.error());

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(screen(request));
  else if (url.pathname.startsWith("/static/")) event.respondWith(file(request));
});
addEventListener("sync", (event) => {
  if (event.tag === "outbox") event.waitUntil(outbox.flush());
});
