// Times and names for people. Milliseconds since the epoch by the server's clock, seconds for lengths.

let ahead = 0;

export function setClock(now) {
  ahead = now - Date.now();
}

export const now = () => Date.now() + ahead;

export function length(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes}:${two(seconds % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });

export const clock = (at) => CLOCK.format(at);
export const day = (at) => DAY.format(at);

export const nameOf = (person) => person.label || person.number || "unknown";

const REASONS = {
  "participant-with-end-conference-on-exit-left": "a moderator left",
  "last-participant-left": "the last one left",
  "conference-ended-via-api": "ended by hand or through the API",
  "time-exceeded": "time was up",
};

export const reason = (word) => REASONS[word] ?? word;

export function count(number, one, many) {
  return `${number} ${number === 1 ? one : many}`;
}
