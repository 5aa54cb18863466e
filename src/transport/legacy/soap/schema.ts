import type { LegacyMethod } from "../methods.ts";
import type { Parameter, ParameterKind } from "../parameters.ts";
import { declare, type ElementPart, type Vocabulary, vocabulary } from "./xml.ts";

const xs = vocabulary("xs", "http://www.w3.org/2001/XMLSchema");

/** The types by which parameters are told; lists and times go as text. */
const TYPES: Readonly<Record<ParameterKind, string>> = {
  id: "xs:long",
  status: "xs:int",
  flag: "xs:int",
  text: "xs:string",
  time: "xs:string",
  ids: "xs:string",
  lines: "xs:string",
};

/** The schema of a service's messages, as CXF makes it of a Java class: what is within a message is in no namespace. */
export function schemaOf(methods: readonly LegacyMethod[], tns: Vocabulary): ElementPart {
  const messages = methods.flatMap(({ name, parameters }) => [
    ...message(tns, name, parameters.map(parameterOf)),
    ...message(tns, `${name}Response`, [xs.element("element", { name: "return", type: "xs:string" })]),
  ]);
  return xs.element(
    "schema",
    {
      ...declare([xs, tns]),
      targetNamespace: tns.uri,
      elementFormDefault: "unqualified",
      attributeFormDefault: "unqualified",
    },
    messages,
  );
}

/** An element with its type. */
function message(tns: Vocabulary, name: string, content: readonly ElementPart[]): ElementPart[] {
  return [
    xs.element("element", { name, type: `${tns.prefix}:${name}` }),
    xs.element("complexType", { name }, [xs.element("sequence", {}, content)]),
  ];
}

function parameterOf({ name, kind, required, description }: Parameter): ElementPart {
  const documentation = xs.element("annotation", {}, [xs.element("documentation", {}, [description])]);
  return xs.element("element", { minOccurs: required ? undefined : "0", name, type: TYPES[kind] }, [documentation]);
}
