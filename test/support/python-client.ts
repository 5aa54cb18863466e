import { execFileSync } from "node:child_process";

/** Debian's Python, whatever else is on the path: that is where its packages are. */
export const PYTHON = "/usr/bin/python3";

const PACKAGES = ["python3-grpcio", "python3-protobuf"];

/** Installs the gRPC client of Debian's Python where it is missing and that needs nobody's leave; else its test says what is missing. */
export function needPythonClient(say: (line: string) => void): void {
  const run = (program: string, ...args: string[]) =>
    execFileSync(program, args, { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  try {
    run(PYTHON, "-c", "import grpc, google.protobuf");
  } catch {
    if (process.getuid?.() !== 0) {
      return;
    }
    say(`Installing ${PACKAGES.join(" and ")}, a client that the tests call with …`);
    try {
      const lock = "DPkg::Lock::Timeout=300";
      run("apt-get", "-o", lock, "update");
      run("apt-get", "-o", lock, "install", "--yes", "--no-install-recommends", ...PACKAGES);
    } catch (error) {
      say(`That failed: ${error}`);
    }
  }
}
