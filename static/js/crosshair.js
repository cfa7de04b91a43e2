// What a chart tells of the place that a reader points at: a line there, and every series that has a value, sorted.

const MOST_TOLD = 16;
const MOST_WITH_DETAILS = 4;

const crosshair = {
  id: "crosshair",
  afterDatasetsDraw(chart) {
    const [item] = chart.tooltip?.getActiveElements() ?? [];
    if (!item || !chart.tooltip.opacity) return;
    const { ctx, chartArea: { top, bottom } } = chart;
    ctx.save();
    ctx.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--control-line").trim();
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

window.reading = { crosshair, tooltip };
