import { testsCell } from "../../../support/named-tests.ts";
import { dnsRules } from "./dns-rules.ts";
import { otherRules } from "./other-rules.ts";
import { proxyRules } from "./proxy-rules.ts";
import type { RuleGroup } from "./rule.ts";
import { sliceRules } from "./slice-rules.ts";
import { watchRules } from "./watch-rules.ts";

export const ruleGroups: readonly RuleGroup[] = [watchRules, ...sliceRules, ...dnsRules, ...otherRules, proxyRules];

/** What docs/discovery-rules.md says. */
export function rulesPage(): string {
  return [
    "# Rules of finding backends",
    "",
    "What each way of finding backends keeps to, and the test that holds it to that; what is not done has its reason. How they are",
    "used is in [discovery.md](discovery.md) and [kubernetes.md](kubernetes.md). `npm run discovery -- --table` writes this page, and",
    "a test compares it with the tests. A path is below `test/`; those of `suites` run with Kubernetes' own API server",
    "(`npm run kubernetes`), or real proxies.",
    ...ruleGroups.flatMap(({ title, rules }) => [
      "",
      `## ${title}`,
      "",
      "| rule | | tests |",
      "|---|---|---|",
      ...rules.map((rule) => `| ${rule.id} | ${rule.rule} | ${testsCell(rule)} |`),
    ]),
    "",
  ].join("\n");
}
