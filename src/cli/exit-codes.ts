/** What the process tells whoever started it: docs/cli.md. */
export const exitCode = {
  good: 0,
  usage: 1,
  notResolved: 2,
  someBad: 3,
  allBad: 4,
  notServing: 5,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
