/**
 * Which folder may import which, checked by `npm run check`. Imports go down: main → server →
 * transport, actions, jobs → application, messaging → store → domain; integrations, config,
 * observability and lib are leaves. A new folder needs a row here.
 */

/**
 * Path patterns that each folder of src/ may import besides itself, from the highest layer down.
 */
const MAY_IMPORT = {
  server: ["src/", "tools/devstack/index\\.ts$"],
  transport: [
    "src/application/",
    "src/domain/",
    "src/integrations/legacy-system\\.ts$",
    "src/store/logs/",
    "src/lib/",
    "src/observability/",
    "gen/",
  ],
  actions: [
    "src/application/",
    "src/messaging/",
    "src/store/",
    "src/domain/",
    "src/integrations/",
    "src/lib/",
    "src/observability/",
    "gen/oms/events/",
  ],
  jobs: ["src/store/", "src/lib/", "src/observability/"],
  application: ["src/store/", "src/domain/", "src/lib/", "src/observability/"],
  messaging: ["src/store/", "src/domain/events\\.ts$", "src/lib/", "src/observability/", "gen/oms/events/"],
  store: ["src/domain/", "src/lib/", "src/observability/"],
  integrations: ["src/lib/", "src/observability/"],
  config: ["src/domain/", "src/integrations/systems\\.ts$", "src/lib/", "src/observability/"],
  observability: [],
  lib: [],
  domain: [],
};

/** Path patterns that each folder of tools/ may import besides itself. */
const TOOLS_MAY_IMPORT = {
  client: ["gen/"],
  // Embedded servers start before anything is installed: Node's own modules, and a table without
  // imports.
  devstack: ["src/integrations/systems\\.ts$"],
  testkit: ["src/", "gen/", "tools/(client|demo|devstack)/"],
  cli: [
    "tools/(client|devstack)/",
    "src/domain/(operator|state-machine)\\.ts$",
    "src/lib/(password-file|time)\\.ts$",
    "src/messaging/nats/(broker|codec)\\.ts$",
    "src/observability/redaction\\.ts$",
    "gen/",
  ],
  demo: [
    "tools/(client|devstack)/",
    "tools/testkit/program\\.ts$",
    "src/config/",
    "src/messaging/nats/(broker|codec)\\.ts$",
    "src/domain/state-machine\\.ts$",
    "gen/",
  ],
};

/** Packages that only some folders may use, as path patterns of the users. */
const USERS_OF_PACKAGES = {
  kysely: ["src/store/"],
  mysql2: ["src/store/", "tools/demo/"],
  nats: ["src/messaging/nats/", "tools/(demo|cli)/"],
  ioredis: ["src/integrations/redis\\.ts$", "src/actions/", "src/transport/rate-limits/"],
  zod: ["src/config/", "src/transport/auth/"],
  jose: ["src/transport/auth/", "tools/testkit/"],
  "pino|prom-client|@opentelemetry/.*": ["src/observability/"],
  "@grpc/.*|grpc-health-check": ["src/transport/", "tools/"],
  "@connectrpc/.*": ["src/transport/", "tools/"],
  "@bufbuild/protovalidate": ["src/transport/"],
  "@xmldom/xmldom": ["src/transport/legacy/soap/"],
  undici: ["src/integrations/"],
  leven: ["src/lib/"],
  "cli-progress": ["tools/(cli|demo|testkit)/"],
  "commander|string-width": ["tools/cli/"],
};

const any = (patterns) => `^(${patterns.join("|")})`;
const OUR_CODE = "^(src|gen|test|tools|scripts|bench|faults|fuzz|attack)/";

const folderRules = [
  ...Object.entries(MAY_IMPORT).map(([name, allowed]) => ["src", name, allowed]),
  ...Object.entries(TOOLS_MAY_IMPORT).map(([name, allowed]) => ["tools", name, allowed]),
].map(([root, name, allowed]) => ({
  name: `${root}-${name}-imports`,
  comment: `${root}/${name}/ imports only what its row lists.`,
  severity: "error",
  from: { path: `^${root}/${name}/` },
  to: { path: OUR_CODE, pathNot: any([`${root}/${name}/`, ...allowed]) },
}));

const packageRules = Object.entries(USERS_OF_PACKAGES).map(([name, users]) => ({
  name: `users-of-${name}`,
  comment: `${name} is used in ${users.join(", ")} only.`,
  severity: "error",
  // server/ and main.ts compose and may use every package.
  from: { path: "^(src|tools)/[^/]+/", pathNot: any(["src/server/", ...users]) },
  to: { path: `^node_modules/(${name})/` },
}));

// biome-ignore lint/style/noDefaultExport: dependency-cruiser reads this one.
export default {
  forbidden: [
    {
      name: "no-cycles",
      comment: "No import cycles.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    ...folderRules,
    ...packageRules,
    {
      name: "listed-folders",
      comment: "Every folder of src/ and tools/ has a row; main.ts is the only loose file.",
      severity: "error",
      from: {
        path: "^(src|tools)/",
        pathNot: any([
          "src/main\\.ts$",
          ...Object.keys(MAY_IMPORT).map((folder) => `src/${folder}/`),
          ...Object.keys(TOOLS_MAY_IMPORT).map((folder) => `tools/${folder}/`),
        ]),
      },
      to: {},
    },
    {
      name: "domain-is-pure",
      comment: "The domain uses no package and no module of Node.",
      severity: "error",
      from: { path: "^src/domain/" },
      to: { pathNot: "^src/domain/" },
    },
    {
      name: "devstack-uses-node-only",
      comment: "The embedded servers start before anything is installed.",
      severity: "error",
      from: { path: "^tools/devstack/" },
      to: { dependencyTypesNot: ["core", "local"] },
    },
    {
      name: "transport-uses-domain-types-only",
      comment: "A transport turns messages into calls; rules are applied in application/.",
      severity: "error",
      from: { path: "^src/(transport|messaging/nats)/", pathNot: "^src/transport/auth/" },
      to: { path: "^src/domain/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "service-without-development-tools",
      comment:
        "The embedded servers are loaded only where an address is not configured; demo and command line are separate programs.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(main\\.ts$|server/endpoints\\.ts$)" },
      to: { path: "^tools/" },
    },
    {
      name: "load-programs-are-separate",
      comment: "bench/, faults/, fuzz/ and attack/ import src/ and tools/, never each other.",
      severity: "error",
      from: { path: "^(bench|faults|fuzz|attack)/" },
      to: { path: "^(bench|faults|fuzz|attack)/", pathNot: "^$1/" },
    },
    {
      name: "generated-code-is-a-leaf",
      severity: "error",
      from: { path: "^gen/" },
      to: { path: "^(src|test|tools|scripts|bench|faults|fuzz|attack)/" },
    },
    {
      name: "no-unresolved-imports",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "runtime-packages-are-dependencies",
      comment: "What the service loads must be installed without development packages.",
      severity: "error",
      from: { path: "^(src|gen)/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["type-only"] },
    },
  ],
  options: {
    parser: "swc",
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      extensions: [".ts", ".js", ".mjs"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
    },
  },
};
