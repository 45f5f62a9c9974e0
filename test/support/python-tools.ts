import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { hasProgram } from "./programs.ts";

const cache = join(import.meta.dirname, "../../.cache");

/** A virtual environment of Python with packages of PyPI. */
export interface PythonEnvironment {
  /** Of the programs in it. */
  readonly bin: string;
  /** Installs it where it is missing, once, into a folder that git ignores. Returns why it cannot be had. */
  install(): string | undefined;
}

/** `packages` with their versions; `probe`: a program in it, and arguments with which it runs and ends well. */
export function pythonEnvironment(
  name: string,
  packages: readonly string[],
  probe: readonly [program: string, ...args: string[]],
): PythonEnvironment {
  const folder = join(cache, name);
  const bin = join(folder, "bin");
  const [program, ...args] = probe;
  const works = () => existsSync(join(bin, program)) && spawnSync(join(bin, program), args).status === 0;
  return {
    bin,
    install() {
      if (works()) return undefined;
      if (!hasProgram("python3")) return "Python is not installed";
      rmSync(folder, { recursive: true, force: true });
      try {
        execFileSync("python3", ["-m", "venv", folder], { stdio: "pipe" });
        const pip = ["-m", "pip", "install", "--quiet", "--only-binary", ":all:", ...packages];
        execFileSync(join(bin, "python"), pip, { stdio: "pipe" });
      } catch (error) {
        const { stderr } = error as { stderr?: Buffer };
        const reason = String(stderr ?? error)
          .trim()
          .split("\n")
          .at(-1);
        return `${packages.join(", ")} cannot be installed: ${reason}`;
      }
      return works() ? undefined : `${packages.join(", ")} does not run here`;
    },
  };
}
