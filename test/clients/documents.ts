import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codeBlocks, documents } from "../../scripts/docs/markdown.ts";
import { ROOT } from "./toolchain.ts";

/** Turns an example of a document into a source file that compiles on its own. */
interface Language {
  readonly name: string;
  readonly folder: string;
  fileName(index: number): string;
  wrap(code: string, index: number): string;
}

/** The packages that examples in Go use; a variable for each, as one unused is an error. */
const GO_PACKAGES = {
  context: "context.Background",
  time: "time.Now",
  "github.com/google/uuid": "uuid.NewString",
  "google.golang.org/grpc": "grpc.NewClient",
  "google.golang.org/grpc/credentials/insecure": "insecure.NewCredentials",
  "google.golang.org/grpc/metadata": "metadata.Pairs",
};

const LANGUAGES: readonly Language[] = [
  {
    name: "go",
    folder: join(ROOT, "test", "clients", "go", "documents"),
    fileName: (index) => `example${index}.go`,
    wrap: (code, index) => `package documents

import (
${Object.keys(GO_PACKAGES)
  .map((path) => `\t"${path}"`)
  .join("\n")}

\torderstatusv1 "oms/orderstatus/v1"
)

${Object.values(GO_PACKAGES)
  .map((member) => `var _ = ${member}`)
  .join("\n")}

func example${index}(ctx context.Context) error {
${code}
\t_ = answer
\treturn err
}
`,
  },
  {
    name: "java",
    folder: join(ROOT, "test", "clients", "java", "target", "documents"),
    fileName: (index) => `Example${index}.java`,
    wrap: (code, index) => `import com.oms.orderstatus.v1.*;
import io.grpc.*;
import io.grpc.stub.*;
import java.util.*;
import java.util.concurrent.*;

final class Example${index} {
  static void run() {
${code}
  }
}
`,
  },
];

/** Writes a file unless it is up to date: Maven builds everything again after a change. */
export function update(file: string, text: string): void {
  if (!existsSync(file) || readFileSync(file, "utf8") !== text) {
    writeFileSync(file, text);
  }
}

/** Writes every example in Go and Java to the folder where it is compiled. @returns how many */
export function writeExamples(): number {
  let written = 0;
  for (const { name, folder, fileName, wrap } of LANGUAGES) {
    mkdirSync(folder, { recursive: true });
    const blocks = documents().flatMap(({ text }) => codeBlocks(text).filter(({ language }) => language === name));
    const files = blocks.map(({ code }, index) => ({ name: fileName(index), text: wrap(code, index) }));
    for (const file of files) {
      update(join(folder, file.name), file.text);
    }
    for (const old of readdirSync(folder).filter((file) => files.every(({ name: current }) => current !== file))) {
      rmSync(join(folder, old));
    }
    written += files.length;
  }
  return written;
}
