// Days as "YYYY-MM-DD": business days, the day an installment is payable until (G.17), the day in São Paulo (G.8).

const DAY = 86_400_000;
const SAO_PAULO = new Intl.DateTimeFormat("en-CA", { timeZone: "America/Sao_Paulo", dateStyle: "short" });

const utc = (day) => Date.parse(`${day}T00:00:00Z`);

/** Give the day that many days later. */
export function addDays(day, days) {
  return new Date(utc(day) + days * DAY).toISOString().slice(0, 10);
}

/** Count the days from one day to another. */
export function daysBetween(from, to) {
  return Math.round((utc(to) - utc(from)) / DAY);
}

/** Give the last day on which an installment is paid without charges: the first business day from its due date. */
export function payableUntil(dueDate, holidays) {
  let day = dueDate;
  while (isWeekend(day) || holidays.has(day)) day = addDays(day, 1);
  return day;
}

function isWeekend(day) {
  const weekday = new Date(utc(day)).getUTCDay();
  return weekday === 0 || weekday === 6;
}

/** Give the day of an instant (Date or RFC 3339) in São Paulo. */
export function dayOf(instant) {
  return SAO_PAULO.format(new Date(instant));
}

/** Write an instant with São Paulo's offset, as the protocol sends `occurred_at`. */
export function withOffset(instant) {
  const shifted = new Date(instant.getTime() + offsetMinutes(instant) * 60_000).toISOString().slice(0, -1);
  const minutes = Math.abs(offsetMinutes(instant));
  const sign = offsetMinutes(instant) < 0 ? "-" : "+";
  return `${shifted}${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

const CLOCK = new Intl.DateTimeFormat("en-US", { timeZone: "America/Sao_Paulo", timeZoneName: "longOffset" });

function offsetMinutes(instant) {
  const name = CLOCK.formatToParts(instant).find((part) => part.type === "timeZoneName").value;
  const [, sign, hours, minutes] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(name);
  return sign ? Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes)) : 0;
}

const two = (number) => String(number).padStart(2, "0");

/** Write a day as "21/11/2026". */
export function formatDay(day) {
  const [year, month, date] = day.split("-");
  return `${date}/${month}/${year}`;
}

const MOMENT = new Intl.DateTimeFormat("pt-BR", {
  timeZone: "America/Sao_Paulo", day: "2-digit", month: "2-digit", year: "numeric", hour: "2-digit", minute: "2-digit",
});

/** Write an instant as "21/11/2026 14:03", São Paulo's time. */
export function formatMoment(instant) {
  return MOMENT.format(new Date(instant)).replace(",", "");
}
