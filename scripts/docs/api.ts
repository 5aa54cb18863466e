import { execFileSync } from "node:child_process";
import { join } from "node:path";
import {
  createFileRegistry,
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  ScalarType,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { getComments } from "@bufbuild/protoplugin";
import { SERVICES } from "../../src/transport/handlers/index.ts";
import { code, type Page, table, wrap } from "./page.ts";

const root = join(import.meta.dirname, "../..");

/** The contract with its comments, which gen/ does not carry. */
function loadContract(): readonly DescFile[] {
  const image = execFileSync("buf", ["build", "--output", "-"], { cwd: root, maxBuffer: 64 * 1024 * 1024 });
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
  return [...registry.files]
    .filter((file) => file.name.startsWith("oms/"))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

let loaded: readonly DescFile[] | undefined;
function contract(): readonly DescFile[] {
  loaded ??= loadContract();
  return loaded;
}

/** A comment's paragraphs, joined by blank lines. */
function paragraphsOf(desc: Parameters<typeof getComments>[0]): string[] {
  return (getComments(desc).leading ?? "")
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.trim().replace(/\s+/g, " ").replaceAll("<", "\\<"))
    .filter((paragraph) => paragraph !== "");
}

const descriptionOf = (desc: Parameters<typeof getComments>[0]) => paragraphsOf(desc).map(wrap).join("\n\n");
const cellOf = (desc: Parameters<typeof getComments>[0]) => paragraphsOf(desc).join(" ");

/** The name within the package, for example "WatchOrderStatusResponse.Change". */
const nameOf = (desc: DescMessage | DescEnum) => desc.typeName.slice(desc.file.proto.package.length + 1);

const anchorOf = (desc: DescMessage | DescEnum) => nameOf(desc).toLowerCase().replaceAll(".", "");

const isOurs = (desc: DescMessage | DescEnum) => desc.typeName.startsWith("oms.");

/** The RPC whose request or response the message is; it is printed in the RPC's section. */
function methodOf(desc: DescMessage | DescEnum): DescMethod | undefined {
  const methods = contract().flatMap((file) => file.services.flatMap((service) => service.methods));
  return methods.find(({ input, output }) => input.typeName === desc.typeName || output.typeName === desc.typeName);
}

function link(desc: DescMessage | DescEnum): string {
  const anchor = methodOf(desc)?.name.toLowerCase() ?? anchorOf(desc);
  return isOurs(desc) ? `[${nameOf(desc)}](#${anchor})` : desc.typeName.replace("google.protobuf.", "");
}

const scalarName = (scalar: ScalarType) => ScalarType[scalar].toLowerCase();

function typeOf(field: DescField): string {
  switch (field.fieldKind) {
    case "message":
      return link(field.message);
    case "enum":
      return link(field.enum);
    case "list":
      return `repeated ${field.message ? link(field.message) : field.enum ? link(field.enum) : scalarName(field.scalar as ScalarType)}`;
    case "map":
      return `map of ${scalarName(field.mapKey)} to ${field.message ? link(field.message) : scalarName(field.scalar as ScalarType)}`;
    default:
      return scalarName(field.scalar);
  }
}

function fieldsOf({ fields }: DescMessage): string {
  return fields.length === 0
    ? "No fields."
    : table(
        ["field", "type", "meaning"],
        fields.map((field) => [code(field.name), typeOf(field), cellOf(field)]),
      );
}

function* withNested(messages: readonly DescMessage[]): Generator<DescMessage> {
  for (const message of messages) {
    yield message;
    yield* withNested(message.nestedMessages);
  }
}

function methodSection(method: DescMethod): string {
  const kinds = [
    method.proto.options?.deprecated && "deprecated",
    method.methodKind === "server_streaming" && "server stream",
    method.idempotency === 1 && "read-only",
    method.idempotency === 2 && "idempotent",
  ].filter(Boolean);
  const note = paragraphsOf(method.input).map(withoutReference).filter(Boolean);
  return [
    `### ${method.name}`,
    descriptionOf(method),
    kinds.length > 0 ? `*${kinds.join(", ")}*` : "",
    `**Request**${note.length > 0 ? `: ${note.join(" ")}` : ""}`,
    fieldsOf(method.input),
    `**Response**`,
    fieldsOf(method.output),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** Removes "Request of SubmitOrder.", which is redundant in the section of that RPC. */
const withoutReference = (paragraph: string) => paragraph.replace(/^Request of \w+\.\s*/, "");

function serviceSection(service: DescService): string {
  return [
    `## ${service.name}`,
    code(service.typeName),
    descriptionOf(service),
    ...service.methods.map(methodSection),
  ].join("\n\n");
}

const messageSection = (message: DescMessage) =>
  [`### ${nameOf(message)}`, descriptionOf(message), fieldsOf(message)].join("\n\n");

function enumSection(desc: DescEnum): string {
  const rows = desc.values.map((value) => [code(value.name), String(value.number), cellOf(value)]);
  return [`### ${nameOf(desc)}`, descriptionOf(desc), table(["name", "number", "meaning"], rows)].join("\n\n");
}

function methods(): string {
  const services = new Map(contract().flatMap((file) => file.services.map((service) => [service.typeName, service])));
  return SERVICES.map(({ typeName }) => serviceSection(services.get(typeName) as DescService)).join("\n\n");
}

function types(): string {
  const files = contract().filter((file) => !file.proto.package.startsWith("oms.events."));
  const messages = files
    .flatMap((file) => [...withNested(file.messages)])
    .filter((message) => methodOf(message) === undefined)
    .map((message) => [nameOf(message), messageSection(message)] as const);
  const enums = files.flatMap((file) => file.enums).map((desc) => [nameOf(desc), enumSection(desc)] as const);
  return [...messages, ...enums]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, section]) => section)
    .join("\n\n");
}

function messages(): string {
  const [file] = contract().filter(({ proto }) => proto.package.startsWith("oms.events."));
  return [...withNested(file?.messages ?? [])].map(messageSection).join("\n\n");
}

/** The contract's services and types, from the comments in proto/. */
export const api: Page = { file: "docs/api.md", blocks: { services: methods, types } };

/** The events' messages, from the comments in proto/. */
export const events: Page = { file: "docs/events.md", blocks: { messages } };
