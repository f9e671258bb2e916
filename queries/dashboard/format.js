// Values as text, and text as elements. Elements are only ever made from text nodes, never from
// markup, so nothing that an event carries can become part of the page's structure.

/** An element with properties and children; children that are not elements become text. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** A number in full if it is whole, else with four significant digits. */
export function number(value) {
  if (value === null || value === undefined) return "–";
  // Integers beyond 2^53 and decimals come as text, so that no digit is lost on the way.
  if (typeof value === "string") {
    return /^-?\d+$/.test(value) ? WHOLE.format(BigInt(value)) : value;
  }
  if (Number.isInteger(value) || Math.abs(value) >= 10000) return WHOLE.format(value);
  return SHORT.format(value);
}

/** A number in a few characters, for axes. */
export function compact(value) {
  return Math.abs(value) < 1000 ? SHORT.format(value) : COMPACT.format(value);
}

/** Seconds since 1970 as a time of day; midnight as the date. */
export function tick(seconds, step) {
  const [date, clock] = new Date(seconds * 1000).toISOString().split("T");
  if (clock.startsWith("00:00:00")) return date.slice(5);
  return clock.slice(0, step < 60 ? 8 : 5);
}

/** A number of bytes. */
export function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Milliseconds since 1970 of a time as the server writes it; NaN for one outside the calendar. */
export function millis(time) {
  return Date.parse(time);
}

/** A time of day, with the date in front unless it is that of `today`. */
export function time(text, today) {
  if (text === null || text === undefined) return "–";
  if (text === "infinity") return "end of input";
  if (text === "-infinity") return "none yet";
  const [date, clock] = text.replace("Z", "").split("T");
  if (clock === undefined) return text;
  const shown = clock.replace(/(\.\d{3})\d+$/, "$1");
  return today !== undefined && today.startsWith(date) ? shown : `${date} ${shown}`;
}

/** A window, without dates where they are that of `today`. */
export function span(start, end, today) {
  const sameDay = today.startsWith(start.slice(0, 10));
  const parts = [time(start, today), time(end, sameDay ? today : start)];
  // Windows of whole minutes, which most are, need no seconds.
  const whole = parts.every((part) => /\d\d:\d\d:00$/.test(part));
  return parts.map((part) => (whole ? part.slice(0, -3) : part)).join(" – ");
}

/** How far `text` lies behind `now`. */
export function behind(text, now) {
  const gap = millis(now) - millis(text);
  if (Number.isNaN(gap)) return "";
  const seconds = Math.max(0, gap) / 1000;
  if (gap < -1000) return `${duration(-gap / 1000)} ahead`;
  return seconds < 1 ? "up to date" : `${duration(seconds)} behind`;
}

function duration(seconds) {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${WHOLE.format(Math.floor(seconds / 86400))} d`;
}

/** Any value of a row, by the type of its column. */
export function value(given, kind) {
  if (given === null || given === undefined) return "–";
  if (kind === "timestamp") return time(given);
  if (isNumeric(kind)) return number(given);
  return String(given);
}

/** Whether a column's values are numbers. */
export function isNumeric(kind) {
  return kind === "int64" || kind === "float64" || kind === "decimal";
}
