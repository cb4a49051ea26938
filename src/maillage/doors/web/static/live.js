// The part of the page marked #vivant follows what others do. The server tells that something changed; the page then asks for itself again, as its
// reader, and only what differs is put in place. A form in which somebody has begun to write is left as it is.
const part = document.getElementById("vivant");
const bar = document.querySelector("[data-live]");
const words = (name) => bar.dataset[name];
const LEAST = 1500, POLL = 30000, AGAIN = 5000;
let source, later, polling, again, last = 0, running = false, missed = false, paused = false, over = false;

const clock = () => {
  const at = new Date().toLocaleTimeString("fr-FR", { hour: "numeric", minute: "2-digit", timeZone: "Europe/Paris" });
  return document.documentElement.lang === "fr" ? at.replace(":", "\u00a0h\u00a0") : at;
};
const announce = (text) => { document.getElementById("annonce").textContent = text; };
const stamp = () => { bar.querySelector("[data-live-at]").textContent = words("at").replace("{at}", clock()); };

function schedule() {
  if (paused || over || document.hidden) { missed = true; return; }
  clearTimeout(later);
  later = setTimeout(refresh, Math.max(150, last + LEAST - Date.now()));
}

async function refresh() {
  if (running) { missed = true; return; }
  running = true; last = Date.now();
  try {
    const answer = await fetch(location.href, { headers: { "X-Maillage-Live": "1" }, redirect: "manual", cache: "no-store" });
    if (answer.type === "opaqueredirect") return end();
    if (!answer.ok) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("vivant");
    if (!next) return;
    const before = part.textContent, active = document.activeElement, from = active?.selectionStart, to = active?.selectionEnd;
    await htmx.swap({ text: next.innerHTML, sourceElement: part, target: part, swap: "innerMorph" });
    if (part.contains(active) && document.activeElement !== active) {  // a node that is moved loses the focus
      active.focus({ preventScroll: true });
      if (typeof from === "number") active.setSelectionRange(from, to);
    }
    part.dataset.shown = next.dataset.shown;
    stamp();
    if (part.textContent !== before) announce(words("at").replace("{at}", clock()));
  } catch { /* the network is away: the next change, or the next round, asks again */ } finally {
    running = false;
    if (missed) { missed = false; schedule(); }
  }
}

function end() {
  over = true; source?.close(); clearInterval(polling);
  bar.querySelector("[data-live-at]").textContent = words("over");
  announce(words("over"));
}

function poll(on) {
  if (on && polling) return;  // a stream that fails again and again does not put the next round off
  clearInterval(polling);
  polling = on ? setInterval(schedule, POLL) : undefined;
}

function open() {
  source?.close();
  clearTimeout(again);
  if (over || paused || document.hidden) return;
  source = new EventSource(`${words("live")}&depuis=${part.dataset.shown}`);  // what changed between the reading of this page and the first word
  source.onopen = () => poll(false);
  source.onmessage = schedule;
  source.onerror = () => {  // one that comes back by itself would ask from the old instant, and after a refusal it does not come back
    source.close();
    poll(true);
    again = setTimeout(open, AGAIN);
  };
}

function touched(event) { event.target.closest("form")?.setAttribute("hx-morph-skip", ""); }

if (part && bar) {
  const pause = bar.querySelector("button");
  bar.hidden = false;
  stamp();
  part.addEventListener("input", touched);
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    if (paused) source?.close(); else { open(); schedule(); }
  });
  document.addEventListener("visibilitychange", () => { if (document.hidden) source?.close(); else { open(); schedule(); } });
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  open();
}
