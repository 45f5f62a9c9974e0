import { Code } from "@connectrpc/connect";
import type { Ending, Instrumentation } from "../../../src/observe/instrumentation.ts";

/**
 * An instrumentation that writes down the story of every call, a line for each thing it hears. Backends are written as
 * their place in `addresses`.
 */
export function recorder(addresses: () => readonly string[] = () => []): {
  readonly story: string[];
  readonly instrumentation: Instrumentation;
} {
  const story: string[] = [];
  const result = ({ code, kind, progress, address, durationMs }: Ending) => {
    const what = code === undefined ? "ok" : `${Code[code]} ${kind} ${progress}`;
    const where = address === undefined ? "nowhere" : `backend ${addresses().indexOf(address)}`;
    return `${what}, ${where}, ${durationMs} ms`;
  };
  const instrumentation: Instrumentation = {
    callStarted({ method, timeoutMs }) {
      story.push(`${method.name} starts${timeoutMs === undefined ? "" : `, ${timeoutMs} ms`}`);
      return {
        attemptStarted({ number, transparent }) {
          story.push(`attempt ${number}${transparent ? " again" : ""}`);
          return {
            ended(end) {
              const sent = `sent ${end.messagesSent} (${end.bytesSent} B)`;
              const received = `received ${end.messagesReceived} (${end.bytesReceived} B)`;
              const next = end.retryDelayMs === undefined ? "last" : `next in ${end.retryDelayMs} ms`;
              story.push(`attempt ${number}: ${result(end)}, ${sent}, ${received}, ${next}`);
            },
          };
        },
        waited: (why, ms) => story.push(`waited for ${why} ${ms} ms`),
        ended: (end) => {
          const { attempts, transparentRetries, retryDelayMs } = end;
          story.push(
            `${method.name}: ${result(end)}, attempts ${attempts} + ${transparentRetries}, idle ${retryDelayMs} ms`,
          );
        },
      };
    },
  };
  return { story, instrumentation };
}
