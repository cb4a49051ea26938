// What a form does while somebody types: a search that answers as soon as it may be asked, a draft that is kept. Both work by a button without this.
const announce = (text) => { document.getElementById("annonce").textContent = text; };
const clock = () => {
  const at = new Date().toLocaleTimeString("fr-FR", { hour: "numeric", minute: "2-digit", timeZone: "Europe/Paris" });
  return document.documentElement.lang === "fr" ? at.replace(":", "\u00a0h\u00a0") : at;
};
const fields = (form) => new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
const pageOf = async (answer) => new DOMParser().parseFromString(await answer.text(), "text/html");
const signedOut = (answer) => answer.redirected && new URL(answer.url).pathname === "/connexion";

// A patient is asked for by the INS or by three whole traits, never leafed through: `data-asks` says which fields must hold how much.
const ready = (form) => form.dataset.asks.split(" ").some((way) => way.split("&").every((part) => {
  const [name, least] = part.split(">=");
  return form.elements[name].value.replace(/\s/g, "").length >= Number(least);
}));

function search(form) {
  let later, asked = "", turn = 0;
  form.addEventListener("input", () => {
    clearTimeout(later);
    later = setTimeout(async () => {
      const said = fields(form).toString();
      if (!ready(form) || said === asked) return;
      asked = said;
      const mine = ++turn;
      const answer = await fetch(form.action, { method: "POST", body: fields(form) }).catch(() => null);
      if (!answer || mine !== turn || !(answer.ok || answer.status === 422) || signedOut(answer)) return;
      const found = (await pageOf(answer)).getElementById(form.dataset.into);
      const into = document.getElementById(form.dataset.into);
      if (!found || !into) return;
      await htmx.swap({ text: found.innerHTML, sourceElement: into, target: into, swap: "innerHTML" });
      announce(into.querySelector("h2, .m-empty-title")?.textContent ?? "");
    }, 300);
  });
}

// A draft is kept a moment after the last key, and before the page is left; the first time gives it its address.
function autosave(form) {
  const said = form.querySelector("[data-autosave-said]");
  let later, running = false, dirty = false, stopped = false;
  const tell = (text) => { said.textContent = text; announce(text); };
  const save = async () => {
    if (running || stopped || !dirty) return;
    running = true; dirty = false;
    const body = fields(form);
    body.set("then", "save");
    try {
      const answer = await fetch(form.action, { method: "POST", body });
      if (signedOut(answer)) { stopped = true; return tell(form.dataset.over); }
      const kept = (await pageOf(answer)).querySelector("form[data-autosave]");
      if (kept) form.elements._key.value = kept.elements._key.value;
      if (!answer.ok || !kept) { dirty = true; return tell(form.dataset.unsaved); }
      form.action = kept.getAttribute("action");
      history.replaceState(null, "", form.getAttribute("action"));
      tell(form.dataset.saved.replace("{at}", clock()));
    } catch { dirty = true; tell(form.dataset.unsaved); } finally { running = false; }
  };
  form.addEventListener("input", (event) => {
    if (event.target.type === "file") return;
    dirty = true;
    clearTimeout(later);
    later = setTimeout(save, 1500);
  });
  form.addEventListener("submit", (event) => {
    clearTimeout(later);
    dirty = false;
    if (!running) return;
    event.preventDefault();
    setTimeout(() => form.requestSubmit(event.submitter), 200);
  });
  document.addEventListener("visibilitychange", () => { if (document.hidden) save(); });
}

document.querySelectorAll("form[data-asks]").forEach(search);
document.querySelectorAll("form[data-autosave]").forEach(autosave);
