// The page as a whole: finds the views there are, follows them, and looks at the pipeline every two seconds.

import { Traffic } from "./feed.js";
import { behind, compact, h, number, time } from "./format.js";
import { renderPipeline } from "./pipeline.js";
import { ViewCard } from "./view.js";

const POLL_MS = 2000;
const element = (id) => document.getElementById(id);

const cards = [];
let reachable = true;
let status;
let previous;
/** The views and their columns as text: what must not change under the cards. */
let shape;

const FIGURES = ["events/s", "events", "rejected", "late", "watermark", "epoch"];
const figures = new Map(FIGURES.map((name) => {
  const [shown, note] = [h("span", {}, "–"), h("span", { class: "quiet note" })];
  element("figures").append(h("div", { class: "figure" }, h("dt", {}, name), h("dd", {}, shown, note)));
  return [name, { shown, note }];
}));

function figure(name, text, note = "") {
  const { shown, note: noted } = figures.get(name);
  shown.textContent = text;
  noted.textContent = note;
}

async function fetchJson(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: status ${response.status}`);
  return response.json();
}

function shapeOf(listing) {
  return JSON.stringify(listing.views.map((view) => [view.name, view.columns]));
}

async function makeCards() {
  const listing = await fetchJson("/v1/views");
  shape = shapeOf(listing);
  const traffic = new Traffic();
  for (const view of listing.views) {
    const card = new ViewCard(view, showConnection);
    cards.push(card);
    element("views").append(card.element);
    traffic.add(card.element, card.feed);
  }
  if (cards.length === 0) {
    element("views").append(h("p", { class: "card empty" }, "This pipeline publishes no views."));
  }
}

async function look() {
  try {
    const listed = shape === undefined;
    if (listed) await makeCards();
    const wasAway = !reachable;
    status = await fetchJson("/v1/pipeline");
    reachable = true;
    // Another pipeline may have come up at the same address.
    if (wasAway && !listed && shapeOf(await fetchJson("/v1/views")) !== shape) location.reload();
    showStatus();
  } catch {
    reachable = false;
  }
  showConnection();
}

function showStatus() {
  element("name").textContent = status.name;
  document.title = `${status.name} · Millstream`;
  const workers = `${status.workers} ${status.workers === 1 ? "worker" : "workers"}`;
  element("summary").textContent = `${workers} · views at most ${status.publish_interval_ms} ms apart`;

  const sum = (field, list) => list.reduce((total, item) => total + item[field], 0);
  const events = sum("events", status.sources);
  const late = Math.max(0, ...status.steps.map((step) => step.late));
  showRate(events);
  figure("events", number(events));
  figure("rejected", number(sum("rejected", status.sources)));
  figure("late", number(late));
  figure("epoch", status.epoch);
  const watermark = oldest(status.sources.flatMap((source) => source.partitions));
  figure("watermark", time(watermark, status.now), behind(watermark, status.now));
  renderPipeline(status, element("sources"), element("steps"));
}

function showRate(events) {
  const now = Date.parse(status.now);
  if (previous && now > previous.now && events >= previous.events) {
    const rate = (events - previous.events) / ((now - previous.now) / 1000);
    figure("events/s", rate >= 10000 ? compact(rate) : number(Math.round(rate)));
  }
  previous = { now, events };
}

/** The least watermark of the partitions that hold it back, or that of any if none does. */
function oldest(partitions) {
  const rank = (partition) => {
    if (partition.watermark === null || partition.watermark === "-infinity") return -Infinity;
    return partition.watermark === "infinity" ? Infinity : Date.parse(partition.watermark);
  };
  const holding = partitions.filter((partition) => partition.state === "active" || partition.state === "held");
  const asked = holding.length > 0 ? holding : partitions;
  const least = asked.reduce((a, b) => (a === undefined || rank(b) < rank(a) ? b : a), undefined);
  return least?.watermark;
}

function showConnection() {
  const pill = element("connection");
  const away = !reachable || cards.some((card) => card.feed.state === "reconnecting");
  const state = away ? "reconnecting" : status?.state ?? "connecting";
  pill.textContent = { reconnecting: "reconnecting…", connecting: "connecting…", running: "live" }[state] ?? state;
  pill.className = `pill ${state}`;
  document.body.classList.toggle("is-away", away);
}

// Only while somebody looks.
let timer;
async function keepLooking() {
  clearTimeout(timer);
  if (document.hidden) return;
  await look();
  clearTimeout(timer);
  timer = setTimeout(keepLooking, POLL_MS);
}
document.addEventListener("visibilitychange", keepLooking);
keepLooking();
