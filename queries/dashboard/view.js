// One view as a card: a chart over its windows, and a table of the newest.

import { END, Feed, START } from "./feed.js";
import { compact, h, isNumeric, number, span, tick, value } from "./format.js";

const TABLE_ROWS = 20;
const TOP = 5;
const CHART_HEIGHT = 220;
const RENDER_MS = 250;
/** Of the time that passes, one part in so many at most goes into drawing. */
const RENDER_SHARE = 8;

/** The card of a view; `moved` is called when its connection changed. */
export class ViewCard {
  constructor(view, moved) {
    this.name = view.name;
    this.columns = view.columns;
    this.windowed = view.columns[0]?.name === "window_start" && view.columns[1]?.name === "window_end";
    this.hasFinal = this.windowed && view.columns.at(-1)?.name === "final";
    this.slots = [];
    this.mode = "top";
    this.feed = new Feed(view, () => this.schedule(), () => moved());
    this.build();
  }

  build() {
    this.about = h("p", { class: "quiet" }, "no rows yet");
    this.controls = h("div", { class: "controls" });
    this.chartBox = h("div", { class: "chart" });
    this.body = h("div", { class: "table-box" }, h("p", { class: "empty" }, "Waiting for the first rows…"));
    const title = h("div", {}, h("h2", {}, this.name), this.about);
    this.element = h("article", { class: "card" },
      h("div", { class: "card-head" }, title, this.controls), this.chartBox, this.body);
    new ResizeObserver(() => this.resize()).observe(this.chartBox);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.dropChart();
      this.schedule();
    });
  }

  /** Renders soon, and not more than a few times a second however fast the changes come. */
  schedule() {
    if (this.scheduled) return;
    this.scheduled = true;
    const wait = Math.max(0, (this.renderNext ?? 0) - performance.now());
    setTimeout(() => requestAnimationFrame(() => {
      this.scheduled = false;
      const before = performance.now();
      this.render();
      const took = performance.now() - before;
      this.renderNext = before + Math.max(RENDER_MS, took * RENDER_SHARE);
    }), wait);
  }

  render() {
    const rows = [...this.feed.rows.values()];
    // A windowed view's newest windows come first; of one window, or of all rows without, the largest.
    this.sortOutColumns();
    const first = this.metrics[0]?.name;
    const size = (row) => (first === undefined ? 0 : Number(row[first] ?? -Infinity));
    rows.sort((a, b) => (this.windowed ? b[START] - a[START] : 0) || size(b) - size(a));
    this.about.textContent = rows.length === 0
      ? "no rows yet"
      : `${number(rows.length)} ${rows.length === 1 ? "row" : "rows"}` +
        (this.windowed ? ` · ${rows[0].window_start.slice(0, 10)}` : "") +
        (this.feed.mode === "poll" ? " · every 2 s" : "");
    if (rows.length === 0) {
      this.body.replaceChildren(h("p", { class: "empty" }, "Waiting for the first rows…"));
      this.dropChart();
      return;
    }
    this.renderControls();
    if (this.windowed && this.metrics.length > 0) this.renderChart(rows);
    this.renderTable(rows, size);
  }

  /** Which columns are the key's and which are numbers; known once there is a row. */
  sortOutColumns() {
    if (this.metrics && this.sortedBy === this.feed.key?.join()) return;
    this.sortedBy = this.feed.key?.join();
    const key = new Set(this.feed.key ?? []);
    const others = this.columns.slice(this.windowed ? 2 : 0, this.hasFinal ? -1 : undefined);
    this.keys = others.filter((column) => key.has(column.name));
    this.values = others.filter((column) => !key.has(column.name));
    this.metrics = this.values.filter((column) => isNumeric(column.type));
    this.metric = this.metrics[0];
  }

  renderControls() {
    if (this.controlsAreThere || !this.windowed || this.metrics.length === 0) return;
    this.controlsAreThere = true;
    // Without a key all numbers are in the chart, so there is nothing to choose.
    if (this.keys.length === 0) return;
    const options = this.metrics.map((column) => h("option", { value: column.name }, column.name));
    const select = h("select", { "aria-label": "Column in the chart" }, ...options);
    select.addEventListener("change", () => {
      this.metric = this.metrics.find((column) => column.name === select.value);
      this.choose(this.mode);
    });
    const button = (mode, label) => {
      const made = h("button", { type: "button" }, label);
      made.addEventListener("click", () => this.choose(mode));
      return made;
    };
    this.buttons = { top: button("top", `top ${TOP}`), total: button("total", "total") };
    this.controls.append(select, h("div", { class: "segments" }, this.buttons.top, this.buttons.total));
    this.choose("top");
  }

  choose(mode) {
    // Counts add up over keys; means, quantiles and other fractions do not.
    const adds = this.metric.type !== "float64";
    this.mode = adds ? mode : "top";
    this.buttons.total.disabled = !adds;
    for (const [name, made] of Object.entries(this.buttons)) {
      made.setAttribute("aria-pressed", String(name === this.mode));
    }
    this.dropChart();
    this.schedule();
  }

  renderChart(rows) {
    const regular = areRegular(rows);
    const { labels, data, kinds } = this.chartData(rows, regular);
    this.liveFrom = liveFrom(rows, this.hasFinal);
    const shape = JSON.stringify([labels, regular]);
    if (this.shape !== shape) {
      this.dropChart();
      this.shape = shape;
      this.plot = makePlot(this, { labels, kinds, data, regular });
    } else {
      this.plot.setData(data);
    }
    showNewest(this.plot);
  }

  chartData(rows, regular) {
    const seconds = [...new Set(rows.map((row) => row[START] / 1000))];
    const xs = withGaps(seconds.sort((a, b) => a - b), regular);
    const at = new Map(xs.map((x, i) => [x, i]));
    const line = (chosen, column) => {
      const isCount = column.type === "int64";
      const ys = new Array(xs.length).fill(regular && isCount ? 0 : null);
      for (const row of chosen) {
        const i = at.get(row[START] / 1000);
        const y = row[column.name];
        if (y !== null) ys[i] = (ys[i] ?? 0) + Number(y);
      }
      return ys;
    };
    if (this.keys.length === 0) {
      const shown = this.metrics.slice(0, TOP);
      return {
        labels: shown.map((column) => column.name),
        kinds: shown.map((column, i) => (i < 2 ? `y${i}` : `hidden${i}`)),
        data: [xs, ...shown.map((column) => line(rows, column))],
      };
    }
    if (this.mode === "total") {
      return { labels: ["total"], kinds: ["y0"], data: [xs, line(rows, this.metric)] };
    }
    const byKey = new Map();
    for (const row of rows) {
      const key = this.keyText(row);
      if (!byKey.has(key)) byKey.set(key, []);
      byKey.get(key).push(row);
    }
    this.assignSlots(byKey);
    const labels = this.slots.map((slot) => slot ?? "");
    const ys = labels.map((label) => line(byKey.get(label) ?? [], this.metric));
    return { labels, kinds: labels.map(() => "y0"), data: [xs, ...ys] };
  }

  /** Gives the largest keys a line each; one that stays among them keeps its colour. */
  assignSlots(byKey) {
    const weight = (rows) => rows.reduce((sum, row) => sum + Number(row[this.metrics[0].name] ?? 0), 0);
    const weighed = [...byKey].map(([key, rows]) => [key, weight(rows)]);
    weighed.sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    const top = new Set(weighed.slice(0, TOP).map(([key]) => key));
    const slots = this.slots.map((slot) => (top.has(slot) ? slot : undefined));
    const fresh = [...top].filter((key) => !slots.includes(key));
    while (slots.length < top.size) slots.push(undefined);
    this.slots = slots.map((slot) => slot ?? fresh.shift()).filter((slot) => slot !== undefined);
  }

  keyText(row) {
    return this.keys.map((column) => value(row[column.name], column.type)).join(" · ");
  }

  dropChart() {
    this.plot?.destroy();
    this.plot = undefined;
    this.shape = undefined;
  }

  resize() {
    const width = this.chartBox.clientWidth;
    if (this.plot && width > 0 && width !== this.plot.width) {
      this.plot.setSize({ width, height: CHART_HEIGHT });
    }
  }

  renderTable(rows, size) {
    const first = this.metrics[0]?.name;
    const today = rows[0].window_start;
    const shown = rows.slice(0, TABLE_ROWS);
    const largest = Math.max(...shown.map(size), 0);

    const cells = [...this.keys, ...this.values];
    const head = h("tr", {},
      this.windowed ? h("th", {}, "window") : null,
      this.hasFinal ? h("th", {}, "state") : null,
      ...cells.map((column) => h("th", { class: isNumeric(column.type) ? "number" : "" }, column.name)));
    const isLast = (row, i) => i + 1 < shown.length && row[START] !== shown[i + 1][START];
    // Worth a line only where windows have several rows.
    const areGroups = this.windowed && shown.filter(isLast).length < shown.length / 2;
    const line = (row, i) => h("tr", { class: areGroups && isLast(row, i) ? "last-of-window" : "" },
      this.windowed ? h("td", { class: "window" }, span(row.window_start, row.window_end, today)) : null,
      this.hasFinal ? h("td", {}, stateOf(row)) : null,
      ...cells.map((column) => this.cell(row, column, column.name === first ? size(row) / largest : 0)));
    const table = h("table", {}, h("thead", {}, head), h("tbody", {}, ...shown.map(line)));
    const more = rows.length > shown.length
      ? h("p", { class: "quiet more" }, `and ${number(rows.length - shown.length)} more at `,
        h("a", { href: this.feed.path }, this.feed.path))
      : null;
    this.body.replaceChildren(h("div", { class: "scroll" }, table), ...(more ? [more] : []));
  }

  cell(row, column, share) {
    const text = value(row[column.name], column.type);
    if (!isNumeric(column.type)) return h("td", { class: "text", title: text }, text);
    const made = h("td", { class: share > 0 ? "number bar" : "number" }, text);
    if (share > 0) made.style.setProperty("--share", `${(share * 100).toFixed(1)}%`);
    return made;
  }
}

function stateOf(row) {
  return h("span", { class: row.final ? "tag" : "tag live" }, row.final ? "final" : "live");
}

/** Whether all windows are equally long, as tumbling and hopping ones are and sessions are not. */
function areRegular(rows) {
  const length = (row) => row[END] - row[START];
  return rows.every((row) => length(row) === length(rows[0]));
}

/** The times, with one more on either side of a gap, so that a line does not run across it. */
function withGaps(xs, regular) {
  if (!regular || xs.length < 3) return xs;
  let step = Infinity;
  for (let i = 1; i < xs.length; i += 1) step = Math.min(step, xs[i] - xs[i - 1]);
  const filled = [];
  for (const x of xs) {
    const before = filled.at(-1);
    if (before !== undefined && x - before > 1.5 * step) {
      filled.push(before + step);
      if (x - before > 2.5 * step) filled.push(x - step);
    }
    filled.push(x);
  }
  return filled;
}

/** The start of the oldest window that is still open, in seconds. */
function liveFrom(rows, hasFinal) {
  if (!hasFinal) return undefined;
  const open = rows.filter((row) => !row.final).map((row) => row[START] / 1000);
  return open.length === 0 ? undefined : open.reduce((a, b) => Math.min(a, b));
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function makePlot(card, { labels, kinds, data, regular }) {
  const grid = { stroke: colour("--grid"), width: 1 };
  const axis = { stroke: colour("--quiet"), grid, ticks: { show: false }, font: "12px system-ui" };
  const amount = { ...axis, size: 56, values: (_, ticks) => ticks.map(compact) };
  const series = labels.map((label, i) => ({
    label,
    scale: kinds[i],
    stroke: colour(`--series-${i + 1}`),
    width: 2,
    points: { size: 6, show: !regular || data[0].length < 40, fill: colour(`--series-${i + 1}`) },
    // Sessions begin whenever they do: a line between them would say nothing.
    paths: regular ? undefined : () => null,
    value: (_, y) => number(y),
  }));
  const ticks = (_, xs, __, ___, step) => xs.map((x) => tick(x, step));
  const axes = [{ ...axis, size: 30, space: 64, values: ticks }, { ...amount, scale: "y0" }];
  if (kinds.includes("y1")) axes.push({ ...amount, scale: "y1", side: 1, grid: { show: false } });
  const fromZero = (_, min, max) => [Math.min(0, min), max > min || max > 0 ? max * 1.08 : 1];
  const scales = Object.fromEntries(kinds.map((kind) => [kind, { range: fromZero }]));
  const options = {
    width: Math.max(card.chartBox.clientWidth, 200),
    height: CHART_HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    cursor: { y: false, points: { size: 7 } },
    scales: { x: { range: spread }, ...scales },
    series: [{ label: "window", value: "{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}" }, ...series],
    axes,
    hooks: {
      drawClear: [(plot) => shadeOpen(plot, card.liveFrom)],
      setCursor: [(plot) => { if (plot.cursor.idx === null || plot.cursor.left < 0) showNewest(plot); }],
    },
  };
  return new uPlot(options, data, card.chartBox);
}

/** The range of times; a single one gets some room around it, instead of the years that the library adds. */
function spread(plot, min, max) {
  const times = plot.data[0];
  return times.length === 1 ? [times[0] - 60, times[0] + 60] : [min, max];
}

/** Tints the part of the chart whose windows are still open. */
function shadeOpen(plot, from) {
  if (from === undefined) return;
  const { left, top, width, height } = plot.bbox;
  // From the last point that is final, since that is where a line begins to be provisional.
  const before = plot.data[0].filter((x) => x < from).at(-1) ?? from;
  const x = Math.max(left, plot.valToPos(before, "x", true));
  const context = plot.ctx;
  context.save();
  context.fillStyle = colour("--open");
  context.fillRect(x, top, left + width - x, height);
  context.restore();
}

/** Has the legend show the newest values while the pointer is elsewhere. */
function showNewest(plot) {
  const hovered = plot.cursor.idx !== null && plot.cursor.idx !== undefined && plot.cursor.left >= 0;
  if (!hovered && plot.data[0].length > 0) plot.setLegend({ idx: plot.data[0].length - 1 }, false);
}
