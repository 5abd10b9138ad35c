// The form of /offline: all screens in one document, one shown at a time. On "Send": written to the
// outbox first, then the advice, then the sending; whether it was sent the outbox is asked.
"use strict";

(() => {
  const sheet = JSON.parse(document.getElementById("sheet").textContent);
  const form = document.getElementById("reading"), told = document.getElementById("told");
  const steps = [...form.querySelectorAll(".step")];
  const say = (inside, what) => inside.querySelector(`[data-say="${what}"]`);
  const sayAll = (inside, what, words) => {
    for (const one of inside.querySelectorAll(`[data-say="${what}"]`)) one.textContent = words;
  };
  let draft, sending;

  // A UUIDv7: randomUUID is not everywhere.
  const newId = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    new DataView(bytes.buffer).setUint16(0, Math.floor(Date.now() / 2 ** 32));
    new DataView(bytes.buffer).setUint32(2, Date.now() % 2 ** 32);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
    return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
  };

  const note = document.getElementById("note");
  const show = (name) => {
    note.hidden = false;
    const found = steps.find((step) => step.dataset.name === name) ?? steps[0];
    for (const step of steps) step.hidden = step !== found;
    form.hidden = false;
    told.hidden = true;
    found.querySelector("h1").focus();
    scrollTo(0, 0);
  };
  const go = (name) => { history.pushState(null, "", `#${name}`); show(name); };
  const next = (step) => { const after = steps[steps.indexOf(step) + 1]; if (after) go(after.dataset.name); };
  const begin = () => {
    form.reset();
    for (const one of form.querySelectorAll("[aria-pressed]")) one.removeAttribute("aria-pressed");
    for (const one of form.querySelectorAll(".ask, .error")) one.hidden = true;
    draft = { id: newId(), measured_at: null, values: {}, numbers: {}, answers: {} };
    sending = false;
  };

  // --- one screen ------------------------------------------------------------------------------

  const answer = (step, codes) => {
    const { question } = step.dataset, { none, answers } = sheet.questions[question];
    const worrying = codes.filter((code) => !none.includes(code));
    const chosen = worrying.length ? worrying : codes; // "none of these" takes nothing back
    say(step, "unanswered").hidden = chosen.length > 0;
    if (!chosen.length) return;
    draft.answers[question] = chosen;
    if ("redFlags" in step.dataset && chosen.some((code) => answers[code] === "red")) finish();
    else next(step);
  };
  const ticked = (step) => [...step.querySelectorAll("input:checked")].map((box) => box.value);

  const likely = (vital, value) => {
    const rule = sheet.vitals[vital];
    return !rule || (rule.believable[0] <= value && value <= rule.believable[1]);
  };
  // As web/numbers.py asks: would both be likelier in each other's place? Never swapped by us.
  const looksSwapped = (texts) => {
    if (!sheet.swap || !("spo2" in texts) || !("pulse_rate" in texts)) return false;
    const [spo2, pulse] = [texts.spo2, texts.pulse_rate].map((text) => readNumber(text, "pulse_rate") ?? readNumber(text, "spo2"));
    if (spo2 === null || pulse === null || !likely("spo2", pulse) || !likely("pulse_rate", spo2)) return false;
    return (spo2 <= sheet.swap.spo2 && pulse >= sheet.swap.pulse) || !likely("spo2", spo2);
  };
  const numbers = (step, sure) => {
    const fields = [...step.querySelectorAll(".field input")];
    const texts = {}, read = {}, wrong = [];
    for (const field of fields) {
      const text = field.value.trim(), value = readNumber(text, field.name);
      const bad = text ? value === null : "needed" in step.dataset;
      document.getElementById(`${field.name}-error`).hidden = !bad;
      field.toggleAttribute("aria-invalid", false);
      if (bad) { field.setAttribute("aria-invalid", "true"); wrong.push(field); }
      if (text) texts[field.name] = text;
      if (value !== null) read[field.name] = value;
    }
    const swap = say(step, "swapped"), ask = say(step, "unlikely");
    swap.hidden = sure || !looksSwapped(texts);
    ask.hidden = true;
    if (!swap.hidden) {
      sayAll(swap, "spo2", texts.spo2); sayAll(swap, "pulse", texts.pulse_rate);
      swap.focus();
      return;
    }
    if (wrong.length) { wrong[0].focus(); return; }
    const unlikely = fields.filter((field) => field.name in read && !likely(field.name, read[field.name]));
    if (unlikely.length && !sure) {
      sayAll(ask, "which", unlikely.map((field) => `${field.labels[0].textContent} ${field.value}`).join(", "));
      ask.hidden = false;
      ask.focus();
      return;
    }
    take(fields, texts, read);
    next(step);
  };
  const take = (fields, texts, read) => {
    for (const { name } of fields) { delete draft.values[name]; delete draft.numbers[name]; }
    Object.assign(draft.values, texts);
    Object.assign(draft.numbers, read);
    if (Object.keys(read).length) draft.measured_at ??= new Date().toISOString();
  };

  const doing = {
    next,
    chosen: (step) => answer(step, ticked(step)),
    answer: (step, button) => answer(step, [...ticked(step), button.value]),
    numbers: (step) => numbers(step, false),
    sure: (step) => numbers(step, true),
    swap: (step) => {
      const spo2 = document.getElementById("spo2"), pulse = document.getElementById("pulse_rate");
      [spo2.value, pulse.value] = [pulse.value, spo2.value];
      numbers(step, false);
    },
    skip: (step) => {
      const fields = [...step.querySelectorAll(".field input")];
      for (const field of fields) field.value = "";
      for (const one of step.querySelectorAll(".ask, .error")) one.hidden = true;
      take(fields, {}, {});
      next(step);
    },
    send: () => finish(),
  };
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-do]");
    if (button) doing[button.dataset.do](button.closest(".step"), button);
  });
  // Enter in a field is the first button that goes on.
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.localName !== "input") return;
    event.preventDefault();
    if (event.target.type === "text") numbers(event.target.closest(".step"), false);
  });

  // --- the end of it ---------------------------------------------------------------------------

  const finish = async () => {
    if (sending) return; // a second tap sends nothing
    sending = true;
    const words = {};
    for (const area of form.querySelectorAll("[data-words]")) words[area.dataset.words] = area.value;
    const call_me = document.getElementById("call_me").checked;
    const measured_at = draft.measured_at ?? new Date().toISOString();
    const earlier = await outbox.all().catch(() => []);
    const judged = judge(sheet, { values: draft.numbers, answers: draft.answers, words, call_me },
                         earlier, Date.parse(measured_at));
    const entry = { reading_id: draft.id, for: sheet.for, who: sheet.who, measured_at, values: draft.values,
                    answers: draft.answers, words, call_me, judged };
    let kept = outbox.here;
    try { if (kept) await outbox.put(entry); } catch { kept = false; }
    tell(judged, kept);
    if (!kept) return;
    navigator.storage?.persist?.().catch(() => false);
    navigator.serviceWorker?.ready.then((worker) => worker.sync?.register("outbox")).catch(() => false);
    await outbox.flush().catch(() => false);
  };
  const tell = (judged, kept) => {
    const found = document.querySelector(`template[data-outcome="${judged.key}"]`)
      ?? document.querySelector('template[data-outcome="safety_net"]');
    const shown = found.content.cloneNode(true), values = shown.querySelector(".values");
    values.textContent = Object.entries(draft.values)
      .map(([vital, text]) => `${document.getElementById(vital).labels[0].textContent} ${text}`).join(", ");
    document.getElementById("advice").replaceChildren(shown);
    say(told, "not-kept").hidden = kept;
    say(told, "kept").hidden = !kept;
    say(told, "link").href = `/sent/${draft.id}`;
    form.hidden = note.hidden = true;
    told.hidden = false;
    told.dataset.id = kept ? draft.id : "";
    history.pushState(null, "", "#told");
    document.getElementById("advice").focus();
    scrollTo(0, 0);
    look();
  };
  // The page asks the outbox, and not its own sending: the worker or another tab may have sent it.
  const look = async () => {
    if (!told.dataset.id) return;
    const waits = (await outbox.all()).some((entry) => entry.reading_id === told.dataset.id);
    say(told, "waits").hidden = !waits;
    say(told, "sent").hidden = waits;
  };
  outbox.listen(look);

  document.getElementById("again").addEventListener("click", () => { begin(); go(steps[0].dataset.name); });
  addEventListener("popstate", () => {
    if (sending) { begin(); show(steps[0].dataset.name); } // what was sent is not gone back to
    else show(location.hash.slice(1));
  });
  document.getElementById("idle").hidden = true;
  begin();
  show(steps[0].dataset.name);
})();
