// What a chart tells of the place that a reader points at: a line there, and every series that has a value, sorted.

const MOST_TOLD = 16;
const MOST_WITH_DETAILS = 4;

const tokenOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const crosshair = {
  id: "crosshair",
  afterDatasetsDraw(chart) {
    const [item] = chart.tooltip?.getActiveElements() ?? [];
    if (!item || !chart.tooltip.opacity) return;
    const { ctx, chartArea: { top, bottom } } = chart;
    ctx.save();
    ctx.strokeStyle = tokenOf("control-line");
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(item.element.x, top);
    ctx.lineTo(item.element.x, bottom);
    ctx.stroke();
    ctx.restore();
  },
};

// Beside the line, on the side with more room, so that it covers little of what it tells about.
window.Chart.Tooltip.positioners.beside = function beside(items) {
  if (!items.length) return false;
  const { left, right, top } = this.chart.chartArea;
  const { x } = items[0].element;
  this.isLeft = x > (left + right) / 2;
  return { x: x + (this.isLeft ? -8 : 8), y: top + 8 };
};

function tooltip(unit, words, { token, digits, withUnit, fill }) {
  const interval = ({ low, high }) => fill(words.interval, { low: digits.format(low), high: withUnit(high, unit) });
  const isShort = (context) => context.chart.tooltip.getActiveElements().length > MOST_WITH_DETAILS;
  return {
    backgroundColor: token("ink"), titleColor: token("background"), bodyColor: token("background"), footerColor: token("background"),
    padding: 10, cornerRadius: 6, usePointStyle: true, boxPadding: 6, footerFont: { weight: 400 }, caretSize: 0,
    position: "beside", yAlign: "top", xAlign: ({ tooltip: shown }) => (shown?.isLeft ? "right" : "left"),
    itemSort: (one, other) => one.parsed.y - other.parsed.y,
    filter: (item, at, all) => all.filter(({ parsed }) => parsed.y < item.parsed.y).length < MOST_TOLD,
    callbacks: {
      title: (items) => {
        const [first] = items;
        if (!first) return "";
        if (first.raw.word) return items.length > 1 ? [...new Set(items.map(({ raw }) => raw.word))].slice(0, 2) : first.raw.word;
        const { axis, words: names } = first.chart.options.plugins.crosshair ?? {};
        return names?.[first.parsed.x] ?? (axis ? `${axis}: ${digits.format(first.parsed.x)}` : first.label);
      },
      label: (context) => {
        const { dataset, parsed, raw } = context;
        const told = `${dataset.label}: ${withUnit(parsed.y, unit)}`;
        return isShort(context) && raw.low !== null ? `${told} (${digits.format(raw.low)}–${digits.format(raw.high)})` : told;
      },
      afterLabel: (context) => {
        const { raw } = context;
        if (isShort(context)) return "";
        const runs = fill(words.runs, { runs: raw.runs });
        if (raw.low === null) return raw.runs > 1 ? runs : "";
        return `${interval(raw)}, ${runs}`;
      },
      footer: (items) => {
        const [first] = items;
        const more = first ? first.chart.tooltip.getActiveElements().length - items.length : 0;
        const lines = more > 0 ? [fill(words.more, { n: more })] : [];
        return items.some(({ raw }) => raw.url) ? [...lines, words.link] : lines;
      },
    },
  };
}

// ---------------------------------------------------------------- names at the lines' ends

// Where a chart is wide and its lines are few, each is named where it ends, in its own colour; none upon another.
const MOST_NAMED = 12;
const NAMED_FROM_WIDTH = 640;
const WIDEST_NAME = 240;
const NAME_HEIGHT = 15;
const NAME_FONT = () => `12px ${window.Chart.defaults.font.family}`;

// Without what all of them say.
function shortNames(labels) {
  const parts = labels.map((label) => label.split(" · "));
  const telling = parts.map((own) => own.filter((part) => !parts.every((other) => other.includes(part))).join(" · "));
  return telling.every(Boolean) ? telling : labels;
}

function fitted(ctx, text) {
  if (ctx.measureText(text).width <= WIDEST_NAME) return text;
  let kept = text;
  while (kept && ctx.measureText(`${kept}…`).width > WIDEST_NAME) kept = kept.slice(0, -1);
  return `${kept.trimEnd()}…`;
}

// The names, and the space that they take on the right; null where there are none.
function lineNames(canvas, width, sets) {
  if (width < NAMED_FROM_WIDTH || sets.length < 2 || sets.length > MOST_NAMED || !sets.every((set) => set.showLine)) return null;
  const ctx = canvas.getContext("2d");
  ctx.save();
  ctx.font = NAME_FONT();
  const names = shortNames(sets.map(({ label }) => label)).map((name) => fitted(ctx, name));
  const room = Math.ceil(Math.max(...names.map((name) => ctx.measureText(name).width))) + 22;
  ctx.restore();
  return { names, room };
}

// Places from top to bottom, each at least a name's height below the one before, and all above the bottom.
function spread(places, bottom) {
  const sorted = places.sort((one, other) => one.y - other.y);
  let free = -Infinity;
  for (const place of sorted) { place.at = Math.max(place.y, free); free = place.at + NAME_HEIGHT; }
  free = bottom;
  for (const place of [...sorted].reverse()) { place.at = Math.min(place.at, free); free = place.at - NAME_HEIGHT; }
  return sorted;
}

function endsOf(chart) {
  const { left, right, top, bottom } = chart.chartArea;
  return chart.getSortedVisibleDatasetMetas().flatMap(({ data, index }) => {
    const last = data.findLast(({ x, y }) => x >= left && x <= right + 1 && y >= top - 1 && y <= bottom + 1);
    return last ? [{ x: Math.round(last.x), y: last.y, index }] : [];
  });
}

const lineEnds = {
  id: "lineEnds",
  afterDatasetsDraw(chart, args, { names }) {
    if (!names) return;
    const { ctx, chartArea: { bottom } } = chart;
    ctx.save();
    ctx.font = NAME_FONT();
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    ctx.lineJoin = "round";
    const ends = endsOf(chart);
    for (const end of new Set(ends.map(({ x }) => x))) {
      for (const { x, y, at, index } of spread(ends.filter((each) => each.x === end), bottom)) {
        const { borderColor, hue, tint } = chart.data.datasets[index];
        const isLight = tint === 2 && borderColor.length === 7; // a line can be read so, words cannot
        ctx.strokeStyle = borderColor;
        ctx.lineWidth = 0.75;
        ctx.beginPath();
        ctx.moveTo(x + 6, y);
        ctx.lineTo(x + 16, at);
        ctx.stroke();
        ctx.strokeStyle = tokenOf("surface");
        ctx.lineWidth = 3;
        ctx.strokeText(names[index], x + 19, at);
        ctx.fillStyle = isLight ? tokenOf(hue) : borderColor;
        ctx.fillText(names[index], x + 19, at);
      }
    }
    ctx.restore();
  },
};

window.reading = { crosshair, tooltip, lineEnds, lineNames };
