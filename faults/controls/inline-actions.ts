/**
 * A control: Actions the old way. Right after the commit all that follows an event is done in line, one Action after the other, in the
 * process that committed it; one SETNX in Redis for each event sees to it that it is done once. What is under way, or has not begun, when the
 * process dies is lost, and so is what fails.
 */
import { runControl, runOnce } from "./service.ts";

/** How long an event is remembered, in seconds. */
const REMEMBERED_S = 24 * 3_600;

await runControl(({ actions, redis, log, timeoutMs }) => {
  const follow = async (messageId: string, steps: readonly (() => Promise<"done" | "failed">)[]) => {
    const mine = await redis.set(`old-way:${messageId}`, "1", "EX", REMEMBERED_S, "NX");
    if (mine === null) {
      return;
    }
    for (const step of steps) {
      await step();
    }
  };
  return (committed) => {
    for (const { event } of committed) {
      const asking = actions.filter((action) => action.matches(event));
      follow(
        event.messageId,
        asking.map((action) => () => runOnce(action, event, timeoutMs)),
      ).catch((error: unknown) => log.warn({ err: error, messageId: event.messageId }, "what follows is lost"));
    }
  };
});
