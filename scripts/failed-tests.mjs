// A reporter for Node's test runner: what failed, a line of JSON each, and nothing of what passed. The runner's own report of
// some thousand tests says it somewhere in the middle.
export default async function* failedTests(events) {
  for await (const { type, data } of events) {
    if (type !== "test:fail" || data.todo !== undefined) continue;
    const { error } = data.details;
    // A suite, or a test around others, fails for what is within it, which has a line of its own.
    if (error?.failureType === "subtestsFailed") continue;
    yield `${JSON.stringify({ file: data.file, name: data.name, why: String(error?.cause?.stack ?? error?.stack ?? error) })}\n`;
  }
}
