// Draws each figure[data-chart] with Chart.js from the JSON that its address gives.

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const digits = new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: 3 });
const drawn = new Map();

// An interval is a bar in the series' own colour, with a cap at each end, under the marker.
const intervals = {
  id: "intervals",
  beforeDatasetDraw(chart, { index, meta }) {
    const set = chart.data.datasets[index];
    if (!chart.options.plugins.intervals?.shown || meta.hidden) return;
    const { ctx, scales: { y }, chartArea: { top, bottom } } = chart;
    const within = (pixel) => Math.min(Math.max(pixel, top), bottom);
    ctx.save();
    ctx.strokeStyle = set.borderColor;
    ctx.lineWidth = 1.5;
    meta.data.forEach(({ x }, at) => {
      const { low, high } = set.data[at];
      if (low === null || high === null) return;
      const [from, to] = [within(y.getPixelForValue(low)), within(y.getPixelForValue(high))];
      ctx.beginPath();
      for (const [start, end] of [[[x, from], [x, to]], [[x - 4, from], [x + 4, from]], [[x - 4, to], [x + 4, to]]]) {
        ctx.moveTo(...start);
        ctx.lineTo(...end);
      }
      ctx.stroke();
    });
    ctx.restore();
  },
};

function axis({ fixedTicks, unit, title, ...rest }) {
  const label = (value) => (unit ? `${digits.format(value)} ${unit}` : digits.format(value));
  return {
    ...rest,
    title: { ...title, color: token("muted"), font: { size: 13 }, padding: 8 },
    grid: { color: token("line"), drawTicks: false },
    border: { display: false },
    ticks: { color: token("muted"), padding: 8, callback: label, autoSkip: !fixedTicks, maxRotation: 0 },
    ...(fixedTicks && { afterBuildTicks: (scale) => { scale.ticks = fixedTicks.map((value) => ({ value })); } }),
  };
}

// Values that stand too close together for their words keep their place and lose the word. Positions come from the
// bounds, since words are wanted before the axis is laid out.
function roomy(fixed, { min, max, chart }) {
  const at = (value) => (Math.log(value / min) / Math.log(max / min)) * (chart.width - 96);
  let last = -Infinity;
  return new Set(fixed.filter((value) => {
    const fits = at(value) - last >= 36;
    if (fits) last = at(value);
    return fits;
  }));
}

function xAxis(options) {
  const { fixedTicks } = options;
  const made = axis(options);
  made.grid = { display: false };
  if (fixedTicks) {
    made.ticks.callback = function callback(value) {
      return roomy(fixedTicks, this).has(value) ? digits.format(value) : "";
    };
  }
  return made;
}

function dressed(sets) {
  return sets.map((set) => {
    const colour = token(set.hue);
    return {
      ...set, borderColor: colour, backgroundColor: colour, pointBorderColor: colour,
      pointBackgroundColor: set.filled ? colour : token("surface"),
    };
  });
}

function tooltip(unit) {
  const words = (value) => (unit ? `${digits.format(value)} ${unit}` : digits.format(value));
  return {
    backgroundColor: token("ink"), titleColor: token("background"), bodyColor: token("background"),
    padding: 10, cornerRadius: 6, usePointStyle: true, boxPadding: 6,
    callbacks: {
      label: ({ dataset, parsed }) => `${dataset.label}: ${words(parsed.y)}`,
      afterLabel: ({ raw }) => {
        if (raw.low === null) return raw.runs > 1 ? `${raw.runs} runs` : "";
        return `95 %: ${digits.format(raw.low)} to ${words(raw.high)}, ${raw.runs} runs`;
      },
    },
  };
}

function config({ type, data, options }) {
  const { x, y } = options.scales;
  return {
    type,
    data: { datasets: dressed(data.datasets) },
    options: {
      responsive: true, maintainAspectRatio: false, animation: false, parsing: false, normalized: true,
      interaction: { mode: "nearest", intersect: false },
      layout: { padding: { top: 8, right: 16 } },
      scales: { x: xAxis(x), y: axis(y) },
      plugins: { legend: { display: false }, tooltip: tooltip(y.unit), intervals: { shown: options.intervals } },
    },
    plugins: [intervals],
  };
}

async function draw(figure) {
  const state = figure.querySelector("[data-chart-state]");
  try {
    const answer = await fetch(figure.dataset.chart);
    if (!answer.ok) throw new Error(answer.statusText);
    const sent = await answer.json();
    show(figure, sent);
    state.hidden = true;
  } catch {
    state.hidden = false;
    state.textContent = "The chart's numbers did not arrive. The table below has them; load the page again for the chart.";
  }
}

function show(figure, sent) {
  const hidden = new Set([...figure.querySelectorAll('[aria-pressed="false"]')].map((item) => Number(item.dataset.series)));
  drawn.get(figure)?.chart.destroy();
  const chart = new window.Chart(figure.querySelector("canvas"), config(sent));
  hidden.forEach((index) => chart.hide(index));
  drawn.set(figure, { chart, sent });
  figure.dataset.drawn = "true";
}

function drawAll() {
  for (const [figure, { chart }] of drawn) {
    if (!figure.isConnected) { chart.destroy(); drawn.delete(figure); }
  }
  document.querySelectorAll("figure[data-chart]").forEach((figure) => { if (!drawn.has(figure)) draw(figure); });
}

document.addEventListener("click", (event) => {
  const item = event.target.closest(".legend-item");
  if (!item) return;
  const { chart } = drawn.get(item.closest("figure")) ?? {};
  if (!chart) return;
  const shown = item.getAttribute("aria-pressed") !== "true";
  item.setAttribute("aria-pressed", String(shown));
  chart.setDatasetVisibility(Number(item.dataset.series), shown);
  chart.update();
});

document.addEventListener("themechange", () => drawn.forEach(({ sent }, figure) => show(figure, sent)));
document.addEventListener("swapped", drawAll);
window.Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
document.fonts.ready.then(drawAll);
