/**
 * An example of each recipe in CONTRIBUTING.md, as edits of the sources. An edit whose anchor is
 * gone shows that the recipe or the example has to follow the code.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** Inserts text before the only occurrence of an anchor, or creates a file. */
export type Edit =
  | { readonly file: string; readonly before: string; readonly insert: string }
  | { readonly file: string; readonly create: string };

export interface RecipeExample {
  /** The heading in CONTRIBUTING.md. */
  readonly heading: string;
  /** In the order of the recipe's steps. */
  readonly edits: readonly Edit[];
  /** Tests that have to pass afterwards. */
  readonly tests?: readonly string[];
  /** Text that `npm run docs` then writes, by document. */
  readonly documented?: Readonly<Record<string, string>>;
  /** Most files of src/ that the recipe may touch. */
  readonly maxSourceFiles: number;
}

const CONTRACT = "proto/oms/orderstatus/v1/order_status_service.proto";

export const RECIPE_EXAMPLES: readonly RecipeExample[] = [
  {
    heading: "Add a state",
    edits: [
      {
        file: "src/domain/state-machine.ts",
        before: "  OUT_FOR_DELIVERY: 5020,\n",
        insert: "  AT_PICKUP_POINT: 5015,\n",
      },
      {
        file: "src/domain/state-machine.ts",
        before: "  OUT_FOR_DELIVERY: { bit",
        insert:
          '  AT_PICKUP_POINT: { bit: 17, label: "到达自提点", reportedBy: ["TMS"], next: ["OUT_FOR_DELIVERY", ...DELIVERY_ENDS] },\n',
      },
      {
        file: "src/domain/state-machine.ts",
        before: '"OUT_FOR_DELIVERY", ...DELIVERY_ENDS] },\n  AT_PICKUP_POINT',
        insert: '"AT_PICKUP_POINT", ',
      },
      ...["WMS_ACCEPTED", "PICKING", "PACKED", "HANDED_OVER"].map((following) => ({
        file: "src/domain/state-machine.ts",
        before: `...DELIVERY_ENDS],\n    cancel: "by operation",\n  },\n  ${following}: {`,
        insert: '"AT_PICKUP_POINT", ',
      })),
      {
        file: "src/domain/state-machine.ts",
        before: "...DELIVERY_ENDS],\n  },\n  IN_TRANSIT: {",
        insert: '"AT_PICKUP_POINT", ',
      },
      {
        file: "proto/oms/orderstatus/v1/order_status.proto",
        before: "  // 配送中.",
        insert: "  // 到达自提点. At a pickup point; reported by the TMS.\n  ORDER_STATUS_AT_PICKUP_POINT = 5015;\n",
      },
      {
        file: "test/unit/domain/state-machine.test.ts",
        before: '      "5020 配送中 DMS",\n',
        insert: '      "5015 到达自提点 TMS",\n',
      },
      {
        file: "test/unit/domain/state-machine.test.ts",
        before: '      "OUT_FOR_DELIVERY 11",\n',
        insert: '      "AT_PICKUP_POINT 17",\n',
      },
      { file: "tools/testkit/reference-model.ts", before: "5020, 6030];", insert: "5015, " },
    ],
    // See the recipe for the other tests, which need servers.
    tests: ["test/unit/domain", "test/unit/transport"],
    documented: {
      "docs/state-machine.md": "| 5015 | AT_PICKUP_POINT |",
      "docs/api.md": "`ORDER_STATUS_AT_PICKUP_POINT`",
    },
    maxSourceFiles: 3,
  },
  {
    heading: "Add an Action",
    edits: [
      {
        file: "src/integrations/systems.ts",
        before: "  erp: {\n",
        insert:
          '  loyalty: {\n    title: "loyalty",\n    variable: "OMS_LOYALTY_URL",\n    description: "Loyalty programme",\n    operations: [],\n  },\n',
      },
      {
        file: "src/actions/effects/loyalty-points.ts",
        create: readFileSync(join(root, "examples/actions/loyalty-points.ts"), "utf8").replaceAll(
          '"../../src/',
          '"../../',
        ),
      },
      {
        file: "src/actions/registry.ts",
        before: 'import { settlementPush } from "./effects/settlement-push.ts";\n',
        insert: 'import { loyaltyPoints } from "./effects/loyalty-points.ts";\n',
      },
      {
        file: "src/actions/registry.ts",
        before: '    {\n      name: "customer-message",\n',
        insert:
          '    {\n      name: "loyalty-points",\n      kind: "effect",\n      ...delivered,\n      createHandler: ({ systems }) => loyaltyPoints(systems),\n    },\n',
      },
    ],
    documented: { "docs/configuration.md": "| `OMS_LOYALTY_URL` |" },
    maxSourceFiles: 4,
  },
  {
    heading: "Add an RPC",
    edits: [
      {
        file: CONTRACT,
        before: "  // Reports a status of an order.",
        insert:
          "  // Returns the version of an order. NOT_FOUND for an unknown order.\n" +
          "  rpc GetOrderVersion(GetOrderVersionRequest) returns (GetOrderVersionResponse) {\n" +
          "    option idempotency_level = NO_SIDE_EFFECTS;\n  }\n\n",
      },
      {
        file: CONTRACT,
        before: "// Request of UpdateOrderStatus.\n",
        insert:
          "// Request of GetOrderVersion.\nmessage GetOrderVersionRequest {\n  // The order, greater than 0.\n" +
          "  int64 order_id = 1 [(buf.validate.field).int64.gt = 0];\n}\n\n" +
          "// Response of GetOrderVersion.\nmessage GetOrderVersionResponse {\n  // The version.\n  int64 version = 1;\n}\n\n",
      },
      {
        file: "src/application/orders/reads.ts",
        before: "export interface BatchGetOrderStatusResult {",
        insert: `/** The version of an order. */
export async function getOrderVersion(
  deps: OperationDeps,
  input: { readonly orderId: bigint },
  context: Scoped,
): Promise<{ readonly version: bigint }> {
  return { version: BigInt((await getOrderStatus(deps, input, context)).version) };
}

`,
      },
      { file: "src/transport/handlers/reads.ts", before: "  getOrderStatus,\n", insert: "  getOrderVersion,\n" },
      { file: "src/transport/handlers/reads.ts", before: '  | "checkPayable"\n', insert: '  | "getOrderVersion"\n' },
      {
        file: "src/transport/handlers/reads.ts",
        before: "    async checkPayable(request, context) {\n",
        insert: `    async getOrderVersion(request, context) {
      return create(pb.GetOrderVersionResponseSchema, await getOrderVersion(deps, request, context));
    },

`,
      },
      {
        file: "src/transport/auth/default-permissions.ts",
        before: '  "OrderStatusService/BatchGetOrderStatus",\n',
        insert: '  "OrderStatusService/GetOrderVersion",\n',
      },
    ],
    documented: { "docs/api.md": "### GetOrderVersion" },
    maxSourceFiles: 3,
  },
  {
    heading: "Add a legacy method",
    edits: [
      {
        file: "src/transport/legacy/methods.ts",
        before: '  row({\n    name: "updateOrderStatus",\n',
        insert: `  row({
    name: "getOrderVersion",
    rpc: rpcs.getOrderVersion,
    parameters: [ORDER],
    fields: ["result", "orderId", "version"],
    answer: ({ version }, { orderId }) => ({ result: 1, orderId, version }),
  }),
`,
      },
    ],
    documented: { "docs/migration.md": "| `/services/orderStatus/getOrderVersion` |" },
    maxSourceFiles: 1,
  },
  {
    heading: "Add a configuration variable",
    edits: [
      {
        file: "src/config/variables.ts",
        before: '    level: variable("OMS_LOG_LEVEL"',
        insert: `    maxFieldLength: variable("OMS_LOG_MAX_FIELD_LENGTH", integer(16, 65_536), {
      default: 1_024,
      description: "Maximum length of a text field in the log; longer texts are cut.",
    }),
`,
      },
    ],
    tests: ["test/unit/config"],
    documented: { "docs/configuration.md": "| `OMS_LOG_MAX_FIELD_LENGTH` | `1024` |" },
    maxSourceFiles: 3,
  },
  {
    heading: "Add a metric",
    edits: [
      {
        file: "src/observability/metrics.ts",
        before: "    watchers: new Gauge({",
        insert:
          '    watchResumes: new Counter({\n      name: "oms_watch_resumes_total",\n      help: "Watches resumed with after_versions.",\n      registers,\n    }),\n',
      },
      {
        file: "scripts/observability/panels.ts",
        before: '      {\n        title: "Processes up",\n',
        insert:
          '      {\n        title: "Resumed watches",\n        description: "Watches resumed with after_versions.",\n        unit: "ops",\n' +
          // biome-ignore lint/suspicious/noTemplateCurlyInString: the text is source code.
          '        queries: [[`sum(${perSecond(`oms_watch_resumes_total{${JOB}}`)})`, "resumes"]],\n      },\n',
      },
    ],
    maxSourceFiles: 2,
  },
];
