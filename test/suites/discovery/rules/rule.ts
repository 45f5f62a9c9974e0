import type { TestedRow } from "../../../support/named-tests.ts";

/** What a way of finding backends has to keep to: a rule of its protocol, of those who run it, or of glink's own. */
export interface DiscoveryRule extends TestedRow {
  readonly rule: string;
}

/** Rules of one kind, numbered in their order. */
export interface RuleGroup {
  readonly title: string;
  readonly rules: readonly DiscoveryRule[];
}

/** A rule before it has its number. */
export type RuleText = Omit<DiscoveryRule, "id">;

export function groupOf(title: string, prefix: string, rules: readonly RuleText[]): RuleGroup {
  return { title, rules: rules.map((rule, i) => ({ id: `${prefix}${String(i + 1).padStart(2, "0")}`, ...rule })) };
}
