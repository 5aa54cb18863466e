/**
 * Who may import whom, checked by `npm run check`. Data flows down: rpc → operations → store → relay → stream → actions. A folder that is
 * not listed here may import nothing of ours: a new one begins with a row.
 */

/** For each folder of src/: what of ours it may import besides itself, as path patterns. */
const MAY_IMPORT = {
  // The rules read like the tables they come from: no clock, no I/O, no wire.
  domain: [],
  telemetry: [],
  store: ["src/domain/", "src/observability/"],
  operations: ["src/domain/", "src/store/", "src/observability/"],
  // Who calls, and what a caller may do.
  auth: ["src/domain/state-machine\\.ts$", "src/application/errors\\.ts$", "src/observability/"],
  // How much a caller may use; a Redis client is handed in.
  limits: [],
  rpc: ["src/transport/auth/", "src/transport/rate-limits/", "src/application/", "src/domain/", "src/observability/", "gen/"],
  // Old addresses are RPCs in other clothes: through the same pipeline as everybody.
  legacy: [
    "src/transport/(call|code-name|peer|pipeline)\\.ts$",
    "src/transport/http/connect\\.ts$",
    "src/transport/middleware/name-caller\\.ts$",
    "src/application/errors\\.ts$",
    "src/observability/",
    "gen/",
  ],
  stream: ["src/domain/events\\.ts$", "src/observability/", "gen/oms/events/"],
  relay: ["src/store/(outbox|database)\\.ts$", "src/messaging/nats/", "src/observability/"],
  // Delivery rules exist once: retry, parking, ledger, order per order. They know no Action.
  subscribers: ["src/domain/events\\.ts$", "src/store/(ledger|outbox|database)\\.ts$", "src/messaging/nats/", "src/observability/"],
  actions: [
    "src/domain/",
    "src/store/",
    "src/messaging/nats/publisher\\.ts$",
    "src/messaging/runner/action\\.ts$",
    "src/integrations/",
    "src/observability/",
    "gen/oms/events/",
  ],
  // A step asks for its change at the same door as everybody.
  flows: ["src/domain/", "src/application/", "src/messaging/runner/action\\.ts$", "src/integrations/"],
  // Deletes what was kept for long enough, beside all else.
  upkeep: ["src/store/(retention/|database\\.ts$)", "src/observability/"],
  // Holds our answers against the old system's, beside the calls' way.
  shadow: ["src/integrations/", "src/observability/", "src/store/shadow-log\\.ts$"],
  downstream: ["src/observability/"],
  // Embedded servers for development and tests: Node's own modules only.
  stack: [],
  // What any caller in Node would write.
  client: ["gen/"],
  // A caller like any other; where the embedded broker is, and what its events say, it reads as the service does.
  cli: [
    "tools/client/",
    "src/domain/state-machine\\.ts$",
    "src/messaging/nats/(broker|codec)\\.ts$",
    "tools/devstack/index\\.ts$",
    "src/observability/without-password\\.ts$",
    "gen/",
  ],
  demo: [
    "tools/client/",
    "src/config\\.ts$",
    "tools/devstack/index\\.ts$",
    "src/messaging/nats/(broker|codec)\\.ts$",
    "src/domain/state-machine\\.ts$",
    "gen/",
  ],
};

/** Packages that only some may use, as path patterns of the users. */
const USERS_OF_PACKAGES = {
  kysely: ["src/store/"],
  mysql2: ["src/store/", "tools/demo/"],
  nats: ["src/messaging/nats/", "tools/demo/", "tools/cli/"],
  ioredis: ["src/actions/effects/", "src/transport/rate-limits/"],
  zod: ["src/config-variables\\.ts$", "src/transport/auth/"],
  jose: ["src/transport/auth/"],
  "pino|prom-client|@opentelemetry/.*": ["src/observability/"],
  "@grpc/.*|grpc-health-check": ["src/transport/", "tools/client/", "tools/cli/", "tools/demo/"],
  "@connectrpc/.*": ["src/transport/", "src/transport/legacy/"],
  "@bufbuild/protovalidate": ["src/transport/"],
  "@xmldom/xmldom": ["src/transport/legacy/soap/"],
  undici: ["src/integrations/"],
  "cli-progress": ["tools/cli/", "tools/demo/"],
  "commander|string-width": ["tools/cli/"],
};

const any = (patterns) => `^(${patterns.join("|")})`;
const folders = Object.keys(MAY_IMPORT);

const folderRules = folders.map((folder) => ({
  name: `${folder}-imports`,
  comment: `src/${folder}/ imports only what its row in MAY_IMPORT says.`,
  severity: "error",
  from: { path: `^src/${folder}/` },
  to: { path: "^(src|gen|test|scripts|bench)/", pathNot: any([`src/${folder}/`, ...MAY_IMPORT[folder]]) },
}));

const packageRules = Object.entries(USERS_OF_PACKAGES).map(([name, users]) => ({
  name: `users-of-${name}`,
  comment: `${name} is used in ${users.join(", ")} only.`,
  severity: "error",
  // What composes (main, server) may use everything.
  from: { path: "^src/([^/]+/|config)", pathNot: any(users) },
  to: { path: `^node_modules/(${name})/` },
}));

// biome-ignore lint/style/noDefaultExport: dependency-cruiser reads this one.
export default {
  forbidden: [
    {
      name: "no-circles",
      comment: "A circle is two things that are one.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    ...folderRules,
    ...packageRules,
    {
      name: "listed-folders",
      comment: "Every folder of src/ has a row in MAY_IMPORT.",
      severity: "error",
      from: { path: "^src/[^/]+/", pathNot: any(folders.map((folder) => `src/${folder}/`)) },
      to: {},
    },
    {
      name: "domain-is-pure",
      comment: "Rules are tested in microseconds: no package and nothing of Node's.",
      severity: "error",
      from: { path: "^src/domain/" },
      to: { pathNot: "^src/domain/" },
    },
    {
      name: "stack-needs-node-only",
      comment: "The embedded servers start before anything is installed.",
      severity: "error",
      from: { path: "^tools/devstack/" },
      to: { dependencyTypesNot: ["core", "local"] },
    },
    {
      name: "wire-knows-types-of-the-domain",
      comment: "A front turns messages into calls; rules are applied in operations/.",
      severity: "error",
      from: { path: "^src/(rpc|stream)/" },
      to: { path: "^src/domain/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "composition-is-the-top",
      comment: "Nobody imports what composes; config.ts alone is also read by the demo.",
      severity: "error",
      from: { path: "^(src/[^/]+|gen)/", pathNot: "^tools/demo/" },
      to: { path: "^src/[^/]+\\.ts$" },
    },
    {
      name: "server-without-development-parts",
      comment:
        "The embedded servers are loaded where addresses are found, and only where none is set; demo and command line are programs of their own.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(main\\.ts$|surroundings\\.ts$|stack/|demo/|cli/)" },
      to: { path: "^src/(stack|demo|cli)/" },
    },
    {
      name: "generated-code-stands-alone",
      severity: "error",
      from: { path: "^gen/" },
      to: { path: "^(src|test|scripts|bench)/" },
    },
    {
      name: "everything-resolves",
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
