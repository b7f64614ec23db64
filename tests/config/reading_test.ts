import { assertEquals } from "@std/assert";
import { ConfigSnapshot, formatProblem } from "../../src/config/mod.ts";
import { externalValues, pipelineText } from "./loading.ts";

const TEXT = pipelineText({
  name: "${env:NAME}",
  eventHandler: { type: "http", url: "http://localhost/", headers: { a: "${file:/token}" } },
});

Deno.test("ConfigSnapshot reads the files anew and keeps the variables of the first time", () => {
  const surroundings = { variables: { NAME: "first" }, files: { "/token": "one" } };
  const first = new ConfigSnapshot(
    [{ name: "config.yaml", text: TEXT }],
    externalValues(surroundings),
  );
  surroundings.variables.NAME = "second";
  surroundings.files["/token"] = "two";
  const second = first.again();

  assertEquals(second.again().result, second.result);
  const { result } = second;
  if ("problems" in result) throw new Error("not valid");
  const [pipeline] = result.config.pipelines;
  assertEquals(pipeline?.name, "first");
  assertEquals(Reflect.get(pipeline?.eventHandler ?? {}, "headers"), [["a", "two"]]);
  assertEquals([...second.files], [["/token", "two"]]);
});

Deno.test("ConfigSnapshot knows of a file that cannot be read", () => {
  const files: Record<string, string> = { "/token": "one" };
  const surroundings = { variables: { NAME: "first" }, files };
  const first = new ConfigSnapshot(
    [{ name: "config.yaml", text: TEXT }],
    externalValues(surroundings),
  );
  delete files["/token"];
  const second = first.again();

  const { result } = second;
  if ("config" in result) throw new Error("valid");
  assertEquals(result.problems.map(formatProblem), [
    "config.yaml: pipeline #1: eventHandler.headers.a: cannot read the file *** (NotFound)",
  ]);
  assertEquals([...second.files], [["/token", undefined]]);
});

Deno.test("ConfigSnapshot reads once what gives its text once, such as a pipe, and does not watch it", () => {
  const surroundings = { variables: { NAME: "first" }, files: { "/token": "one" } };
  const pipe = { ...externalValues(surroundings), isStream: (path: string) => path === "/token" };
  const first = new ConfigSnapshot([{ name: "config.yaml", text: TEXT }], pipe);
  surroundings.files["/token"] = "";

  assertEquals(first.again().result, first.result);
  assertEquals(first.again().again().result, first.result);
  assertEquals([...first.files, ...first.again().files], []);
});
