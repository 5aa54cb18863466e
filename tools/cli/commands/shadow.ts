import { create, toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import {
  ListShadowDifferencesResponseSchema,
  ListShadowMethodsResponseSchema,
  type ShadowDifference,
  ShadowDifferenceKindSchema,
  type ShadowMethod,
} from "../../../gen/oms/operations/v1/shadow_service_pb.ts";
import { parseLimit } from "../args.ts";
import { examples } from "../examples.ts";
import { clean, formatAge, formatCount, formatTime, wordOf } from "../format.ts";
import { readPages } from "../pages.ts";
import { withService } from "../session.ts";
import { type Column, formatTable } from "../table.ts";
import { print, printNote, terminal } from "../terminal.ts";

const METHODS: readonly Column<ShadowMethod>[] = [
  { title: "method", cell: ({ method }) => clean(method) },
  {
    title: "compared",
    cell: ({ sameCount, differentCount }) => formatCount(sameCount + differentCount),
    align: "right",
  },
  { title: "same", cell: ({ sameCount }) => formatCount(sameCount), align: "right" },
  {
    title: "different",
    cell: ({ differentCount }) => formatCount(differentCount),
    align: "right",
    tone: ({ differentCount }) => (differentCount > 0n ? "red" : "green"),
  },
  {
    title: "failed",
    cell: ({ failedCount }) => formatCount(failedCount),
    align: "right",
    tone: ({ failedCount }) => (failedCount > 0n ? "yellow" : undefined),
  },
  { title: "skipped", cell: ({ skippedCount }) => formatCount(skippedCount), align: "right" },
  { title: "last", cell: ({ lastTime }) => formatAge(lastTime), align: "right" },
];

const DIFFERENCES: readonly Column<ShadowDifference>[] = [
  { title: "time", cell: ({ recordTime }) => formatTime(recordTime) },
  { title: "method", cell: ({ method }) => clean(method) },
  { title: "field", cell: ({ field }) => clean(field) },
  { title: "kind", cell: ({ kind }) => wordOf(ShadowDifferenceKindSchema, kind).toLowerCase() },
  { title: "ours", cell: ({ ours }) => clean(ours), flexible: true },
  { title: "old system's", cell: ({ theirs }) => clean(theirs), flexible: true },
  { title: "order", cell: ({ orderId }) => (orderId === 0n ? "" : String(orderId)), align: "right" },
  { title: "caller", cell: ({ caller }) => clean(caller) },
];

function describe(methods: readonly ShadowMethod[], differences: readonly ShadowDifference[], filter: string): string {
  if (methods.length === 0) {
    const what = filter === "" ? "Nothing" : `Nothing of ${clean(filter)}`;
    return `${what} has been compared with the old system. Calls at the old addresses are, where the service has set OMS_SHADOW_URL.`;
  }
  return [
    formatTable(METHODS, methods, terminal),
    differences.length === 0 ? "No difference is kept." : formatTable(DIFFERENCES, differences, terminal),
  ].join("\n\n");
}

/** `oms shadow`: how our answers at the old addresses compare with the old system's. */
export function addShadow(program: Command): void {
  const command = program
    .command("shadow")
    .description("how our answers at the old addresses compare with the old system's, and the latest differences")
    .option("--method <method>", "only of this old method, for example getOrderStatus")
    .option("--limit <count>", "at most so many differences", parseLimit, 20);
  examples(command, [
    "oms shadow",
    "oms shadow --method getOrderStatus --limit 500",
    "oms shadow --json | jq -r '.differences[] | [.method, .field, .ours, .theirs] | @tsv'",
  ]);
  command.action(({ method = "", limit }: { method?: string; limit: number }) =>
    withService(command, async ({ shadow, json }) => {
      const { methods } = await shadow.listShadowMethods({});
      const { items, more } = await readPages(limit, async (page) => {
        const answer = await shadow.listShadowDifferences({ method, ...page });
        return { items: answer.differences, nextPageToken: answer.nextPageToken };
      });
      const wanted = methods.filter((row) => method === "" || row.method === method);
      print(json ? asJson(wanted, items) : describe(wanted, items, method));
      if (more) {
        printNote(`These are the latest ${items.length}; for more: --limit ${10 * limit}`);
      }
    }),
  );
}

/** Both answers in one document. */
function asJson(methods: ShadowMethod[], differences: ShadowDifference[]): string {
  const options = { alwaysEmitImplicit: true };
  const [first, second] = [
    toJson(ListShadowMethodsResponseSchema, create(ListShadowMethodsResponseSchema, { methods }), options),
    toJson(ListShadowDifferencesResponseSchema, create(ListShadowDifferencesResponseSchema, { differences }), options),
  ] as { readonly [name: string]: unknown }[];
  return JSON.stringify({ ...first, ...second }, null, 2);
}
