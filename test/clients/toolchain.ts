import { execFile, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

export const ROOT = join(import.meta.dirname, "..", "..");

/** Programs built from their sources; not in git. */
const BIN = join(ROOT, ".clients");

const GO_MODULE = join(ROOT, "test", "clients", "go");
const PYTHON_PROJECT = join(ROOT, "test", "clients", "python");

/** Python's environment, with the packages of requirements.txt and the stubs. */
const PYTHON = join(BIN, "python");

const JAVA_PROJECT = join(ROOT, "test", "clients", "java");
export const CXF_PROJECT = join(ROOT, "test", "clients", "cxf");

/** Maximum duration of a build or download, in milliseconds. */
const BUILD_TIMEOUT_MS = 15 * 60_000;

/** The toolchains, with the command that shows whether each is there. */
const TOOLCHAINS = [
  { command: "go", args: ["version"], name: "Go 1.26 or later" },
  { command: "javac", args: ["-version"], name: "a JDK, 17 or later" },
  { command: "mvn", args: ["-version"], name: "Maven 3.8 or later" },
] as const;

/** Programs of others, each at one version. */
const PROGRAMS = {
  "protoc-gen-go": ["google.golang.org/protobuf/cmd/protoc-gen-go", "v1.36.12"],
  "protoc-gen-go-grpc": ["google.golang.org/grpc/cmd/protoc-gen-go-grpc", "v1.6.2"],
  grpcurl: ["github.com/fullstorydev/grpcurl/cmd/grpcurl", "v1.9.4"],
  "grpc-health-probe": ["github.com/grpc-ecosystem/grpc-health-probe", "v0.4.63"],
  ghz: ["github.com/bojand/ghz/cmd/ghz", "v0.120.0"],
  connectconformance: ["connectrpc.com/conformance/cmd/connectconformance", "v1.0.7"],
  h2spec: ["github.com/summerwind/h2spec/cmd/h2spec", "v2.2.1+incompatible"],
} as const;

type Program = keyof typeof PROGRAMS;

/** Whether the clients in Python can run; the others do not need it. */
export const HAS_PYTHON = spawnSync("python3", ["--version"]).status === 0;

/** @throws Error that names what is missing */
export function requireToolchains(): void {
  const missing = TOOLCHAINS.filter(({ command, args }) => spawnSync(command, args).status !== 0);
  if (missing.length > 0) {
    throw new Error(
      `npm run test:clients requires ${TOOLCHAINS.map(({ name }) => name).join(", ")} in the PATH. ` +
        `Missing: ${missing.map(({ command, name }) => `${command} (${name})`).join(", ")}.`,
    );
  }
}

const execute = promisify(execFile);

/** Runs a program to its end, and returns its standard output. @throws Error with its output */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly timeout?: number } = {},
): Promise<string> {
  const { stdout } = await execute(program, [...args], { maxBuffer: 64 * 1024 * 1024, ...options });
  return stdout;
}

const folderOf = (program: Program) => join(BIN, `${program}-${PROGRAMS[program][1]}`);

/** The path of an installed program. */
export function pathOf(program: Program): string {
  return join(folderOf(program), program);
}

/** Runs an installed program that may fail; returns all its output. */
export async function outputOf(program: Program, ...args: string[]): Promise<string> {
  return run(pathOf(program), args).catch(
    ({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }) => `${stdout}\n${stderr}`,
  );
}

/** The contract of the conformance suite, compiled. */
export const CONFORMANCE_IMAGE = join(folderOf("connectconformance"), "contract.binpb");

/** Compiles the files that come with the program. */
async function compileConformanceContract(): Promise<void> {
  const module = `connectrpc.com/conformance@${PROGRAMS.connectconformance[1]}`;
  const { Dir: sources } = JSON.parse(await run("go", ["mod", "download", "-json", module], { cwd: "/" }));
  await run(join(ROOT, "node_modules", ".bin", "buf"), ["build", join(sources, "proto"), "-o", CONFORMANCE_IMAGE]);
}

/** Go's own caches keep what it downloads and compiles. */
async function install(program: Program): Promise<void> {
  const [path, version] = PROGRAMS[program];
  if (!existsSync(pathOf(program))) {
    const env = { ...process.env, GOBIN: folderOf(program), GOFLAGS: "-buildvcs=false" };
    await run("go", ["install", `${path}@${version}`], { cwd: "/", env, timeout: BUILD_TIMEOUT_MS });
    await verifyModules(program);
  }
}

/** Checksums of the modules that the programs are built from, in the format of go.sum. */
const SUMS = join(import.meta.dirname, "programs.sum");

/**
 * Compares the modules of a program, which Go records in it, with their checksums. `go install`
 * itself uses no go.sum, and Go's checksum database can be switched off by a setting of the user.
 *
 * @throws Error naming the modules, after removing the program
 */
async function verifyModules(program: Program): Promise<void> {
  const known = new Set(readFileSync(SUMS, "utf8").split("\n"));
  const record = await run("go", ["version", "-m", pathOf(program)]);
  const modules = record.split("\n").flatMap((line) => {
    const [sum = "", version, path] = line.split("\t").toReversed();
    return sum.startsWith("h1:") ? [`${path} ${version} ${sum}`] : [];
  });
  const unknown = modules.filter((line) => !known.has(line));
  if (unknown.length > 0 || modules.length === 0) {
    rmSync(folderOf(program), { recursive: true });
    throw new Error(
      `${program} was built from modules that are not in test/clients/programs.sum:\n${unknown.join("\n")}\n` +
        "Compare them with the module's own go.sum; add the lines if its version was changed.",
    );
  }
}

/** A step of the preparation. */
export interface Step {
  readonly name: string;
  run(): Promise<unknown>;
}

const runMaven = (project: string, phase: string) =>
  run("mvn", ["--batch-mode", "--strict-checksums", "--quiet", phase], { cwd: project, timeout: BUILD_TIMEOUT_MS });

/** Builds the programs of others, and the clients of this folder with stubs from the contract. */
export const STEPS: readonly Step[] = [
  ...Object.keys(PROGRAMS).map((program) => ({
    name: program,
    run: () => install(program as Program),
  })),
  { name: "contract of connectconformance", run: compileConformanceContract },
  {
    name: "Go clients",
    async run() {
      const folders = ["protoc-gen-go", "protoc-gen-go-grpc"].map((plugin) => folderOf(plugin as Program));
      const env = { ...process.env, PATH: [...folders, process.env.PATH].join(":") };
      const template = join(GO_MODULE, "buf.gen.yaml");
      await run(join(ROOT, "node_modules", ".bin", "buf"), ["generate", "--template", template], { cwd: ROOT, env });
      const options = { cwd: GO_MODULE, timeout: BUILD_TIMEOUT_MS };
      await run("go", ["vet", "./documents"], options);
      await run("go", ["build", "-buildvcs=false", "-o", `${BIN}/`, "./load", "./details"], options);
    },
  },
  {
    name: "Java clients",
    run: () => runMaven(JAVA_PROJECT, "compile"),
  },
  {
    name: "Apache CXF clients",
    run: () => runMaven(CXF_PROJECT, "process-classes"),
  },
  HAS_PYTHON
    ? { name: "Python client", run: buildPythonClient }
    : { name: "Python client skipped, as there is no python3 in the PATH", run: async () => {} },
];

async function buildPythonClient(): Promise<void> {
  const options = { cwd: ROOT, timeout: BUILD_TIMEOUT_MS };
  const requirements = join(PYTHON_PROJECT, "requirements.txt");
  const installed = join(PYTHON, "requirements.txt");
  if (!existsSync(installed) || readFileSync(installed, "utf8") !== readFileSync(requirements, "utf8")) {
    await run("python3", ["-m", "venv", "--clear", PYTHON], options);
    await run(join(PYTHON, "bin", "pip"), ["install", "--disable-pip-version-check", "-r", requirements], options);
    copyFileSync(requirements, installed);
  }
  const rules = join(ROOT, ".buf", "protovalidate");
  const files = [
    ...["order_status.proto", "order_status_service.proto"].map((name) => `oms/orderstatus/v1/${name}`),
    "buf/validate/validate.proto",
  ];
  const stubs = join(PYTHON, "stubs");
  mkdirSync(stubs, { recursive: true });
  const target = [`--python_out=${stubs}`, `--grpc_python_out=${stubs}`];
  const imports = [join(ROOT, "proto"), rules].map((folder) => `--proto_path=${folder}`);
  await run(join(PYTHON, "bin", "python"), ["-m", "grpc_tools.protoc", ...imports, ...target, ...files], options);
}

/** Runs the client in Python; returns what it prints as JSON. */
export async function runPython(name: "load", ...args: string[]): Promise<unknown> {
  const env = { ...process.env, PYTHONPATH: join(PYTHON, "stubs") };
  return JSON.parse(await run(join(PYTHON, "bin", "python"), [join(PYTHON_PROJECT, `${name}.py`), ...args], { env }));
}

/** Runs a client in Node, in a process of its own; returns what it prints as JSON. */
export async function runNode(name: "load", ...args: string[]): Promise<unknown> {
  return JSON.parse(await run(process.execPath, [join(ROOT, "test", "clients", "node", `${name}.ts`), ...args]));
}

/** Runs a client in Go; returns what it prints as JSON. */
export async function runGo(name: "load" | "details", ...args: string[]): Promise<unknown> {
  return JSON.parse(await run(join(BIN, name), args));
}

/** Runs a client in Java; returns what it prints as JSON. */
export async function runJava(name: "Load" | "Details", ...args: string[]): Promise<unknown> {
  const target = join(JAVA_PROJECT, "target");
  const packages = readFileSync(join(target, "classpath"), "utf8").trim();
  return JSON.parse(await run("java", ["-cp", `${join(target, "classes")}:${packages}`, name, ...args]));
}
