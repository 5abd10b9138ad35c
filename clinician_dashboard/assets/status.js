// The bar above every page: what the ward says of itself, and how old this screen is. The browser
// counts the seconds by its own clock, so that a screen that has stopped says so by itself.

const LATE_S = 15;
const held = new WeakMap();

const make = (tag, className) => {
  const element = document.createElement(tag);
  element.className = className;
  return element;
};

function tick(state) {
  const seconds = Math.round((Date.now() - state.heardAt) / 1000);
  const late = seconds >= LATE_S;
  const trouble = late
    ? `NOT UPDATING for ${seconds} s. Do not rely on this screen.`
    : state.data.trouble;
  state.bar.className = trouble ? "bar trouble" : "bar";
  state.live.textContent = trouble || `Live · ward time ${state.data.clock} · checked ${seconds} s ago`;
}

export default function ({ parentElement: root, data }) {
  let state = held.get(root);
  if (!state) {
    const bar = make("div", "bar");
    state = { bar, use: make("strong", "use"), live: make("span", "live"), counts: make("span", "counts"),
      blind: make("span", "blind"), who: make("span", "who") };
    state.live.setAttribute("role", "status");
    bar.append(state.use, state.live, state.counts, state.blind, state.who);
    root.append(bar);
    held.set(root, state);
    state.timer = setInterval(() => tick(state), 1000);
  }
  if (!state.data || state.data.heard !== data.heard) state.heardAt = Date.now();
  state.data = data;
  state.use.textContent = data.use;
  state.counts.textContent = data.counts || "";
  state.blind.textContent = data.blind;
  state.who.textContent = data.who;
  tick(state);
  return () => {
    clearInterval(state.timer);
    held.delete(root);
  };
}
