import type { Checker } from "./checker.ts";
import { orderIdOf } from "./facts.ts";

/** Whoever sends a request again gets the first answer, field by field. */
export const equalAnswers: Checker = {
  name: "equal answers to equal requests",
  check(facts, find) {
    let looked = 0;
    for (const { rpc, requestId, equal, first, differing = [] } of facts.journal.calls) {
      looked += equal + differing.length;
      for (const other of differing) {
        find(
          "other",
          `order ${orderIdOf(facts)}, ${rpc} ${requestId}: answered ${first}, and when it was sent again ${other}`,
        );
      }
    }
    return looked;
  },
};

/** Every answer is what the model of the order says, and in the end the order stands where the model does. */
export const expectedAnswers: Checker = {
  name: "answers as the model says",
  check(facts, find) {
    const { calls, surprises, end } = facts.journal;
    const about = (what: string) => `order ${orderIdOf(facts)}: ${what}`;
    const expected = calls.filter((call) => call.expected !== undefined && call.said !== undefined);
    for (const { rpc, requestId, asked, said, expected: wanted } of expected) {
      if (said !== wanted) {
        find("other", about(`${rpc} ${requestId} of ${JSON.stringify(asked)} is answered ${said}, expected ${wanted}`));
      }
    }
    for (const surprise of surprises) {
      find("other", about(surprise));
    }
    const { row } = facts;
    if (end !== undefined && row !== undefined && !facts.journal.haunted) {
      const [found, wanted] = [row, end].map((at) => `${at.status} v${at.version}${at.paused ? ", paused" : ""}`);
      if (found !== wanted) {
        find("other", about(`it stands at ${found}, and its life ended at ${wanted}`));
      }
    }
    return expected.length;
  },
};
