// Draws each figure[data-chart] with Chart.js from the JSON that its address gives.

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const digits = new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: 3 });
const precise = (count) => new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: count });
const withUnit = (value, unit, format = digits) => `${format.format(value)}${unit === "×" || !unit ? unit : ` ${unit}`}`;
// As many digits as tell one tick from the next.
const apart = (value, ticks) => {
  const step = ticks.length > 1 ? Math.abs(ticks[1].value - ticks[0].value) : 0;
  const count = step && value ? Math.ceil(Math.log10(Math.abs(value) / step)) + 1 : 3;
  return count > 3 ? precise(Math.min(count, 8)) : digits;
};
const { crosshair, tooltip, lineEnds, lineNames } = window.reading;
const fill = (words, values) => words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const drawn = new Map();
window.chartOf = (figure) => drawn.get(figure);

// ---------------------------------------------------------------- what Chart.js does not draw by itself

function bar(ctx, x, from, to) {
  ctx.beginPath();
  for (const [start, end] of [[[x, from], [x, to]], [[x - 4, from], [x + 4, from]], [[x - 4, to], [x + 4, to]]]) {
    ctx.moveTo(...start);
    ctx.lineTo(...end);
  }
  ctx.stroke();
}

function band(ctx, places) {
  if (places.length < 2) return;
  ctx.globalAlpha = 0.16;
  ctx.beginPath();
  places.forEach(({ x, high }, at) => (at ? ctx.lineTo(x, high) : ctx.moveTo(x, high)));
  [...places].reverse().forEach(({ x, low }) => ctx.lineTo(x, low));
  ctx.closePath();
  ctx.fill();
}

// Each run by itself: a faint dot, beside the marker that would hide it.
function dots(ctx, meta, set, y) {
  ctx.globalAlpha = 0.5;
  meta.data.forEach(({ x }, at) => (set.data[at].each ?? []).forEach((value) => {
    ctx.beginPath();
    ctx.arc(x - 10, y.getPixelForValue(value), 2.5, 0, 2 * Math.PI);
    ctx.fill();
  }));
}

// An interval is a bar in the series' own colour, with a cap at each end, under the marker; or a band along the line.
const intervals = {
  id: "intervals",
  beforeDatasetDraw(chart, { index, meta }) {
    const set = chart.data.datasets[index];
    const shown = chart.options.plugins.intervals?.shown;
    if (!shown || shown === "none" || meta.hidden) return;
    const { ctx, scales: { y }, chartArea: { top, bottom } } = chart;
    const within = (value) => Math.min(Math.max(y.getPixelForValue(value), top), bottom);
    const places = meta.data.flatMap(({ x }, at) => {
      const { low, high } = set.data[at];
      return low === null || high === null ? [] : [{ x, low: within(low), high: within(high) }];
    });
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = set.borderColor;
    ctx.lineWidth = set.borderWidth;
    if (shown === "runs") dots(ctx, meta, set, y);
    else if (shown === "bands") band(ctx, places);
    else places.forEach(({ x, low, high }) => bar(ctx, x, low, high));
    ctx.restore();
  },
};

// Where all series have one and the same x, their marks would stand upon each other: they stand side by side.
const WIDEST_STEP = 28;
const haveOneX = (sets) => sets.length > 1 && new Set(sets.flatMap(({ data }) => data.map(({ x }) => x))).size === 1;
const sideBySide = {
  id: "sideBySide",
  afterDatasetUpdate({ data: { datasets }, chartArea: { left, right } }, { index, meta }) {
    if (!haveOneX(datasets)) return;
    const step = Math.min(WIDEST_STEP, (0.8 * (right - left)) / (datasets.length - 1));
    for (const mark of meta.data) mark.x += (index - (datasets.length - 1) / 2) * step;
  },
};

// Between the labelled values of a log axis, the others of each decade: fainter, so that one sees which scale it is.
const MOST_DECADES = 4;
const minorGrid = {
  id: "minorGrid",
  beforeDatasetsDraw(chart) {
    const { ctx, scales: { y }, chartArea: { left, right } } = chart;
    if (y.type !== "logarithmic" || Math.log10(y.max / y.min) > MOST_DECADES) return;
    ctx.save();
    ctx.strokeStyle = token("line");
    ctx.globalAlpha = 0.45;
    ctx.lineWidth = 1;
    ctx.beginPath();
    for (let decade = 10 ** Math.floor(Math.log10(y.min)); decade < y.max; decade *= 10) {
      for (const value of [2, 3, 4, 5, 6, 7, 8, 9].map((each) => each * decade).filter((each) => each > y.min && each < y.max)) {
        const at = Math.round(y.getPixelForValue(value)) + 0.5;
        ctx.moveTo(left, at);
        ctx.lineTo(right, at);
      }
    }
    ctx.stroke();
    ctx.restore();
  },
};

// A value of x that means something, such as the number of physical cores.
const verticals = {
  id: "verticals",
  beforeDatasetsDraw(chart) {
    const { ctx, scales: { x: scale }, chartArea: { top, bottom, left, right } } = chart;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = token("muted");
    ctx.setLineDash([3, 3]);
    ctx.font = `12px ${window.Chart.defaults.font.family}`;
    // Each label stands a line below the one before, so that none runs into another.
    for (const [number, { x, label }] of (chart.options.plugins.verticals?.marks ?? []).entries()) {
      const at = scale.getPixelForValue(x);
      if (at < left || at > right) continue;
      ctx.beginPath();
      ctx.moveTo(at, top);
      ctx.lineTo(at, bottom);
      ctx.stroke();
      ctx.textAlign = at > (left + right) / 2 ? "right" : "left";
      ctx.fillText(label, at + (ctx.textAlign === "right" ? -6 : 6), top + 12 + 15 * number);
    }
    ctx.restore();
  },
};

// ---------------------------------------------------------------- axes

function axis({ fixedTicks, words, unit, title, ...rest }) {
  return {
    ...rest,
    title: { ...title, color: token("muted"), font: { size: 13 }, padding: 8 },
    grid: { color: token("line"), drawTicks: false },
    border: { display: false },
    ticks: { color: token("muted"), padding: 8, callback: (value, at, all) => withUnit(value, unit, apart(value, all)), autoSkip: !fixedTicks, maxRotation: 0 },
    ...(fixedTicks && { afterBuildTicks: (scale) => { scale.ticks = ticksWithin(scale, fixedTicks); } }),
  };
}

// Zoomed in between two of the fixed ticks, the scale's own are better than none.
function ticksWithin({ min, max, ticks }, fixed) {
  const inside = fixed.filter((value) => value >= min && value <= max);
  return inside.length > 1 || inside.length === fixed.length ? inside.map((value) => ({ value })) : ticks;
}

// Values that stand too close together for their words keep their place and lose the word. Positions come from the
// bounds, since words are wanted before the axis is laid out.
function roomy(fixed, { min, max, chart, type }, needed) {
  const share = type === "logarithmic" ? (value) => Math.log(value / min) / Math.log(max / min) : (value) => (value - min) / (max - min);
  let last = -Infinity;
  return new Set(fixed.filter((value) => {
    const fits = share(value) * (chart.width - 96) - last >= needed;
    if (fits) last = share(value) * (chart.width - 96);
    return fits;
  }));
}

function xAxis(options) {
  const { fixedTicks, words } = options;
  const made = axis(options);
  made.grid = { display: false };
  if (fixedTicks) {
    const word = (value) => (words ? words[fixedTicks.indexOf(value)] ?? "" : digits.format(value));
    const needed = words ? 12 + 7 * Math.max(...words.map((each) => each.length)) : 36;
    made.ticks.callback = function callback(value) {
      return roomy(fixedTicks, this, needed).has(value) || !fixedTicks.includes(value) ? word(value) : "";
    };
  }
  return made;
}

// ---------------------------------------------------------------- the whole

// As components.css mixes them for swatches: towards the ink or the ground.
const TINTS = [[1, "ink"], [0.55, "ink"], [0.6, "surface"], [0.25, "ink"]];
const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

function colourOf({ hue, tint }) {
  const [share, other] = TINTS[tint];
  const [own, mixed] = [channels(token(hue)), channels(token(other))];
  return `#${own.map((value, at) => Math.round(share * value + (1 - share) * mixed[at]).toString(16).padStart(2, "0")).join("")}`;
}

function dressed(sets) {
  return sets.map((set) => {
    const colour = colourOf(set);
    return {
      ...set, segment: {}, borderColor: colour, backgroundColor: colour, pointBorderColor: colour,
      pointBackgroundColor: set.filled ? colour : token("surface"),
    };
  });
}

function zoom(figure) {
  const changed = ({ chart }) => { offerReset(figure); rememberZoom(chart); };
  return {
    zoom: { wheel: { enabled: true, modifierKey: "ctrl" }, pinch: { enabled: true }, drag: { enabled: matchMedia("(hover: hover)").matches, backgroundColor: "rgba(110, 150, 220, .18)" }, mode: "xy", onZoomComplete: changed },
  };
}

const wordsAt = ({ fixedTicks, words }) => (fixedTicks && words ? Object.fromEntries(fixedTicks.map((value, at) => [value, words[at]])) : undefined);

function config({ type, data, options }, figure) {
  const { x, y } = options.scales;
  const isOneColumn = haveOneX(data.datasets);
  const named = isOneColumn ? null : lineNames(figure.querySelector("canvas"), figure.clientWidth, data.datasets);
  return {
    type,
    data: { datasets: dressed(data.datasets) },
    options: {
      responsive: true, maintainAspectRatio: false, animation: false, parsing: false, normalized: true,
      interaction: isOneColumn ? { mode: "index", intersect: false } : { mode: "nearest", axis: "x", intersect: false },
      layout: { padding: { top: 8, right: 16 + (named?.room ?? 0) } },
      scales: { x: xAxis(x), y: axis(y) },
      onClick: (event, items, chart) => {
        const [item] = chart.getElementsAtEventForMode(event, "nearest", { intersect: true }, false);
        const url = item && chart.data.datasets[item.datasetIndex].data[item.index].url;
        if (url) location.assign(new URL(url, new URL(figure.dataset.chart, location.href)));
      },
      plugins: {
        legend: { display: false }, tooltip: tooltip(y.unit, options.words, { token, digits, withUnit, fill }), intervals: { shown: options.intervals },
        verticals: { marks: options.verticals }, crosshair: { axis: x.title?.text, words: wordsAt(x) }, lineEnds: { names: named?.names }, ...(figure.dataset.zoom !== undefined && { zoom: zoom(figure) }),
      },
    },
    plugins: [sideBySide, minorGrid, intervals, verticals, crosshair, lineEnds],
  };
}

async function draw(figure) {
  const state = figure.querySelector("[data-chart-state]");
  drawn.set(figure, {});
  try {
    const answer = await fetch(figure.dataset.chart);
    if (!answer.ok) throw new Error(answer.statusText);
    show(figure, await answer.json());
    state.parentElement.hidden = true;
  } catch {
    drawn.delete(figure);
    state.parentElement.hidden = false;
    state.textContent = figure.dataset.failed;
  }
}

function show(figure, sent) {
  const before = drawn.get(figure)?.chart;
  const zoomed = before ? zoomOf(before) : zoomAsked(figure);
  before?.destroy();
  const chart = new window.Chart(figure.querySelector("canvas"), config(sent, figure));
  for (const [axis, bounds] of zoomed) chart.zoomScale(axis, bounds);
  if (zoomed.length) offerReset(figure);
  drawn.set(figure, { chart, sent, config: () => config(sent, figure) });
  for (const label of hiddenSeries()) setShown(label, false);
  figure.dataset.drawn = "true";
}

// Another theme draws anew, and shows the same part.
const zoomOf = (chart) => (chart?.isZoomedOrPanned?.() ? ["x", "y"].map((axis) => [axis, { min: chart.scales[axis].min, max: chart.scales[axis].max }]) : []);

// ---------------------------------------------------------------- the part that is shown, by its bounds in the address

function offerReset(figure) {
  const reset = figure.querySelector("[data-reset-zoom]");
  if (reset) reset.hidden = false;
}

function setParameter(name, value) {
  const address = new URL(location.href);
  if (value) address.searchParams.set(name, value);
  else address.searchParams.delete(name);
  history.replaceState(history.state, "", address);
}

// Of one chart: which of several a part belongs to, an address does not say.
const isSole = () => document.querySelectorAll("figure[data-zoom]").length === 1;

function rememberZoom(chart) {
  if (isSole()) setParameter("zoom", zoomOf(chart).flatMap(([, { min, max }]) => [min, max]).map((bound) => Number(bound.toPrecision(5))).join("~"));
}

function zoomAsked(figure) {
  const bounds = (new URLSearchParams(location.search).get("zoom") ?? "").split("~").map(Number);
  if (figure.dataset.zoom === undefined || !isSole() || bounds.length !== 4 || !bounds.every(Number.isFinite)) return [];
  const [left, right, low, high] = bounds;
  return left < right && low < high ? [["x", { min: left, max: right }], ["y", { min: low, max: high }]] : [];
}

// ---------------------------------------------------------------- hidden series, by their labels in the address

const hiddenSeries = () => new URLSearchParams(location.search).getAll("hide");

function rememberHidden(label, shown) {
  const address = new URL(location.href);
  const others = hiddenSeries().filter((each) => each !== label);
  address.searchParams.delete("hide");
  for (const each of shown ? others : [...others, label]) address.searchParams.append("hide", each);
  history.replaceState(history.state, "", address);
}

// In every chart of the page that has it: small multiples show the same series.
function setShown(label, shown) {
  for (const [figure, { chart }] of drawn) {
    const at = chart?.data.datasets.findIndex((set) => set.label === label) ?? -1;
    if (at < 0) continue;
    figure.querySelector(`[data-series="${at}"]`)?.setAttribute("aria-pressed", String(shown));
    chart.setDatasetVisibility(at, shown);
    chart.update();
  }
}

function drawAll() {
  for (const [figure, { chart }] of drawn) {
    if (!figure.isConnected) { chart?.destroy(); drawn.delete(figure); }
  }
  document.querySelectorAll("figure[data-chart]").forEach((figure) => { if (!drawn.has(figure)) draw(figure); });
}

document.addEventListener("click", (event) => {
  const item = event.target.closest(".legend-item");
  const { chart } = (item && drawn.get(item.closest("figure"))) ?? {};
  if (!chart) return;
  const labels = chart.data.datasets.map((set) => set.label);
  const label = labels[Number(item.dataset.series)];
  if (event.shiftKey) showAlone(label, labels);
  else {
    const shown = item.getAttribute("aria-pressed") !== "true";
    setShown(label, shown);
    rememberHidden(label, shown);
  }
  highlight(item);
});

// With Shift: this series alone; once more, all of them.
function showAlone(label, labels) {
  const hidden = new Set(hiddenSeries());
  const isAlone = labels.every((each) => hidden.has(each) === (each !== label));
  for (const each of labels) {
    const shown = isAlone || each === label;
    setShown(each, shown);
    rememberHidden(each, shown);
  }
}

// What the reader points at in the legend stands out: the others fade.
function highlight(item) {
  const { chart } = drawn.get(item.closest("figure")) ?? {};
  if (!chart) return;
  const isMeant = item.matches(":hover, :focus-visible") && item.getAttribute("aria-pressed") === "true";
  const at = isMeant ? Number(item.dataset.series) : -1;
  chart.data.datasets.forEach((set, number) => {
    const colour = colourOf(set) + (at < 0 || at === number ? "" : FADED);
    Object.assign(set, { borderColor: colour, pointBorderColor: colour, pointBackgroundColor: set.filled ? colour : token("surface") });
  });
  chart.update();
}
const FADED = "2b";

for (const kind of ["pointerover", "pointerout", "focusin", "focusout"]) {
  document.addEventListener(kind, (event) => {
    const item = event.target.closest?.(".legend-item");
    // After the browser has told the item of it, so that its own state is the new one.
    if (item && !item.contains(event.relatedTarget)) requestAnimationFrame(() => highlight(item));
  });
}

document.addEventListener("click", (event) => {
  const reset = event.target.closest("[data-reset-zoom]");
  if (!reset) return;
  drawn.get(reset.closest("figure"))?.chart?.resetZoom();
  reset.hidden = true;
  setParameter("zoom", "");
});

document.addEventListener("themechange", () => drawn.forEach(({ sent }, figure) => { if (sent) show(figure, sent); }));
document.addEventListener("swapped", drawAll);
window.Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
document.fonts.ready.then(drawAll);
