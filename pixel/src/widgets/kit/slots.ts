// The times at which a site calls back, as days and slots in the site's own time zone.

import type { SiteSettings } from "../../types";
import "./settings";

const DAY = 86_400_000; // ms

/** What is chosen ("2026-11-03 09:00-12:00") and how it reads. */
type Slot = [string, string];

/** [name of the day, slots]: from today on, without what is over. Raises RangeError for a time zone nobody knows. */
export function slotsOf(
  { slots = [], days = 5, weekends, timezone: timeZone = "UTC" }: NonNullable<SiteSettings["callback"]>,
  locales: string[],
  now: number,
): [string, Slot[]][] {
  const numbers = new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const named = new Intl.DateTimeFormat(locales, { timeZone: "UTC", weekday: "long", day: "numeric", month: "long" });
  const [, date = "", clock = ""] = /^(\S+), (\S+)$/.exec(numbers.format(now)) || [];
  const found: [string, Slot[]][] = [];
  if (!slots.length) return found;
  // Calendar days, counted at noon UTC: no change of clocks can skip or repeat one.
  for (let noon = Date.parse(date + "T12:00Z"); found.length < days; noon += DAY) {
    const day = new Date(noon);
    if (!weekends && day.getUTCDay() % 6 == 0) continue;
    const name = day.toISOString().slice(0, 10);
    const left = slots.filter((slot) => name != date || slot.slice(-5) > clock);
    if (left.length) found.push([named.format(day), left.map((slot) => [name + " " + slot, slot.replace("-", "\u2013")])]);
  }
  return found;
}
