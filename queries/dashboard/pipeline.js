// The pipeline: where events come from, what happens to them, and why time stands where it stands.

import { behind, bytes, h, number, time } from "./format.js";

/** Fills the panel of the pipeline from its status. */
export function renderPipeline(status, sources, steps) {
  const wasOpen = new Map([...sources.querySelectorAll("details")].map((d) => [d.dataset.name, d.open]));
  sources.replaceChildren(...status.sources.map((source) => renderSource(source, status.now, wasOpen)));
  steps.replaceChildren(renderSteps(status), h("p", { class: "quiet" }, commits(status)));
}

/** What holds if the process dies, and how far it has come with that. */
function commits({ guarantee, committed }) {
  if (guarantee.level === "nothing") return "No state is kept: a new run begins anew.";
  const level = guarantee.level.replaceAll("-", " ");
  const because = guarantee.because.length > 0 ? `: ${guarantee.because.join("; ")}` : "";
  const last = committed === null ? "nothing is committed yet" : `committed up to epoch ${committed}`;
  return `If it is killed and started again, events count ${level}${because}. So far ${last}.`;
}

function renderSource(source, now, wasOpen) {
  const n = source.partitions.length;
  const rejected = source.rejected > 0 ? ` · ${number(source.rejected)} rejected` : "";
  const partitions = `${n} ${n === 1 ? "partition" : "partitions"}`;
  const counts = ` source · ${number(source.events)} events${rejected} · ${partitions}`;
  const summary = h("summary", {}, h("strong", {}, source.name), h("span", { class: "quiet" }, counts));
  const names = ["#", "state", "watermark", "why it stands there", "events", "rejected", "waiting", "read"];
  const numeric = new Set(["#", "events", "rejected", "waiting", "read"]);
  const head = h("tr", {}, ...names.map((name) => h("th", { class: numeric.has(name) ? "number" : "" }, name)));
  const rows = source.partitions.map((partition) => renderPartition(partition, now));
  const table = h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows));
  const open = wasOpen.get(source.name) ?? n <= 4;
  const details = h("details", { open }, summary, h("div", { class: "scroll" }, table));
  details.dataset.name = source.name;
  return details;
}

function renderPartition(partition, now) {
  const watermark = time(partition.watermark, now);
  const late = partition.watermark === null ? "" : behind(partition.watermark, now);
  return h("tr", {},
    h("td", { class: "number" }, String(partition.partition)),
    h("td", {}, h("span", { class: `tag ${partition.state}` }, partition.state)),
    h("td", { class: "window" }, watermark, late === "" ? null : h("span", { class: "quiet" }, ` ${late}`)),
    h("td", { class: "reason" }, partition.reason),
    h("td", { class: "number" }, number(partition.events)),
    h("td", { class: partition.rejected > 0 ? "number warn" : "number" }, number(partition.rejected)),
    h("td", { class: "number" }, partition.lag === null ? "" : number(partition.lag)),
    renderProgress(partition));
}

function renderProgress(partition) {
  if (partition.bytes_total === null) return h("td", { class: "number" }, bytes(partition.bytes));
  const share = partition.bytes_total === 0 ? 1 : partition.bytes / partition.bytes_total;
  const cell = h("td", { class: "number bar", title: `${bytes(partition.bytes)} of ${bytes(partition.bytes_total)}` },
    `${Math.floor(share * 100)} %`);
  cell.style.setProperty("--share", `${Math.min(share * 100, 100).toFixed(1)}%`);
  return cell;
}

function renderSteps(status) {
  const names = ["step", "reads", "in", "out", "late", "open windows", "rows kept", "state", "watermark"];
  const numeric = new Set(["in", "out", "late", "open windows", "rows kept", "state"]);
  const head = h("tr", {}, ...names.map((name) => h("th", { class: numeric.has(name) ? "number" : "" }, name)));
  const rows = status.steps.map((step) => renderStep(step, status.now));
  const table = h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows));
  return h("div", { class: "scroll" }, table);
}

function renderStep(step, now) {
  const name = h("td", {}, h("strong", {}, step.name), h("span", { class: "quiet" }, ` ${step.kind}`));
  const watermark = h("td", { class: "window" }, time(step.watermark, now));
  if (step.waits_for) watermark.append(h("span", { class: "quiet block" }, step.waits_for));
  return h("tr", {}, name,
    h("td", {}, step.inputs.join(", ")),
    h("td", { class: "number" }, number(step.records_in)),
    h("td", { class: "number" }, number(step.records_out)),
    h("td", { class: step.late > 0 ? "number warn" : "number" }, number(step.late)),
    h("td", { class: "number" }, number(step.open_windows)),
    h("td", { class: "number" }, number(step.keys)),
    h("td", { class: "number" }, bytes(step.state_bytes)),
    watermark);
}
