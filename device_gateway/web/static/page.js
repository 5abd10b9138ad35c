// What makes the page kinder where there is JavaScript. Nothing needs it.
"use strict";

// A second tap while a form is on its way sends nothing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
});
// Coming back by the back button, a form can be sent again.
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

document.getElementById("wrong")?.focus();

// A screen that stays open learns what has become of the reading.
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
  setInterval(look, 5000);
  document.addEventListener("visibilitychange", look);
}
