// Saves the figure that a button names as PNG or SVG, in the page's own theme, and copies addresses.

const chartOf = (figure) => window.chartOf(figure);

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const surface = () => getComputedStyle(document.documentElement).getPropertyValue("--surface").trim();

// The ground is painted under what is drawn, so that the picture stands on any page.
function asPng(figure) {
  const { canvas } = chartOf(figure).chart;
  const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
  const ctx = copy.getContext("2d");
  ctx.fillStyle = surface();
  ctx.fillRect(0, 0, copy.width, copy.height);
  ctx.drawImage(canvas, 0, 0);
  return new Promise((done) => { copy.toBlob(done, "image/png"); });
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

// The same chart is drawn once more, into a context that writes SVG instead of pixels.
async function asSvg(figure) {
  const { Context } = await import(figure.dataset.svgLibrary);
  const { chart, config } = chartOf(figure);
  const { width, height } = chart;
  const context = new Context(width, height);
  context.__applyText = writeText;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext = () => context;
  Object.defineProperty(context, "canvas", { value: canvas, configurable: true });
  const made = config();
  Object.assign(made.options, { responsive: false, animation: false, devicePixelRatio: 1, events: [] });
  delete made.options.plugins.zoom;
  made.data.datasets.forEach((set, at) => { set.hidden = !chart.isDatasetVisible(at); });
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

document.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-copy-link]");
  if (!link || !navigator.clipboard) return;
  event.preventDefault();
  const words = link.textContent;
  await navigator.clipboard.writeText(link.href);
  link.textContent = link.dataset.copied;
  setTimeout(() => { link.textContent = words; }, 1500);
});
