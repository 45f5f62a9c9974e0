import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { until } from "../../support/load.ts";
import type { OpenPage, RealBrowser } from "./browser.ts";
import type { Situation } from "./situation.ts";

export type Check = (name: string, work: () => Promise<void>) => Promise<void>;

interface Given {
  readonly browser: RealBrowser;
  readonly situation: Situation;
  readonly url: string;
}

/** What the table of backends says: address and state of each row. */
function shownBackends({ page }: OpenPage): Promise<(readonly [string, string])[]> {
  return page.$$eval('div[id$="-backends"] tbody tr', (rows) =>
    rows.map((row) => {
      const text = (name: string) => row.querySelector(`[data-name="${name}"]`)?.textContent ?? "";
      return [text("Backend"), text("State").replace(/^\S+ (\S+?) for .*$/, "$1")] as const;
    }),
  );
}

/** Waits until the page shows what the snapshot says, and both are as `expected`. */
async function showsSnapshot(open: OpenPage, situation: Situation, expected: readonly string[]): Promise<void> {
  let shown = "";
  let is = "";
  const wanted = JSON.stringify(expected);
  for (const untilMs = performance.now() + 20_000; performance.now() < untilMs; ) {
    is = JSON.stringify(situation.transport.snapshot().subchannels.map(({ address, state }) => [address, state]));
    shown = JSON.stringify(await shownBackends(open));
    if (shown === is && JSON.stringify(JSON.parse(is).map(([, state]: string[]) => state)) === wanted) return;
    await open.page.waitForTimeout(50);
  }
  assert.equal(shown, is, `expected states: ${wanted}`);
  assert.fail(`the snapshot is ${is}, and not ${wanted}`);
}

export async function pageChecks({ browser, situation, url }: Given, check: Check): Promise<void> {
  const live = await browser.open(url);
  const text = (selector: string) => live.page.textContent(selector);

  await check("the page shows what the snapshot says, while a backend comes, is lost and leaves", async () => {
    await showsSnapshot(live, situation, ["ready", "ready", "ready"]);
    const named = [...situation.addresses, await situation.start("127.0.0.1")];
    situation.resolver.answer(...named);
    await showsSnapshot(live, situation, ["ready", "ready", "ready", "ready"]);
    const [lost = ""] = named;
    await situation.kill(lost);
    await live.page.waitForFunction(() =>
      document.querySelector(".verdict")?.textContent?.includes("3 of 4 backends ready"),
    );
    assert.match((await text(".failing")) ?? "", /ECONNREFUSED/);
    situation.resolver.answer(...situation.addresses);
    await showsSnapshot(live, situation, ["ready", "ready", "ready"]);
    assert.match((await text(".verdict")) ?? "", /^Nothing is wrong/);
    assert.match((await text('div[id$="-lookups"]')) ?? "", new RegExp(`removed ${lost}`));
  });

  await check("a failed attempt is told with what came of it, and a draining connection with its reason", async () => {
    const failing = situation.client.unary({ behavior: { failCode: Code.Unavailable, failMessage: "<b>x</b>" } });
    await assert.rejects(failing);
    await live.page.waitForFunction(() => document.querySelectorAll('div[id$="-failures"] tbody tr').length >= 3);
    assert.match((await text('div[id$="-failures"]')) ?? "", /retried after/);
    const [leaving = "", ...others] = situation.addresses;
    const held = Array.from({ length: 6 }, () => situation.client.unary({ behavior: { delayMs: 3_000 } }));
    await until("calls are open on it", () =>
      situation.transport
        .snapshot()
        .subchannels.some(({ address, openCalls }) => address === leaving && openCalls >= 2),
    );
    situation.resolver.answer(...others);
    await live.page.waitForFunction(() => document.querySelector('div[id$="-draining"] tbody tr') !== null);
    assert.match((await text('div[id$="-draining"]')) ?? "", new RegExp(`${leaving}its backend is no longer named`));
    await Promise.all(held);
    await live.page.waitForFunction(() => document.querySelector('div[id$="-draining"] tbody tr') === null);
  });

  await check("the drawing has a colour for each backend, and says its shares in words", async () => {
    await live.page.waitForFunction(() => document.querySelectorAll(".shares path").length >= 2);
    assert.match((await live.page.getAttribute(".shares", "aria-label")) ?? "", /127\.0\.0\.1:\d+ \d+/);
  });

  await check("it can be paused and resumed by the keyboard, and says so", async () => {
    await live.page.keyboard.press("Tab");
    assert.equal(await live.page.evaluate(() => document.activeElement?.id), "pause");
    await live.page.keyboard.press("Enter");
    assert.equal(await text("#live"), "paused");
    const taken = await text(".taken");
    await live.page.waitForTimeout(1_500);
    assert.equal(await text(".taken"), taken);
    await live.page.keyboard.press("Enter");
    await live.page.waitForFunction((before) => document.querySelector(".taken")?.textContent !== before, taken);
    assert.equal(await live.page.evaluate(() => document.activeElement?.id), "pause");
  });

  await check("it fits into 360 and 1600 pixels, light and dark, with text that contrasts enough", async () => {
    for (const width of [360, 1_600]) {
      await live.resize(width, 900);
      const overflow = await live.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(overflow <= 0, `${overflow} pixels beyond ${width}`);
    }
    for (const colorScheme of ["light", "dark"] as const) {
      await live.page.emulateMedia({ colorScheme });
      assert.deepEqual(await poorContrasts(live), [], colorScheme);
    }
  });

  await check("without JavaScript it is complete", async () => {
    const plain = await browser.open(url, { scripts: false });
    assert.deepEqual(
      await plain.page.$$eval("caption, h3", (titles) => titles.map(({ textContent }) => textContent)),
      await live.page.$$eval("caption, h3", (titles) => titles.map(({ textContent }) => textContent)),
    );
    assert.match((await plain.page.textContent("#live")) ?? "", /reload/);
    await plain.close();
  });

  await check("the console said nothing, and nothing was asked for elsewhere", async () => {
    assert.deepEqual(live.complaints, []);
  });
  await live.close();
}

/** Texts whose contrast with what is behind them is below 4.5 (WCAG AA). */
function poorContrasts({ page }: OpenPage): Promise<string[]> {
  return page.evaluate(() => {
    const channels = (color: string) => (color.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = (color: string) => {
      const [r = 0, g = 0, b = 0] = channels(color).map((value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element: Element | null): string => {
      if (element === null) return "rgb(255, 255, 255)";
      const { backgroundColor } = getComputedStyle(element);
      return channels(backgroundColor)[3] === 0 ? behind(element.parentElement) : backgroundColor;
    };
    const poor = Array.from(document.querySelectorAll("body *"))
      .filter((element) => Array.from(element.childNodes).some((node) => node.nodeType === Node.TEXT_NODE))
      .map((element) => {
        const lights = [luminance(getComputedStyle(element).color), luminance(behind(element))].sort((a, b) => b - a);
        return {
          ratio: ((lights[0] ?? 0) + 0.05) / ((lights[1] ?? 0) + 0.05),
          text: `${element.localName}.${element.className}`,
        };
      })
      .filter(({ ratio }) => ratio < 4.5);
    return [...new Set(poor.map(({ ratio, text }) => `${text}: ${ratio.toFixed(2)}`))];
  });
}
