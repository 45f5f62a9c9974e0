import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, test } from "node:test";
import { WriteStream } from "node:tty";
import { stripVTControlCharacters } from "node:util";
import { displayOn } from "../../../demo/display.ts";
import { liveLines } from "../../../demo/live-view.ts";
import { paintFor, withoutColours } from "../../../demo/paint.ts";
import { summaryLines } from "../../../demo/summary.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { demoView } from "./demo-view.ts";

checkForLeaks();

const controlSequence = "\x1b[";

/** A terminal, as far as the demo asks one. What is written to it can be read. */
function terminal(columns = 80, rows = 24): WriteStream & PassThrough {
  const { hasColors, getColorDepth } = WriteStream.prototype;
  return Object.assign(new PassThrough(), { isTTY: true, columns, rows, hasColors, getColorDepth }) as never;
}

function written(stream: PassThrough): string {
  let text = "";
  // Node 26 gives one chunk at a time.
  for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) text += chunk;
  return text;
}

describe("the demo's screen", () => {
  test("with ten backends it fits every terminal from 60 columns and 24 rows on, coloured or not", () => {
    const coloured = paintFor(terminal(), { TERM: "xterm-256color" });
    for (let columns = 60; columns <= 200; columns++) {
      const lines = liveLines(demoView(10), { columns, rows: 24 }, withoutColours);
      assert.ok(lines.length < 24, `${lines.length} lines`);
      for (const line of lines) assert.ok(line.length < columns, `${line.length} in ${columns} columns: ${line}`);
      const painted = liveLines(demoView(10), { columns, rows: 24 }, coloured);
      assert.deepEqual(painted.map(stripVTControlCharacters).map(trimEnd), lines);
      assert.ok(painted.some((line) => line.includes(controlSequence)));
    }
  });

  test("it says which client's calls go where, and what failed in which phase", () => {
    const lines = liveLines(demoView(3), { columns: 80, rows: 24 }, withoutColours);
    assert.match(lines[0] ?? "", /^glink demo, 12\.3 s, phase 2 of 6$/);
    const about = (start: string) => lines.find((line) => line.trim().startsWith(start))?.split(/\s{2,}/);
    assert.deepEqual(about("calls/s on"), ["calls/s on", "glink", "createGrpcTransport", "grpc-js"]);
    assert.deepEqual(about("127.0.0.2"), ["127.0.0.2", "serving", "███", "10", "█████████████", "40", "███", "10"]);
    assert.deepEqual(about("127.0.0.3"), ["127.0.0.3", "serving", "███", "10", "-", "███", "10"]);
    assert.deepEqual(about("start with 3"), ["", "start with 3", "0", "0", "0"]);
    assert.deepEqual(about("▸ scale up to 5"), ["▸ scale up to 5", "0", "7", "0"]);
    assert.deepEqual(about("kill one"), ["", "kill one"]);
  });

  test("on a lower terminal it is cut and never scrolls", () => {
    for (let rows = 2; rows < 24; rows++) {
      assert.ok(liveLines(demoView(10), { columns: 80, rows }, withoutColours).length < rows);
    }
  });

  test("the summary fits 60 columns too", () => {
    const { past, statistics } = demoView(5);
    for (const line of summaryLines(past, statistics, 59, withoutColours)) assert.ok(line.length < 60, line);
  });

  test("it draws again when the terminal's size changes, and gives the terminal back", () => {
    const stream = terminal(100);
    const display = displayOn(stream, withoutColours, { TERM: "xterm" });
    display.update(demoView(3));
    const widest = (text: string) =>
      Math.max(
        ...stripVTControlCharacters(text)
          .split("\r\n")
          .map(({ length }) => length),
      );
    const before = widest(written(stream));
    Object.assign(stream, { columns: 60 }).emit("resize");
    const after = widest(written(stream));
    assert.ok(before > 60 && before < 100, `${before}`);
    assert.ok(after < 60, `${after}`);
    display.close();
    // The cursor is shown, lines wrap, and what was there before is there again.
    assert.equal(written(stream), "\x1b[?7h\x1b[?25h\x1b[?1049l");
  });

  test("what a child process prints meanwhile is shown when the terminal is given back", (t) => {
    const errors = t.mock.method(process.stderr, "write", () => true);
    const display = displayOn(terminal(), withoutColours, { TERM: "xterm" });
    display.update(demoView(3));
    display.output?.("a warning\n");
    assert.equal(errors.mock.callCount(), 0);
    display.close();
    assert.deepEqual(errors.mock.calls.at(-1)?.arguments, ["a warning\n"]);
  });

  test("a pipe, a dumb terminal and CI get lines, without one control sequence", () => {
    for (const [stream, env] of [
      [Object.assign(terminal(), { isTTY: false }), { TERM: "xterm" }],
      [terminal(), { TERM: "dumb" }],
      [terminal(), { TERM: "xterm", CI: "true" }],
    ] as const) {
      const display = displayOn(stream, withoutColours, env);
      display.update(demoView(3));
      display.close();
      const text = written(stream);
      assert.ok(!text.includes("\x1b"), text);
      assert.match(
        text,
        /glink 10\+10\+10, 0 failed; createGrpcTransport 40, 7 failed; grpc-js 10\+10\+10, 0 failed\n$/,
      );
    }
  });

  test("NO_COLOR, a dumb terminal and a pipe have no colours", () => {
    const painted = (stream: WriteStream, env: NodeJS.ProcessEnv) => paintFor(stream, env)("red", "text");
    assert.equal(painted(terminal(), { TERM: "xterm" }), "\x1b[31mtext\x1b[0m");
    assert.equal(painted(terminal(), { TERM: "xterm", NO_COLOR: "1" }), "text");
    assert.equal(painted(terminal(), { TERM: "dumb" }), "text");
    assert.equal(painted(Object.assign(terminal(), { isTTY: false }), { TERM: "xterm" }), "text");
  });
});

function trimEnd(line: string): string {
  return line.trimEnd();
}
