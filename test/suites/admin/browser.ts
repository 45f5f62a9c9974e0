import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

export type ColorScheme = "light" | "dark";

/** Where Debian and others put it. */
const paths = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The browser of this machine; undefined: it has none. */
export function browserPath(): string | undefined {
  return paths.find((path) => existsSync(path));
}

/** A real Chromium without a window. */
export async function openBrowser(): Promise<RealBrowser> {
  const executablePath = browserPath();
  if (executablePath === undefined) throw new Error("no Chromium is installed");
  return new RealBrowser(await chromium.launch({ executablePath, args: ["--no-sandbox"] }));
}

export class RealBrowser {
  readonly #browser: Browser;

  constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** `scripts`: false is a browser with JavaScript turned off. */
  async open(url: string, { width = 1280, height = 900, scripts = true } = {}): Promise<OpenPage> {
    const context = await this.#browser.newContext({ viewport: { width, height }, javaScriptEnabled: scripts });
    // tsx gives functions their names by a helper, which functions that run in the page do not find there.
    await context.addInitScript("globalThis.__name = (named) => named");
    const page = await context.newPage();
    const open = new OpenPage(page);
    await page.goto(url);
    return open;
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}

/** A page in it, and what its console said. */
export class OpenPage {
  readonly page: Page;
  /** Errors and warnings of the console, exceptions, and requests that failed or went elsewhere. */
  readonly complaints: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("dialog", (dialog) => {
      this.complaints.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }

  async picture(path: string, colorScheme: ColorScheme): Promise<void> {
    await this.page.emulateMedia({ colorScheme });
    await this.page.screenshot({ path });
  }

  resize(width: number, height: number): Promise<void> {
    return this.page.setViewportSize({ width, height });
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
