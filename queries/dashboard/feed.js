// Feeds: the rows of a view, kept as the server has them.
//
// A feed streams the view's changes. A browser opens few connections to one server, so only the first
// views in sight stream; others in sight, and those too large to be held whole, are asked for
// every two seconds. What is out of sight, or in a tab that nobody looks at, costs nothing.

import { millis } from "./format.js";

/** Under these a row has its window's start and end in milliseconds, so that they are parsed once. */
export const START = Symbol("start");
export const END = Symbol("end");

const STREAMS_MAX = 4;
const ROWS_MAX = 50000;
const POLLED_ROWS = 5000;
const POLL_MS = 2000;
const RETRY_MS = 3000;

/** The rows of one view. */
export class Feed {
  /** `changed` is called after the rows have changed, `moved` when `state` has. */
  constructor(view, changed, moved) {
    this.name = view.name;
    this.key = view.key;
    this.rows = new Map();
    this.isLarge = view.rows > ROWS_MAX;
    this.state = "paused";
    this.mode = "off";
    this.changed = changed;
    this.moved = moved;
    this.path = `/v1/views/${encodeURIComponent(view.name)}`;
  }

  /** Streams, polls, or does nothing. */
  run(mode) {
    if (mode === this.mode) return;
    this.stop();
    this.mode = mode;
    if (mode === "stream") this.stream();
    if (mode === "poll") this.poll();
    if (mode === "off") this.turn("paused");
  }

  stop() {
    this.source?.close();
    this.source = undefined;
    clearTimeout(this.timer);
    this.mode = "off";
  }

  stream() {
    const source = new EventSource(`${this.path}/changes`);
    this.source = source;
    source.addEventListener("snapshot", (event) => {
      const data = JSON.parse(event.data);
      this.turn("live");
      this.replace(data);
      if (this.rows.size > ROWS_MAX) this.isLarge = true;
    });
    source.addEventListener("change", (event) => this.apply(JSON.parse(event.data)));
    source.onerror = () => {
      this.turn("reconnecting");
      // The browser tries again by itself unless the server answered with an error.
      if (source.readyState !== EventSource.CLOSED) return;
      this.timer = setTimeout(() => this.stream(), RETRY_MS);
    };
  }

  async poll() {
    try {
      const response = await fetch(`${this.path}?limit=${POLLED_ROWS}`);
      if (!response.ok) throw new Error(`status ${response.status}`);
      const data = await response.json();
      if (this.mode !== "poll") return;
      data.key = this.key ?? (await keyOf(this.name));
      this.turn("live");
      this.replace(data);
    } catch {
      if (this.mode === "poll") this.turn("reconnecting");
    }
    if (this.mode === "poll") this.timer = setTimeout(() => this.poll(), POLL_MS);
  }

  turn(state) {
    if (state === this.state) return;
    this.state = state;
    this.moved();
  }

  replace(data) {
    this.key = data.key ?? this.key;
    this.rows = new Map();
    for (const row of data.rows) this.set(row);
    this.note(data);
  }

  apply(data) {
    this.key = data.key ?? this.key;
    for (const row of data.rows) {
      if (row.op === "delete") this.rows.delete(this.id(row));
      else this.set(row);
    }
    if (data.retained_from && data.retained_from !== this.retainedFrom) this.forget(data.retained_from);
    this.note(data);
  }

  set(row) {
    row[START] = millis(row.window_start);
    row[END] = millis(row.window_end);
    this.rows.set(this.id(row), row);
  }

  /** Drops rows that the view itself no longer keeps: that is not told as a change. */
  forget(retainedFrom) {
    this.retainedFrom = retainedFrom;
    const from = millis(retainedFrom);
    for (const [id, row] of this.rows) {
      if (row[END] < from) this.rows.delete(id);
    }
  }

  note(data) {
    this.epoch = data.epoch;
    this.watermark = data.watermark;
    this.changed();
  }

  id(row) {
    return JSON.stringify((this.key ?? Object.keys(row)).map((column) => row[column]));
  }
}

async function keyOf(name) {
  const listing = await (await fetch("/v1/views")).json();
  return listing.views.find((view) => view.name === name)?.key;
}

/** Says for each feed whether it streams, by what is in sight. */
export class Traffic {
  constructor() {
    this.feeds = new Map();
    this.inSight = new Set();
    this.observer = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (entry.isIntersecting) this.inSight.add(entry.target);
        else this.inSight.delete(entry.target);
      }
      this.direct();
    }, { rootMargin: "200px" });
    document.addEventListener("visibilitychange", () => this.direct());
  }

  add(element, feed) {
    this.feeds.set(element, feed);
    this.observer.observe(element);
  }

  direct() {
    let streams = 0;
    for (const [element, feed] of this.feeds) {
      if (document.hidden || !this.inSight.has(element)) {
        feed.run("off");
      } else if (!feed.isLarge && streams < STREAMS_MAX) {
        streams += 1;
        feed.run("stream");
      } else {
        feed.run("poll");
      }
    }
  }
}
