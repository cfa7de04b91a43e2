// Saves a page's figures as PNG or SVG, in the page's own theme.

const chartOf = (figure) => window.chartOf(figure);

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const WIDTH = 960;
const SHARPNESS = 2;

// ---------------------------------------------------------------- a picture that stands alone

// Title, conditions and legend above, where it comes from below: who sees it in a paper knows what it shows.
function standalone(figure) {
  const { chart, config, sent } = chartOf(figure);
  const made = config();
  const shown = made.data.datasets.filter((set, at) => chart.isDatasetVisible(at)).length;
  const height = 520 + 24 * Math.ceil(shown / 3);
  Object.assign(made.options, { responsive: false, animation: false, events: [], layout: { padding: { top: 20, right: 28, bottom: 52, left: 20 } } });
  delete made.options.plugins.zoom;
  made.options.plugins.lineEnds = false; // its legend names them all
  Object.assign(made.options.plugins, titles(figure, sent));
  for (const name of ["x", "y"]) {
    const { min, max } = chart.scales[name]; // zoomed in, the picture is as well
    Object.assign(made.options.scales[name], { min, max });
  }
  made.data.datasets.forEach((set, at) => { set.hidden = !chart.isDatasetVisible(at); });
  made.plugins = [...made.plugins, ground, room, source(figure)];
  return { made, width: WIDTH, height };
}

function titles(figure, { options }) {
  const color = token("ink");
  const heading = [options.title, figure.dataset.label].filter(Boolean).join(" · ");
  const conditions = [options.note, ...options.marks, options.key].filter(Boolean);
  return {
    title: { display: true, text: heading, align: "start", color, font: { size: 19, weight: 600 }, padding: { bottom: 4 } },
    subtitle: { display: conditions.length > 0, text: conditions, align: "start", color: token("muted"), font: { size: 13 }, padding: { bottom: 10 } },
    legend: {
      display: true, align: "start",
      labels: { usePointStyle: true, color, font: { size: 13 }, boxHeight: 8, padding: 12, filter: ({ hidden }) => !hidden },
    },
  };
}

const ground = {
  id: "ground",
  beforeDraw({ ctx, width, height }) {
    ctx.save();
    ctx.fillStyle = token("surface");
    ctx.fillRect(0, 0, width, height);
    ctx.restore();
  },
};

// Between the legend and what it explains.
const room = {
  id: "room",
  beforeInit({ legend }) {
    const { fit } = legend;
    legend.fit = function roomier() { fit.call(this); this.height += 14; };
  },
};

const source = (figure) => ({
  id: "source",
  afterDraw({ ctx, width, height }) {
    ctx.save();
    ctx.fillStyle = token("muted");
    ctx.font = `12px ${window.Chart.defaults.font.family}`;
    ctx.textBaseline = "alphabetic";
    ctx.textAlign = "left";
    const from = figure.dataset.source?.replace(/\s+/g, " ").trim();
    if (from) ctx.fillText(from, 20, height - 32);
    ctx.fillText(location.href, 20, height - 14, width - 40);
    ctx.restore();
  },
});

function asPng(figure) {
  const { made, width, height } = standalone(figure);
  made.options.devicePixelRatio = SHARPNESS;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const copy = new window.Chart(canvas, made);
  return new Promise((done) => { canvas.toBlob((blob) => { copy.destroy(); done(blob); }, "image/png"); });
}

const anchors = { left: "start", start: "start", center: "middle", right: "end", end: "end" };
const baselines = { top: "text-before-edge", middle: "central", bottom: "text-after-edge", alphabetic: "alphabetic" };

// The library reads a font by way of an inline style, which the page's policy forbids; the style's own object is free.
function writeText(text, x, y, action) {
  const { style } = document.createElement("span");
  style.font = this.font;
  const parent = this.__closestGroupOrSvg();
  const element = this.__createElement("text", {
    "font-family": style.fontFamily, "font-size": style.fontSize, "font-weight": style.fontWeight, x, y,
    "text-anchor": anchors[this.textAlign] ?? "start", "dominant-baseline": baselines[this.textBaseline] ?? "alphabetic",
  }, true);
  element.append(text);
  this.__currentElement = element;
  this.__applyTransformation(element);
  this.__applyStyleToCurrentElement(action);
  parent.appendChild(element);
}

// Drawn into a context that writes SVG instead of pixels.
async function asSvg(figure) {
  const { Context } = await import(new URL(figure.dataset.svgLibrary, location.href));
  const { made, width, height } = standalone(figure);
  const context = new Context(width, height);
  context.__applyText = writeText;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext = () => context;
  Object.defineProperty(context, "canvas", { value: canvas, configurable: true });
  made.options.devicePixelRatio = 1;
  const copy = new window.Chart(canvas, made);
  const svg = context.getSerializedSvg(true);
  copy.destroy();
  return new Blob([svg], { type: "image/svg+xml" });
}

const makers = { png: asPng, svg: asSvg };
window.chartAs = makers;

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-save]");
  if (!button) return;
  const figures = [...document.querySelectorAll("figure[data-chart][data-drawn]")];
  for (const [at, figure] of figures.entries()) {
    const name = figures.length > 1 ? `${button.dataset.name}-${at + 1}` : button.dataset.name;
    save(await makers[button.dataset.save](figure), `${name}.${button.dataset.save}`);
  }
});
