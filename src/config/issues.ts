import type { z } from "zod";
import { type Path, valueAt } from "../schema/document.ts";
import { describeValue } from "../schema/description.ts";
import type { Finding } from "./problem.ts";
import { alternatives, type Reading } from "../schema/scalar.ts";
import type { HiddenPaths } from "../schema/secrets.ts";

type Issue = z.core.$ZodIssue;

const KINDS = new Map([["object", "a mapping"], ["record", "a mapping"], ["array", "a list"]]);

const PARTS = /^a (mapping|list)/;

/** Describes zod's issues with a document in eventor's words. */
export function describeIssues(
  issues: readonly Issue[],
  { document, hidden }: { document: unknown; hidden: HiddenPaths },
): readonly Finding[] {
  function describe(issue: Issue, parent: Path): readonly Finding[] {
    const path = [...parent, ...issue.path];
    const found = valueAt(document, path);
    const expectation = (expected: string): Finding => {
      // Without spaces behind colons, YAML reads a mapping as text, which contains the values.
      const isMisread = typeof found === "string" && PARTS.test(expected);
      const shown = isMisread ? "text" : describeValue(found, { hidden: hidden.has(path) });
      return {
        path,
        message: found === undefined ? "required" : `expected ${expected}, found ${shown}`,
      };
    };
    switch (issue.code) {
      case "custom": {
        const reading = (issue.params ?? {}) as Partial<Reading<never>>;
        if ("expected" in reading) return [expectation(String(reading.expected))];
        return [{ path, message: "refused" in reading ? String(reading.refused) : issue.message }];
      }
      case "unrecognized_keys":
        return issue.message.split("\n").map((message) => ({ path, message }));
      case "invalid_type":
        return [expectation(KINDS.get(issue.expected) ?? issue.expected)];
      case "invalid_value":
        return [expectation(alternatives(issue.values.map(String)))];
      case "too_small":
        return [{ path, message: "expected at least one" }];
      case "invalid_union":
        if (issue.errors.length === 0) {
          const types = alternatives(discriminators(issue));
          return [
            found === undefined ? { path, message: `required: ${types}` } : expectation(types),
          ];
        }
        return describeUnion(issue.errors, { path, expectation });
      default:
        return [{ path, message: "not valid" }];
    }
  }

  // Reports only the branch that the value was meant for.
  function describeUnion(
    branches: readonly (readonly Issue[])[],
    { path, expectation }: { path: Path; expectation: (expected: string) => Finding },
  ): readonly Finding[] {
    const meant = branches.find((branch) => !branch.some(isWrongKind));
    if (meant !== undefined) return meant.flatMap((issue) => describe(issue, path));
    const kinds = branches.flat().filter(isWrongKind).map(({ expected }) => KINDS.get(expected));
    return [expectation(kinds.join(" or "))];
  }

  return issues.flatMap((issue) => describe(issue, []));
}

function isWrongKind(issue: Issue): issue is z.core.$ZodIssueInvalidType {
  return issue.code === "invalid_type" && issue.path.length === 0;
}

function discriminators(issue: Issue): readonly string[] {
  return "options" in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
}
