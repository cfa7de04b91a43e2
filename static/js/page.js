// What every page can do: menus that open, texts to copy, forms that submit themselves, regions that change in place.

const themeSwitch = document.querySelector("[data-theme-switch]");
const nameTheme = () => {
  const other = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  themeSwitch.textContent = themeSwitch.dataset[other];
  themeSwitch.setAttribute("aria-label", themeSwitch.dataset[`${other}Label`]);
};
themeSwitch.hidden = false;
themeSwitch.addEventListener("click", () => window.switchTheme());
document.addEventListener("themechange", nameTheme);
nameTheme();

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-toggles]");
  if (!button) return;
  const shown = document.getElementById(button.dataset.toggles);
  const opened = shown.classList.toggle("is-open");
  const own = document.querySelectorAll(`[data-toggles="${button.dataset.toggles}"][aria-expanded]`);
  own.forEach((each) => each.setAttribute("aria-expanded", String(opened)));
  // From the foot of what it closed back to where it begins.
  if (!opened && !button.hasAttribute("aria-expanded")) own[0]?.focus();
});

// A chart for another page, as it is written there.
function frameOf(control) {
  const title = control.closest("figure").querySelector("canvas").getAttribute("aria-label").replace(/[&"<]/g, (each) => `&#${each.charCodeAt()};`);
  const address = new URL(control.dataset.embeds, location.href).href.replaceAll("&", "&amp;");
  return `<iframe src="${address}" title="${title}" width="960" height="720" loading="lazy" style="border: 0; max-width: 100%"></iframe>`;
}

// A badge for a README: the picture, which leads to its evidence.
function badgeOf(control) {
  const [image, page] = [control.dataset.badge, control.dataset.evidence].map((each) => new URL(each, location.href).href);
  return `[![${control.dataset.title}](${image})](${page})`;
}

// What a button names, or where a link leads, for the clipboard. Where the browser has none for us (plain http), a field
// to copy from.
document.addEventListener("click", async (event) => {
  const control = event.target.closest("[data-copies], [data-copy-link], [data-embeds], [data-badge]");
  if (!control) return;
  event.preventDefault();
  const named = document.getElementById(control.dataset.copies ?? "");
  const { embeds, badge } = control.dataset;
  const text = embeds ? frameOf(control) : badge ? badgeOf(control) : named ? named.textContent.trim() : location.href;
  const words = control.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    window.prompt(words, text);
    return;
  }
  control.textContent = control.dataset.copied;
  setTimeout(() => { control.textContent = words; }, 1500);
});

// ---------------------------------------------------------------- regions that change in place

// One after the other: what is clicked while an answer is under way is done again on the region that it brings. A form
// holds all that was changed in it before, so that its newer question takes the older one's place.

const region = () => document.querySelector("[data-swap]");
let queue = Promise.resolve();
let running = null;

function next(act) {
  queue = queue.then(act).catch(() => {});
}

async function swap(url, { push = true, form = false } = {}) {
  if (!region()) { location.assign(url); return; }
  if (push) url = withHidden(url);
  const own = new AbortController();
  running = { form, stop: () => own.abort() };
  region().setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html" }, signal: own.signal });
    if (!answer.ok) throw new Error(answer.statusText);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-swap]");
    if (own.signal.aborted) return;
    if (!fresh) throw new Error("no region");
    if (push) history.pushState({ swapped: true }, "", url);
    place(region(), fresh);
  } catch {
    if (!own.signal.aborted) location.assign(url);
  } finally {
    running = null;
  }
}

// Series that were hidden stay so whatever else is chosen; a reset shows all.
function withHidden(url) {
  const address = new URL(url, location.href);
  if (!address.search) return url;
  address.searchParams.delete("hide");
  for (const label of new URLSearchParams(location.search).getAll("hide")) address.searchParams.append("hide", label);
  return address.href;
}

function place(old, fresh) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const opened = [...old.querySelectorAll(".is-open")].map((element) => element.id);
  old.replaceWith(fresh);
  for (const id of opened) {
    document.getElementById(id)?.classList.add("is-open");
    document.querySelector(`[data-toggles="${id}"]`)?.setAttribute("aria-expanded", "true");
  }
  if (focused) now(focused)?.focus({ preventScroll: true });
  document.dispatchEvent(new Event("swapped"));
}

// The element itself as long as it is shown, else the one that has its place in the region that came since.
function now(element) {
  if (element.isConnected) return element;
  if (element.id) return document.getElementById(element.id);
  const words = element.textContent.trim();
  const alike = (each) => each.textContent.trim() === words && each.name === element.name && each.value === element.value;
  return [...(region()?.querySelectorAll(element.localName) ?? [])].find(alike);
}

document.addEventListener("change", (event) => {
  const form = event.target.form ?? event.target.closest("form");
  if (form?.matches("[data-auto-submit]")) form.requestSubmit();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-auto-submit]")) return;
  event.preventDefault();
  if (!form.closest("[data-swap]")) { location.assign(addressOf(form)); return; }
  const changed = document.activeElement?.form === form ? document.activeElement : null;
  const { checked, value } = changed ?? {};
  if (running?.form) running.stop();
  next(() => {
    const own = changed && now(changed);
    if (own && own !== changed) {
      if (own.type === "checkbox" || own.type === "radio") own.checked = checked;
      else own.value = value;
    }
    return swap(addressOf(now(form) ?? form), { form: true });
  });
});

function addressOf(form) {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  return query.size ? `${location.pathname}?${query}` : location.pathname;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-swap-link]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  next(() => swap((now(link) ?? link).href));
});

addEventListener("popstate", () => {
  running?.stop();
  if (region()) next(() => swap(location.href, { push: false }));
});
