import {
  formatPath,
  isMapping,
  type Mapping,
  type Path,
  pathKey,
  valueAt,
} from "../schema/document.ts";
import { parseDocument } from "./yaml.ts";
import { describeIssues } from "./issues.ts";
import type { ExternalValues } from "./external_values.ts";
import type { ConfigProblem, Finding } from "./problem.ts";
import { resolveReferences } from "./references.ts";
import { type ConfigWarning, type FileConfig, fileSchema } from "./schema.ts";
import {
  readFiles,
  redactSections,
  sectionsOf,
  sectionWarnings,
  type TypedSection,
} from "./sections.ts";
import { secretTexts } from "./secret_texts.ts";
import type { HiddenPaths } from "../schema/secrets.ts";
import { unknownFacts } from "./template_facts.ts";

export interface ConfigSource {
  /** For messages: `config.yaml`, `stdin`. */
  readonly name: string;
  readonly text: string;
}

export interface LoadedFile {
  readonly source: string;
  /** Absent when there are problems. */
  readonly config?: FileConfig;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigWarning[];
  /** Texts to redact in all output. */
  readonly secrets: readonly string[];
  /** Pipelines, as far as they can be read, for checks across files. */
  readonly pipelines: readonly LoadedPipeline[];
}

/** What checks across pipelines need, even if the file has problems. */
export interface LoadedPipeline {
  readonly name?: string;
  /** Its name in problems. */
  readonly label: string;
  /** As written, with references resolved and paths replaced by the files' text. */
  readonly written: unknown;
  readonly sections: readonly TypedSection[];
}

/** Reads one source. Never throws because of its text. */
export function loadFile({ name, text }: ConfigSource, values: ExternalValues): LoadedFile {
  const parsed = parseDocument(text);
  if ("finding" in parsed) return failed(name, parsed.finding);
  const mapping = toMapping(parsed.document);
  if (mapping === undefined) {
    return failed(name, {
      path: [],
      message: "expected a list of pipelines, or a mapping with 'pipelines'",
    });
  }

  const { document, findings, hidden } = resolveReferences(mapping, values);
  const pipelines = pipelinesOf(document, hidden);
  // Comes before paths are replaced by files: paths may be secret, too.
  const secrets = secretTexts(document, hidden);
  const early = [
    ...findings,
    ...pipelines.flatMap(({ sections }) =>
      sections.flatMap((section) => readFiles(section, { values, hidden }))
    ),
    ...pipelines.flatMap(({ written }, index) => unknownFacts(written, ["pipelines", index])),
  ];
  const result = fileSchema.safeParse(document);
  const late = result.success ? [] : describeIssues(result.error.issues, { document, hidden });
  // Unresolved references also fail validation, which is not worth a second problem.
  const known = new Set(early.map(({ path }) => pathKey(path)));
  const all = [...early, ...late.filter(({ path }) => !known.has(pathKey(path)))];
  const labels = pipelines.map(({ label }) => label);
  const problems = all.map((finding) => toProblem(finding, { source: name, labels }));
  if (!result.success || problems.length > 0) {
    return { source: name, problems, warnings: [], secrets, pipelines };
  }
  redactSections(result.data, pipelines.flatMap(({ sections }) => sections), hidden);
  return {
    source: name,
    config: result.data,
    problems,
    warnings: pipelines.flatMap(warningsOf),
    secrets,
    pipelines,
  };
}

function toMapping(document: unknown): Mapping | undefined {
  if (Array.isArray(document)) return { pipelines: document };
  return isMapping(document) ? document : undefined;
}

function pipelinesOf(document: unknown, hidden: HiddenPaths): readonly LoadedPipeline[] {
  const pipelines = valueAt(document, ["pipelines"]);
  return (Array.isArray(pipelines) ? pipelines : []).map((pipeline, index) => {
    const path = ["pipelines", index];
    const name = isMapping(pipeline) ? pipeline["name"] : undefined;
    const isNamed = typeof name === "string" && name !== "";
    return {
      ...(isNamed ? { name } : {}),
      label: isNamed && !hidden.has([...path, "name"]) ? name : `#${index + 1}`,
      written: pipeline,
      sections: sectionsOf(document, path),
    };
  });
}

function warningsOf({ name, sections }: LoadedPipeline): readonly ConfigWarning[] {
  return sections.flatMap((section) =>
    sectionWarnings(section).map((message) => ({
      ...(name === undefined ? {} : { pipeline: name }),
      message: `${formatPath(section.path.slice(2))}: ${message}`,
    }))
  );
}

function toProblem(
  { path, message }: Finding,
  { source, labels }: { source: string; labels: readonly string[] },
): ConfigProblem {
  const [first, index, ...rest]: Path = path;
  const label = first === "pipelines" && typeof index === "number" ? labels[index] : undefined;
  return label === undefined
    ? { source, path: formatPath(path), message }
    : { source, pipeline: label, path: formatPath(rest), message };
}

function failed(source: string, finding: Finding): LoadedFile {
  const problem = toProblem(finding, { source, labels: [] });
  return { source, problems: [problem], warnings: [], secrets: [], pipelines: [] };
}
