import { describe, expect, test } from "vitest";
import { createProgram } from "../../../tools/cli/program.ts";
import { oms } from "./oms.ts";

/** Nobody listens there: wrong usage is seen before anybody is asked. */
const server = "127.0.0.1:1";

test.each([
  [["acions"], "(Did you mean actions?)"],
  [["order", "explan", "1"], "(Did you mean explain?)"],
  [["parked", "e-invoice", "--sinse", "2h"], "(Did you mean --since?)"],
  [["order", "explain"], "missing required argument 'order'"],
  [["order", "explain", "abc"], "An order's id is a whole number greater than 0."],
  [["order", "explain", "1", "2"], "too many arguments"],
  [["parked", "e-invoice", "--since", "noon"], "It is how long ago (45s, 30m, 2h, 3d, 1w)"],
  [["parked", "e-invoice", "--orders", "5-1"], "the smaller one comes first"],
  [["parked", "e-invoice", "--limit", "0"], "greater than 0"],
  [["retry", "e-invoice"], "say which events: --all, or --id"],
  [["retry", "e-invoice", "--all", "--error", "x"], "one of these ways, not several"],
  [["discard", "e-invoice", "--id", "1-1"], "required option '--reason <why>'"],
  [["discard", "e-invoice", "--reason", "x"], "say which events: --id"],
  [["discard", "e-invoice", "--all", "--reason", "x"], "unknown option '--all'"],
  [["replay", "e-invoice"], "either --order, or --since"],
  [["replay", "e-invoice", "--order", "1", "--since", "2h"], "either --order, or --since"],
  [["pause", "e-invoice"], "required option '--reason <why>'"],
  [["flows", "--state", "lost"], "Allowed choices are waiting, running, paused, retrying, failed, done"],
  [["shadow", "--limit", "none"], "greater than 0"],
  [["states", "--server", "http://localhost:8080"], "HOST:PORT"],
])("oms %j is wrong usage", async (args, expected) => {
  const { code, stdout, stderr } = await oms(args, { server });
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(expected);
});

test("no command at all shows what there is", async () => {
  const { code, stderr } = await oms([]);
  expect([code, stderr]).toEqual([2, expect.stringContaining("Commands:")]);
});

describe("help", () => {
  const program = createProgram();
  const leaves = program.commands.flatMap((command) =>
    command.commands.length === 0
      ? [[command.name()]]
      : command.commands.map((inner) => [command.name(), inner.name()]),
  );

  test("is there for each command", () => {
    expect(leaves.map((names) => names.join(" "))).toEqual([
      "order explain",
      "order history",
      "order actions",
      "order watch",
      "actions",
      "parked",
      "retry",
      "discard",
      "replay",
      "pause",
      "resume",
      "interventions",
      "flows",
      "flow retry",
      "events tail",
      "shadow",
      "states",
    ]);
  });

  test.each(leaves.map((names) => [names]))("of oms %j has examples and the options of all", async (names) => {
    const { code, stdout, stderr } = await oms([...names, "--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`Usage: oms ${names.join(" ")}`);
    expect(stdout).toMatch(new RegExp(`Examples:\n  oms ${names.join(" ")}`));
    expect(stdout).toContain("--json");
  });
});
