import type { Checker } from "./checker.ts";
import { orderIdOf } from "./facts.ts";

/** A repeated request gets the first answer, field by field. */
export const equalAnswers: Checker = {
  name: "repeated requests get the first answer",
  check(facts, find) {
    let checked = 0;
    for (const { rpc, requestId, equalAnswers: equal, firstAnswer, differingAnswers = [] } of facts.journal.calls) {
      checked += equal + differingAnswers.length;
      for (const other of differingAnswers) {
        find(
          "other",
          `order ${orderIdOf(facts)}, ${rpc} ${requestId}: answered ${firstAnswer}, and on repetition ${other}`,
        );
      }
    }
    return checked;
  },
};

/**
 * Every answer is the one that the reference model predicts, and the order ends in the model's
 * state.
 */
export const expectedAnswers: Checker = {
  name: "answers match the reference model",
  check(facts, find) {
    const { calls, unexpectedResponses, endState } = facts.journal;
    const about = (what: string) => `order ${orderIdOf(facts)}: ${what}`;
    const predicted = calls.filter((call) => call.expected !== undefined && call.answer !== undefined);
    for (const { rpc, requestId, requested, answer, expected } of predicted) {
      if (answer !== expected) {
        const request = `${rpc} ${requestId} of ${JSON.stringify(requested)}`;
        find("other", about(`${request} was answered ${answer}, expected ${expected}`));
      }
    }
    for (const response of unexpectedResponses) {
      find("other", about(response));
    }
    const { row } = facts;
    if (endState !== undefined && row !== undefined && !facts.journal.uncertain) {
      const [found, expected] = [row, endState].map(
        ({ status, version, paused }) => `${status} v${version}${paused ? ", paused" : ""}`,
      );
      if (found !== expected) {
        find("other", about(`final state is ${found}, expected ${expected}`));
      }
    }
    return predicted.length;
  },
};
