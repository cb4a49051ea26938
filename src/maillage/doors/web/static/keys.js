// Single keys that lead somewhere; none while somebody writes, none with a modifier, and none at all when they are switched off (WCAG 2.1.4).
const PLACES = { l: "/", p: "/patients", s: "/services", v: "/vacations", t: "/pilotage" };
let led = 0;

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
  const place = Date.now() - led < 1200 ? PLACES[event.key] : undefined;
  led = 0;
  if (place) { event.preventDefault(); location.assign(place); return; }
  if (event.key === "g") { led = Date.now(); return; }
  if (event.key === "?") { event.preventDefault(); location.assign("/affichage#clavier"); return; }
  if (event.key !== "/") return;
  event.preventDefault();
  const field = document.querySelector("main form[role=search] input:not([type=hidden]), main form[data-asks] input:not([type=hidden])");
  if (field) field.focus(); else location.assign("/patients");
}

if (document.documentElement.dataset.keys !== "off") document.addEventListener("keydown", pressed);
for (const button of document.querySelectorAll("[data-print]")) { button.hidden = false; button.addEventListener("click", () => print()); }
