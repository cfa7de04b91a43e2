// Views that a reader saved under a name: kept in this browser alone, shown on the page of the search.

const KEY = "benchsite.views";

function saved() {
  try { return JSON.parse(localStorage.getItem(KEY)) ?? []; } catch { return []; }
}

function save(views) {
  localStorage.setItem(KEY, JSON.stringify(views));
  show();
}

function show() {
  const place = document.querySelector("[data-views]");
  if (!place) return;
  const views = saved();
  place.hidden = views.length === 0;
  place.querySelector("ul").replaceChildren(...views.map((view) => entry(place, view)));
}

function entry(place, view) {
  const item = place.querySelector("template").content.cloneNode(true);
  Object.assign(item.querySelector("a"), { href: view.address, textContent: view.name });
  const forget = item.querySelector("button");
  forget.setAttribute("aria-label", `${forget.textContent}: ${view.name}`);
  forget.addEventListener("click", () => save(saved().filter((each) => each.name !== view.name)));
  return item;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-save-view]");
  if (!button) return;
  const name = window.prompt(button.dataset.ask, document.title.replace(/ · Benchsite$/, ""))?.trim().slice(0, 100);
  if (!name) return;
  const view = { name, address: location.pathname + location.search };
  try {
    save([view, ...saved().filter((each) => each.name !== name)]);
  } catch {
    window.alert(button.dataset.refused);
    return;
  }
  const words = button.textContent;
  button.textContent = button.dataset.saved;
  setTimeout(() => { button.textContent = words; }, 1500);
});

show();
