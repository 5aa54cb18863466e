/**
 * Negative control, the legacy design: after the commit the committing process runs the Actions of
 * an event inline, one after the other, deduplicated by one SETNX per event. Effects that have not
 * completed when the process dies, or that fail, are lost.
 */
import { runControl, runOnce } from "./service.ts";

/** Expiry of the key of an event, in seconds. */
const EXPIRY_S = 24 * 3_600;

await runControl(({ actions, redis, log, timeoutMs }) => {
  const runInline = async (messageId: string, steps: readonly (() => Promise<"done" | "failed">)[]) => {
    const claimed = await redis.set(`inline:${messageId}`, "1", "EX", EXPIRY_S, "NX");
    if (claimed === null) {
      return;
    }
    for (const step of steps) {
      await step();
    }
  };
  return (committed) => {
    for (const { event } of committed) {
      const matching = actions.filter((action) => action.matches(event));
      runInline(
        event.messageId,
        matching.map((action) => () => runOnce(action, event, timeoutMs)),
      ).catch((error: unknown) =>
        log.warn({ err: error, messageId: event.messageId }, "effects of the event are lost"),
      );
    }
  };
});
