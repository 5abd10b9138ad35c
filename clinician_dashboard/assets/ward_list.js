// The ward list: one table, one row per patient, never a row number.
// Rows are kept by patient and rewritten only when they change, so focus and scroll survive.
// While the pointer moves over the table, or focus is in it, the order is held: nobody's row
// slides under a finger. Every text goes in as text: what patients and staff wrote is never markup.

const HOLD_MS = 8000;
const ANSWER_MS = 8000; // then the button may be tried again: the same act twice is one act
const held = new WeakMap();

const make = (tag, className, text) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};

const svg = (tag, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

const COLUMNS = ["Level", "Waiting", "Patient", "Why", "SpO2", "Trend", "Pulse",
  "Last reading", "State", "Action"];

function frame(root) {
  const said = make("div", "said");
  said.setAttribute("role", "alert");
  const news = make("button", "news");
  news.type = "button";
  news.hidden = true;
  const table = make("table");
  table.append(make("caption", "hidden", "Patients, who needs somebody first at the top"));
  const head = table.createTHead().insertRow();
  for (const name of COLUMNS) {
    const cell = make("th", "", name);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  const nobody = make("p", "nobody", "Nobody is on the ward.");
  const scroll = make("div", "scroll");
  scroll.append(table);
  root.append(said, news, scroll, nobody);
  return { said, news, table, body, nobody, rows: new Map(), order: [], movedAt: 0, reds: null };
}

function number(cell, value) {
  cell.className = "number" + (value && value.stale ? " stale" : "");
  if (!value) {
    cell.textContent = "–";
    return;
  }
  const main = make(value.stale ? "s" : "strong", "", value.value);
  const about = [value.age, value.stale ? "old" : "", value.marks].filter(Boolean).join(", ");
  cell.append(main, make("span", "about", about));
}

function spark(cell, drawn) {
  const picture = svg("svg", { viewBox: "0 0 120 36", role: "img", "aria-label": drawn.words });
  for (const [low, high, level] of drawn.bands) {
    picture.append(svg("rect", { x: 0, width: 120, y: 36 - 36 * high, height: 36 * (high - low),
      class: `band ${level}` }));
  }
  for (const run of drawn.runs) {
    const points = run.map(([x, y]) => `${(2 + 114 * x).toFixed(1)},${(34 - 32 * y).toFixed(1)}`);
    picture.append(svg("polyline", { points: points.join(" ") }));
    const [x, y] = points[points.length - 1].split(",");
    picture.append(svg("circle", { cx: x, cy: y, r: run === drawn.runs[drawn.runs.length - 1] ? 3 : 1.2 }));
  }
  for (const [x, y] of drawn.doubtful) { // hollow, as on the patient's chart
    picture.append(svg("circle", { cx: (2 + 114 * x).toFixed(1), cy: (34 - 32 * y).toFixed(1), r: 3,
      class: "doubtful" }));
  }
  cell.append(picture);
}

function write(state, kept, row) {
  const { element } = kept;
  const focused = element.getRootNode().activeElement;
  const had = focused && element.contains(focused) ? focused.dataset.does : null;
  element.replaceChildren();
  element.className = `${row.level}${row.unowned ? " unowned" : ""}`;
  const cell = (tag = "td", className = "") => {
    const made = make(tag, className);
    element.append(made);
    return made;
  };
  const level = cell("td", "level");
  const badge = make("span", "badge");
  const shape = make("span", "shape", row.shape);
  shape.setAttribute("aria-hidden", "true");
  badge.append(shape, " ", row.word);
  level.append(badge);
  cell("td", "waiting").textContent = row.waiting;
  const who = cell("th", "who");
  who.scope = "row";
  const open = make("button", "open", row.name);
  open.type = "button";
  open.dataset.does = "open";
  open.onclick = () => state.tell("open", { id: row.id });
  who.append(open, make("span", "about", row.about));
  const why = cell("td", "why");
  for (const words of row.why) why.append(make("div", "", words));
  number(cell(), row.spo2);
  spark(cell("td", "spark"), row.spark);
  number(cell(), row.pulse);
  const last = cell("td", "last");
  last.append(make("span", "", row.last), make("span", "about", row.last_about));
  const how = cell("td", "how");
  how.append(make("span", "", row.state));
  for (const [className, words] of [["about", row.state_about], ["about", row.due],
    ["late", row.late], ["paused", row.paused]]) {
    if (words) how.append(make("span", className, words));
  }
  const action = cell("td", "action");
  if (row.action) {
    const take = make("button", "take", row.action);
    take.type = "button";
    take.dataset.does = "take";
    take.append(make("span", "hidden", ` ${row.name}`));
    take.onclick = () => {
      if (take.getAttribute("aria-disabled") === "true") return;
      take.setAttribute("aria-disabled", "true");
      take.firstChild.textContent = "Taking…";
      state.tell("take", { alert: row.alert, version: row.version, nonce: crypto.getRandomValues(new Uint32Array(1))[0] });
      setTimeout(() => {
        take.removeAttribute("aria-disabled");
        take.firstChild.textContent = row.action;
      }, ANSWER_MS);
    };
    action.append(take);
  }
  if (had) (element.querySelector(`[data-does="${had}"]`) || open).focus();
}

function place(state, ids) {
  const focused = state.table.getRootNode().activeElement;
  ids.forEach((id, position) => {
    const { element } = state.rows.get(id);
    if (state.body.rows[position] !== element) state.body.insertBefore(element, state.body.rows[position] || null);
  });
  if (focused && state.table.contains(focused)) focused.focus();
  state.order = ids;
  state.news.hidden = true;
}

function busy(state) {
  const inside = state.table.contains(state.table.getRootNode().activeElement);
  return inside || Date.now() - state.movedAt < HOLD_MS;
}

function announce(state, rows) {
  const reds = new Map(rows.filter((row) => row.level === "red" && row.unowned).map((row) => [row.id, row]));
  if (state.reds !== null) {
    const fresh = [...reds.values()].filter((row) => !state.reds.has(row.id));
    if (fresh.length) state.said.textContent = fresh.map((row) => `New red alert: ${row.name}, ${row.why[0]}`).join(". ");
  }
  state.reds = new Set(reds.keys());
  document.title = (reds.size ? `(${reds.size} RED) ` : "") + "Ward list";
}

function show(state, rows) {
  const ids = rows.map((row) => row.id);
  for (const [id, kept] of state.rows) {
    if (!ids.includes(id)) {
      kept.element.remove();
      state.rows.delete(id);
    }
  }
  for (const row of rows) {
    const text = JSON.stringify(row);
    let kept = state.rows.get(row.id);
    if (!kept) {
      kept = { element: make("tr"), text: "" };
      kept.element.dataset.patient = row.id;
      state.rows.set(row.id, kept);
      state.body.append(kept.element); // at the end until it may be placed
    }
    if (kept.text !== text) {
      kept.text = text;
      write(state, kept, row);
    }
  }
  announce(state, rows);
  const moved = [...state.body.rows].some((element, i) => element.dataset.patient !== ids[i]);
  state.latest = ids;
  if (moved && busy(state) && state.order.length) {
    const red = rows.find((row, i) => row.level === "red" && row.unowned && state.order[i] !== row.id);
    state.news.textContent = red ? "A red patient has moved up: show now" : "The order has changed: show now";
    state.news.className = red ? "news red" : "news";
    state.news.hidden = false;
  } else if (moved) {
    place(state, ids);
  } else {
    state.order = ids;
    state.news.hidden = true;
  }
  state.nobody.hidden = rows.length > 0;
  state.table.hidden = rows.length === 0;
}

function keys(state, event) {
  const steps = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };
  const row = event.target.closest("tr");
  if (!row || !(event.key in steps)) return;
  const next = state.body.rows[row.rowIndex - 1 + steps[event.key]];
  if (next) {
    (next.querySelector(`[data-does="${event.target.dataset.does}"]`) || next.querySelector("button")).focus();
    event.preventDefault();
  }
}

export default function ({ parentElement: root, data, setTriggerValue }) {
  let state = held.get(root);
  if (!state) {
    state = frame(root);
    held.set(root, state);
    state.table.addEventListener("pointermove", () => { state.movedAt = Date.now(); });
    state.table.addEventListener("keydown", (event) => keys(state, event));
    state.news.addEventListener("click", () => place(state, state.latest));
    state.timer = setInterval(() => {
      if (!state.news.hidden && !busy(state)) place(state, state.latest);
    }, 1000);
  }
  state.tell = setTriggerValue; // this function runs again at every rerun: everything is idempotent
  show(state, data.rows);
  return () => {
    clearInterval(state.timer);
    held.delete(root);
  };
}
