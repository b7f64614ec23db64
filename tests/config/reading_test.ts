import { assertEquals } from "@std/assert";
import { readConfig } from "../../src/config/mod.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { externalValues, pipelineText } from "./loading.ts";

const TEXT = pipelineText({
  name: "${env:NAME}",
  eventHandler: { type: "http", url: "http://localhost/", headers: { a: "${file:/token}" } },
});

const SOURCES = [{ name: "config.yaml", text: TEXT }];

Deno.test("readConfig() reads the files anew and keeps the variables of the first time", () => {
  const surroundings = { variables: { NAME: "first" }, files: { "/token": "one" } };
  const values = externalValues(surroundings);
  const first = readConfig(SOURCES, values);
  surroundings.variables.NAME = "second";
  surroundings.files["/token"] = "two";
  const second = readConfig(SOURCES, values, first.values);

  assertEquals(readConfig(SOURCES, values, second.values).result, second.result);
  const { result } = second;
  if ("problems" in result) throw new Error("not valid");
  const [pipeline] = result.config.pipelines;
  assertEquals(pipeline?.name, "first");
  assertEquals(Reflect.get(pipeline?.eventHandler ?? {}, "headers"), [["a", "two"]]);
  assertEquals([...second.values.files], [["/token", "two"]]);
});

Deno.test("readConfig() knows of a file that cannot be read", () => {
  const files: Record<string, string> = { "/token": "one" };
  const surroundings = { variables: { NAME: "first" }, files };
  const values = externalValues(surroundings);
  const first = readConfig(SOURCES, values);
  delete files["/token"];
  const second = readConfig(SOURCES, values, first.values);

  const { result } = second;
  if ("config" in result) throw new Error("valid");
  assertEquals(result.problems.map(formatProblem), [
    "config.yaml: pipeline #1: eventHandler.headers.a: cannot read the file *** (NotFound)",
  ]);
  assertEquals([...second.values.files], [["/token", undefined]]);
});

Deno.test("readConfig() reads once what gives its text once, such as a pipe, and does not watch it", () => {
  const surroundings = { variables: { NAME: "first" }, files: { "/token": "one" } };
  const pipe = { ...externalValues(surroundings), isStream: (path: string) => path === "/token" };
  const first = readConfig(SOURCES, pipe);
  surroundings.files["/token"] = "";

  const second = readConfig(SOURCES, pipe, first.values);
  assertEquals(second.result, first.result);
  assertEquals(readConfig(SOURCES, pipe, second.values).result, first.result);
  assertEquals([...first.values.files, ...second.values.files], []);
});
