import type { Spread } from "../statistics.ts";

/** Three significant digits, without an exponent. */
export function digits(value: number): string {
  if (value >= 100) return Math.round(value).toString();
  return value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

/** As documents have it: `2 029`, `36`, `3.6`. */
export function grouped(value: number): string {
  if (Math.abs(value) < 9.95) return value.toFixed(1);
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, " ");
}

/** The median, with the least and the most in brackets. */
export function rangeText({ median, min, max }: Spread, format: (value: number) => string): string {
  return `${format(median)} (${format(min)}–${format(max)})`;
}

/** `23 November 2026`, of a date as JSON has it. */
export function day(date: string): string {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" }).format(new Date(date));
}
