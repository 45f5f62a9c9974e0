/** One claim about memory, and whether it holds. */
export interface Verdict {
  readonly claim: string;
  readonly found: string;
  readonly holds: boolean;
}

export function kib(bytes: number): string {
  return `${(bytes / 1_024).toFixed(1)} KiB`;
}

export function printVerdict({ claim, found, holds }: Verdict): void {
  console.log(`${holds ? "holds " : "FAILED"}  ${claim}: ${found}`);
}
