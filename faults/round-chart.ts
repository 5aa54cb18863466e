import { drawTimelineChart } from "./chart.ts";
import { countFindings, formatCounts } from "./findings.ts";
import { faultKind } from "./kinds.ts";
import { targetName } from "./plan.ts";
import type { Round } from "./round.ts";
import { countKills } from "./totals.ts";

/** A round as an SVG: what was answered when, and what was broken meanwhile. */
export function drawRound(round: Round): string {
  const seconds = (at: number) => (at - round.timeline.began) / 1_000;
  const sums = [`${round.events.toLocaleString("en")} events`, `${countKills(round.injected)} kills`];
  const found = `${formatCounts(countFindings(round.results))}, recovered ${round.recovered.toLocaleString("en")}`;
  return drawTimelineChart({
    title: `Fault suite, a round with seed ${round.seed}`,
    subtitle: `${sums.join(", ")}; ${found}`,
    seconds: round.timeline.seconds(),
    marks: round.injected
      .filter(({ missed }) => missed === undefined)
      .map(({ fault, from, until }) => ({
        target: targetName(fault.target),
        kind: fault.kind,
        category: faultKind(fault.kind).category,
        from: seconds(from),
        until: seconds(until),
      })),
    loadEnded: seconds(round.loadEnded),
  });
}
