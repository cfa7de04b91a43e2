// Looks from time to time whether an experiment that a page shows has new runs, and offers them without moving the page.

const OFTEN = 10_000;
const SELDOM = 120_000;

async function look(place) {
  const answer = await fetch(place.dataset.live, { headers: { Accept: "application/json" } });
  if (!answer.ok) return SELDOM;
  const found = await answer.json();
  const words = place.querySelector("[data-live-words]");
  if (words) words.textContent = found.words;
  const bar = place.querySelector("[data-live-bar]");
  if (bar) bar.value = found.runs;
  const running = place.querySelector("[data-live-running]");
  if (running) running.hidden = !found.is_running;
  place.dataset.runs ??= String(found.runs);
  const fresh = place.querySelector("[data-live-fresh]");
  if (fresh && Number(place.dataset.runs) < found.runs) fresh.hidden = false;
  return found.is_running ? OFTEN : SELDOM;
}

async function watch() {
  const place = document.querySelector("[data-live]");
  if (!place) return;
  let wait = SELDOM;
  if (!document.hidden) {
    try { wait = await look(place); } catch { /* offline: ask again later */ }
  }
  setTimeout(watch, wait);
}

setTimeout(watch, 2000);
