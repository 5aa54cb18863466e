import { describe, expect, test } from "vitest";
import { createProgram } from "../../../tools/cli/program.ts";
import { oms } from "./oms.ts";

/** No server: usage errors are detected before a call. */
const server = "127.0.0.1:1";

test.each([
  [["acions"], "(Did you mean actions?)"],
  [["order", "explan", "1"], "(Did you mean explain?)"],
  [["parked", "e-invoice", "--sinse", "2h"], "(Did you mean --since?)"],
  [["order", "explain"], "missing required argument 'order'"],
  [["order", "explain", "abc"], "An order id is a whole number greater than 0."],
  [["order", "explain", "1", "2"], "too many arguments"],
  [["parked", "e-invoice", "--since", "noon"], "It must be an age (45s, 30m, 2h, 3d, 1w)"],
  [["parked", "e-invoice", "--orders", "5-1"], "the smaller id comes first"],
  [["parked", "e-invoice", "--limit", "0"], "greater than 0"],
  [["retry", "e-invoice"], "select the events with --all, --id"],
  [["retry", "e-invoice", "--all", "--error", "x"], "exclude each other"],
  [["discard", "e-invoice", "--id", "1-1"], "required option '--reason <text>'"],
  [["discard", "e-invoice", "--reason", "x"], "select the events with --all, --id"],
  [["discard", "e-invoice", "--all", "--id", "1-1", "--reason", "x"], "exclude each other"],
  [["replay", "e-invoice"], "either --order, or --since"],
  [["replay", "e-invoice", "--order", "1", "--since", "2h"], "either --order, or --since"],
  [["pause", "e-invoice"], "required option '--reason <text>'"],
  [["flows", "--state", "lost"], "Allowed choices are waiting, running, paused, retrying, failed, done"],
  [["shadow", "--limit", "none"], "greater than 0"],
  [["states", "--server", "http://localhost:8080"], "HOST:PORT"],
])("oms %j is a usage error", async (args, expected) => {
  const { code, stdout, stderr } = await oms(args, { server });
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(expected);
});

test("without a command it prints the help", async () => {
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

  test("lists all commands", () => {
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
      "url",
    ]);
  });

  test.each(leaves.map((names) => [names]))("of oms %j has examples and the global options", async (names) => {
    const { code, stdout, stderr } = await oms([...names, "--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`Usage: oms ${names.join(" ")}`);
    expect(stdout).toMatch(new RegExp(`Examples:\n  oms ${names.join(" ")}`));
    expect(stdout).toContain("--json");
  });
});
