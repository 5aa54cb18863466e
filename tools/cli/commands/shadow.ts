import { create, toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import {
  ListShadowDifferencesResponseSchema,
  ListShadowMethodsResponseSchema,
  type ShadowDifference,
  ShadowDifferenceKindSchema,
  type ShadowMethod,
} from "../../../gen/oms/operations/v1/shadow_service_pb.ts";
import { examples, parseLimit } from "../args.ts";
import { clean, formatAge, formatCount, formatTime, wordOf } from "../format.ts";
import { readPages } from "../paging.ts";
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
  { title: "legacy system", cell: ({ theirs }) => clean(theirs), flexible: true },
  { title: "order", cell: ({ orderId }) => (orderId === 0n ? "" : String(orderId)), align: "right" },
  { title: "caller", cell: ({ caller }) => clean(caller) },
];

function describe(methods: readonly ShadowMethod[], differences: readonly ShadowDifference[], filter: string): string {
  if (methods.length === 0) {
    const what = filter === "" ? "No calls have" : `No calls of ${clean(filter)} have`;
    return `${what} been compared with the legacy system. Legacy calls are compared if the service sets OMS_SHADOW_URL.`;
  }
  return [
    formatTable(METHODS, methods, terminal),
    differences.length === 0 ? "No differences recorded." : formatTable(DIFFERENCES, differences, terminal),
  ].join("\n\n");
}

/** `oms shadow`: comparison of legacy answers with those of the legacy system. */
export function addShadow(program: Command): void {
  const command = program
    .command("shadow")
    .description("compare answers of the legacy endpoints with those of the legacy system, with the latest differences")
    .option("--method <method>", "only this legacy method, for example getOrderStatus")
    .option("--limit <count>", "maximum number of differences", parseLimit, 20);
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
        printNote(`Showing the latest ${items.length}. For more: --limit ${10 * limit}`);
      }
    }),
  );
}

/** Both responses in one document. */
function asJson(methods: ShadowMethod[], differences: ShadowDifference[]): string {
  const options = { alwaysEmitImplicit: true };
  const [first, second] = [
    toJson(ListShadowMethodsResponseSchema, create(ListShadowMethodsResponseSchema, { methods }), options),
    toJson(ListShadowDifferencesResponseSchema, create(ListShadowDifferencesResponseSchema, { differences }), options),
  ] as { readonly [name: string]: unknown }[];
  return JSON.stringify({ ...first, ...second }, null, 2);
}
