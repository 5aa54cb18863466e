import { execFileSync, spawnSync } from "node:child_process";

/** Debian's own interpreters, whatever else is on the path: that is where its packages are. */
export const PYTHON = "/usr/bin/python3";
export const PHP = "/usr/bin/php";
export const PERL = "/usr/bin/perl";

/** The gRPC client of Debian's Python. */
export const GRPC_PACKAGES = ["python3-grpcio", "python3-protobuf"];

/** SOAP clients that nobody here wrote. */
export const SOAP_PACKAGES = ["python3-zeep", "php-cli", "php-soap", "libsoap-lite-perl", "curl"];

/** Which of some Debian packages are not installed. */
export function missingPackages(packages: readonly string[]): string[] {
  const { stdout } = spawnSync("dpkg-query", ["--list", ...packages], { encoding: "utf8" });
  const installed = new Set((stdout ?? "").split("\n").map((line) => /^ii +([^ :]+)/.exec(line)?.[1]));
  return packages.filter((name) => !installed.has(name));
}

/**
 * Installs the clients that are missing, where that needs nobody's leave; else their tests say what
 * is missing.
 */
export function ensureForeignClients(say: (line: string) => void): void {
  const missing = missingPackages([...GRPC_PACKAGES, ...SOAP_PACKAGES]);
  if (missing.length === 0 || process.getuid?.() !== 0) {
    return;
  }
  say(`Installing ${missing.join(", ")}: clients that the tests call with …`);
  try {
    const aptGet = (...args: string[]) =>
      execFileSync("apt-get", ["-o", "DPkg::Lock::Timeout=300", ...args], {
        stdio: "ignore",
        env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      });
    aptGet("update");
    aptGet("install", "--yes", "--no-install-recommends", ...missing);
  } catch (error) {
    say(`That failed: ${error}`);
  }
}
