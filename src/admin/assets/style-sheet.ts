/** The page's looks. One colour for each state, none of them alone: each state has a sign and a word too. */
export const styleSheet: string = `:root {
  color-scheme: light dark;
  --ground: #f6f7f9;
  --paper: #ffffff;
  --ink: #1b2330;
  --faint: #566072;
  --line: #dde1e8;
  --well: #1a7440;
  --busy: #8a5a00;
  --bad: #b3211a;
  --still: #566072;
  --accent: #1d5fb4;
  --slot0: #2f6fc4;
  --slot1: #d0742c;
  --slot2: #3a8f4d;
  --slot3: #8b54b5;
  --slot4: #b08900;
  --slot5: #11899b;
  --slot6: #c2447e;
  --slot7: #6d7f1e;
  --slot8: #7a6048;
  --slot9: #5b64d6;
  --slots: #8a94a3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161c;
    --paper: #1a2029;
    --ink: #e4e8ee;
    --faint: #a0aab8;
    --line: #303846;
    --well: #62c88a;
    --busy: #e0b04a;
    --bad: #ff8a7f;
    --still: #a0aab8;
    --accent: #7db2f5;
    --slot0: #6aa5ee;
    --slot1: #ec9a59;
    --slot2: #6cc080;
    --slot3: #bd8ee2;
    --slot4: #d9b83f;
    --slot5: #4fbccb;
    --slot6: #e880ae;
    --slot7: #a9bb58;
    --slot8: #b89b80;
    --slot9: #9aa1f5;
    --slots: #7c8696;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto;
  max-width: 1560px;
  padding: 0 clamp(12px, 2vw, 32px) 48px;
  background: var(--ground);
  color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
code { font: 0.93em ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
small, .facts, .taken, .none, figcaption { color: var(--faint); font-size: 0.87em; }
.top { display: flex; flex-wrap: wrap; gap: 6px 16px; align-items: center; padding: 14px 0 6px; }
.top h1 { margin: 0; font-size: 1.15em; letter-spacing: 0.02em; }
.top #live { flex: 1 1 8em; color: var(--faint); font-size: 0.87em; }
.top #live.live::before { content: "● "; color: var(--well); }
.top #live.lost { color: var(--bad); font-weight: 600; }
button {
  font: inherit;
  font-size: 0.87em;
  padding: 3px 14px;
  color: var(--ink);
  background: var(--paper);
  border: 1px solid var(--faint);
  border-radius: 6px;
  cursor: pointer;
}
.verdict { margin: 4px 0 0; font-size: 1.35em; font-weight: 600; line-height: 1.3; overflow-wrap: anywhere; }
.taken { margin: 0 0 14px; }
.target, #overview table {
  background: var(--paper);
  border: 1px solid var(--line);
  border-radius: 12px;
}
.target { margin: 0 0 24px; padding: 16px clamp(12px, 1.6vw, 24px) 20px; }
.target header { display: flex; flex-wrap: wrap; gap: 4px 18px; align-items: baseline; }
.target > div + div { margin-top: 18px; }
h2 { margin: 0; font-size: 1.2em; overflow-wrap: anywhere; }
h3 { margin: 0 0 4px; font-size: 0.95em; }
.trouble { margin: 6px 0; padding: 6px 12px; border-left: 3px solid var(--bad); overflow-wrap: anywhere; }
.badge { white-space: nowrap; font-weight: 600; }
.well { color: var(--well); }
.busy { color: var(--busy); }
.bad { color: var(--bad); white-space: normal; }
.still { color: var(--still); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px 20px; margin: 12px 0 6px; }
.figures dt { color: var(--faint); font-size: 0.87em; }
.figures dd { margin: 0; }
.figures strong { display: block; font-size: 1.45em; font-weight: 600; line-height: 1.2; }
.facts { margin: 8px 0 0; max-width: 110ch; }
figure { margin: 0; }
.shares { display: block; width: 100%; height: 96px; background: var(--ground); border-radius: 8px; }
.shares path { stroke: var(--paper); stroke-width: 1px; vector-effect: non-scaling-stroke; }
figcaption { margin-top: 4px; }
.swatch { display: inline-block; width: 0.7em; height: 0.7em; margin-right: 8px; border-radius: 3px; }
${slotRules()}
.bar { display: block; width: 100%; min-width: 70px; height: 5px; margin-top: 2px; border-radius: 3px; background: var(--line); }
.bar rect { fill: var(--accent); }
table { width: 100%; border-collapse: collapse; }
caption { padding: 0 0 4px; text-align: left; font-weight: 600; font-size: 0.95em; }
#overview table { margin-bottom: 24px; border-collapse: separate; border-spacing: 0; padding: 8px 12px; }
th, td { padding: 6px 12px 6px 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--faint); font-size: 0.87em; font-weight: 500; white-space: nowrap; }
tbody th { font-weight: 500; }
th code, td code { display: inline-block; min-width: 22ch; }
td small { display: inline-block; }
.figure { text-align: right; }
td.figure { white-space: nowrap; }
.error { overflow-wrap: anywhere; }
.failing > th { box-shadow: -8px 0 0 -5px var(--bad); }
.none { margin: 0; }
.events { margin: 0; padding: 0; list-style: none; font-size: 0.93em; }
.events li { display: flex; gap: 12px; padding: 2px 0; overflow-wrap: anywhere; }
time { color: var(--faint); white-space: nowrap; }
@media (max-width: 900px) {
  table, tbody, tr { display: block; }
  caption { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { padding: 8px 0; border-bottom: 1px solid var(--line); }
  tbody tr:last-child { border-bottom: 0; }
  th, td { display: block; border: 0; padding: 1px 0; }
  tbody th { overflow-wrap: anywhere; }
  th code, td code { min-width: 0; }
  td.figure { text-align: left; white-space: normal; }
  td { display: grid; grid-template-columns: 8.5em 1fr; }
  td::before { content: attr(data-name); grid-row: 1 / span 4; color: var(--faint); font-size: 0.87em; }
  td > * { grid-column: 2; justify-self: start; }
  .bar { max-width: 220px; }
}
@media (forced-colors: active) {
  .swatch, .shares path, .bar rect { forced-color-adjust: none; }
}
`;

/** A rule for each colour of the drawing, and one for what has none of its own. */
function slotRules(): string {
  const slots = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "s"];
  return slots.map((slot) => `.slot${slot} { fill: var(--slot${slot}); background: var(--slot${slot}); }`).join("\n");
}
