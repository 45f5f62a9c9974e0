import { systemClock, systemHold } from "../../index.ts";
import type { WatchCommand } from "../arguments.ts";
import { type ExitCode, exitCode } from "../exit-codes.ts";
import { type Output, plain } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import { adminPools } from "./admin-pools.ts";
import { ownPool } from "./own-pool.ts";
import type { PoolFeed, PoolFeedListener } from "./pool-feed.ts";
import type { PoolView } from "./pool-view.ts";
import { Rates } from "./rates.ts";
import { Screen } from "./screen.ts";
import { frame } from "./table.ts";

/** `glink watch`: shows pools until the terminal says to stop. */
export async function watch(command: WatchCommand, output: Output, terminal: Terminal): Promise<ExitCode> {
  const view = output.isTerminal && !command.json ? new LiveView(command, output, terminal) : new JsonLines(output);
  const hold = systemHold();
  const source = open(command, view.listener);
  hold.acquire();
  try {
    await terminal.stopped;
  } finally {
    view.end();
    await source.close();
    hold.release();
    hold.close();
  }
  return exitCode.good;
}

function open({ source, intervalMs }: WatchCommand, listener: PoolFeedListener): PoolFeed {
  const clock = systemClock();
  return "admin" in source ? adminPools(source.admin, clock, listener) : ownPool(source, intervalMs, clock, listener);
}

/** For people. */
class LiveView {
  readonly #output: Output;
  readonly #screen: Screen;
  readonly #rates = new Rates();
  readonly #title: string;
  readonly #release: () => void;
  #pools: readonly PoolView[] | undefined;
  #trouble: string | undefined;

  readonly listener: PoolFeedListener = {
    onPools: (pools) => {
      this.#pools = pools;
      this.#trouble = undefined;
      this.#rates.note(pools);
      this.#draw();
    },
    onTrouble: (reason) => {
      this.#trouble = reason;
      this.#draw();
    },
  };

  constructor({ source }: WatchCommand, output: Output, terminal: Terminal) {
    this.#output = output;
    this.#screen = new Screen(output);
    this.#title = `glink watch ${plain("admin" in source ? source.admin : source.url)}   Ctrl-C ends it`;
    this.#screen.enter();
    this.#draw();
    this.#release = terminal.follow({
      onResized: () => this.#draw(),
      onSuspended: () => this.#screen.leave(),
      onResumed: () => {
        this.#screen.enter();
        this.#draw();
      },
      onExit: () => this.#screen.leave(),
    });
  }

  end(): void {
    this.#release();
    this.#screen.leave();
  }

  #draw(): void {
    const picture = { title: this.#title, pools: this.#pools, rates: this.#rates, trouble: this.#trouble };
    this.#screen.draw(frame(picture, this.#output));
  }
}

/** For programs: a line for each look. The same trouble is said once until a look succeeds. */
class JsonLines {
  readonly listener: PoolFeedListener;
  #trouble: string | undefined;

  constructor(output: Output) {
    this.listener = {
      onPools: (pools) => {
        this.#trouble = undefined;
        output.json({ schema: 1, pools });
      },
      onTrouble: (reason) => {
        if (reason === this.#trouble) return;
        this.#trouble = reason;
        output.talk(`glink: ${reason}`);
      },
    };
  }

  end(): void {}
}
