// What every page can do: menus that open, forms that submit themselves, regions that change without a reload.

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
  const opened = document.getElementById(button.dataset.toggles).classList.toggle("is-open");
  button.setAttribute("aria-expanded", String(opened));
});

// ---------------------------------------------------------------- regions that change in place

const region = () => document.querySelector("[data-swap]");

async function swap(url, { push = true } = {}) {
  const old = region();
  if (!old) { location.assign(url); return; }
  old.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(answer.statusText);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-swap]");
    if (!fresh) throw new Error("no region");
    place(old, fresh);
  } catch {
    location.assign(url);
    return;
  }
  if (push) history.pushState({ swapped: true }, "", url);
}

function place(old, fresh) {
  const focused = document.activeElement?.id;
  const opened = [...old.querySelectorAll(".is-open")].map((element) => element.id);
  old.replaceWith(fresh);
  for (const id of opened) {
    document.getElementById(id)?.classList.add("is-open");
    document.querySelector(`[data-toggles="${id}"]`)?.setAttribute("aria-expanded", "true");
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  document.dispatchEvent(new Event("swapped"));
}

document.addEventListener("change", (event) => {
  const form = event.target.form ?? event.target.closest("form");
  if (form?.matches("[data-auto-submit]")) form.requestSubmit();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-auto-submit]")) return;
  event.preventDefault();
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  const url = query.size ? `${location.pathname}?${query}` : location.pathname;
  if (form.closest("[data-swap]")) swap(url);
  else location.assign(url);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-swap-link]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  swap(link.href);
});

addEventListener("popstate", () => {
  if (region()) swap(location.href, { push: false });
});
