import type { Checker } from "./checker.ts";
import { orderIdOf } from "./facts.ts";

/** Whoever sends a request again gets the first answer, field by field. */
export const equalAnswers: Checker = {
  name: "equal answers to equal requests",
  check(facts, find) {
    let checked = 0;
    for (const { rpc, requestId, equalAnswers, firstAnswer, differingAnswers = [] } of facts.journal.calls) {
      checked += equalAnswers + differingAnswers.length;
      for (const other of differingAnswers) {
        find(
          "other",
          `order ${orderIdOf(facts)}, ${rpc} ${requestId}: answered ${firstAnswer}, and when it was sent again ${other}`,
        );
      }
    }
    return checked;
  },
};

/** Every answer is what the model of the order says, and in the end the order stands where the model does. */
export const expectedAnswers: Checker = {
  name: "answers as the model says",
  check(facts, find) {
    const { calls, unexpectedResponses, endState } = facts.journal;
    const about = (what: string) => `order ${orderIdOf(facts)}: ${what}`;
    const expected = calls.filter((call) => call.expected !== undefined && call.answer !== undefined);
    for (const { rpc, requestId, requested, answer, expected: wanted } of expected) {
      if (answer !== wanted) {
        find(
          "other",
          about(`${rpc} ${requestId} of ${JSON.stringify(requested)} is answered ${answer}, expected ${wanted}`),
        );
      }
    }
    for (const response of unexpectedResponses) {
      find("other", about(response));
    }
    const { row } = facts;
    if (endState !== undefined && row !== undefined && !facts.journal.uncertain) {
      const [found, wanted] = [row, endState].map((at) => `${at.status} v${at.version}${at.paused ? ", paused" : ""}`);
      if (found !== wanted) {
        find("other", about(`it stands at ${found}, and its life ended at ${wanted}`));
      }
    }
    return expected.length;
  },
};
