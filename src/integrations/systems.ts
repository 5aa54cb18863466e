/** A system outside this service that Actions send requests to. */
interface ExternalSystem {
  /** Its name in logs, spans, failure reasons and metrics. */
  readonly title: string;
  /** The configuration variable that holds its URL. */
  readonly variable: `OMS_${string}_URL`;
  /** What it is, for the configuration's documentation. */
  readonly description: string;
  /** Paths below its URL that take requests; empty where the URL itself does. */
  readonly operations: readonly string[];
}

/**
 * Every external system, one row each. Configuration variables, URLs, clients and the stub systems
 * of the development stack derive from this table. Without imports: the development stack loads it
 * before anything is installed.
 */
export const EXTERNAL_SYSTEMS = {
  einvoice: {
    title: "e-invoice mail",
    variable: "OMS_EINVOICE_URL",
    description: "E-invoice mail service",
    operations: [],
  },
  finance: {
    title: "finance",
    variable: "OMS_FINANCE_URL",
    description: "Finance system",
    operations: [],
  },
  message: {
    title: "customer messages",
    variable: "OMS_MESSAGE_URL",
    description: "SMS and WeChat gateway",
    operations: [],
  },
  erp: {
    title: "ERP",
    variable: "OMS_ERP_URL",
    description: "ERP, which keeps the stock",
    operations: ["allocate", "release"],
  },
  wms: {
    title: "WMS",
    variable: "OMS_WMS_URL",
    description: "WMS, which runs the warehouses",
    operations: ["dispatch", "cancel"],
  },
} as const satisfies Readonly<Record<string, ExternalSystem>>;

type Systems = typeof EXTERNAL_SYSTEMS;

export type SystemName = keyof Systems;

export type SystemVariable = Systems[SystemName]["variable"];

/** The operations of a system; `never` where its URL itself takes the requests. */
export type SystemOperation<N extends SystemName> = Systems[N]["operations"][number];

/**
 * Where requests arrive below the URL of the stub systems, for example "finance" and
 * "erp/allocate".
 */
export type SystemPath = {
  [N in SystemName]: Systems[N]["operations"] extends readonly [] ? N : `${N}/${SystemOperation<N>}`;
}[SystemName];

export type SystemUrls = Readonly<Record<SystemName, string>>;

/** The name of every system, in the table's order. */
export const SYSTEM_NAMES = Object.keys(EXTERNAL_SYSTEMS) as readonly SystemName[];

export const SYSTEM_PATHS: readonly SystemPath[] = SYSTEM_NAMES.flatMap((name) => {
  const { operations }: ExternalSystem = EXTERNAL_SYSTEMS[name];
  return operations.length === 0 ? [name as SystemPath] : operations.map((path) => `${name}/${path}` as SystemPath);
});

/** The environment variables for these URLs. */
export function systemVariables(urls: SystemUrls): Record<SystemVariable, string> {
  const variables = SYSTEM_NAMES.map((name) => [EXTERNAL_SYSTEMS[name].variable, urls[name]]);
  return Object.fromEntries(variables) as Record<SystemVariable, string>;
}

/** A value for each system. */
export function forEachSystem<T>(create: (name: SystemName) => T): Record<SystemName, T> {
  return Object.fromEntries(SYSTEM_NAMES.map((name) => [name, create(name)])) as Record<SystemName, T>;
}
