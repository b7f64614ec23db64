import { formatTemplate, type Template } from "../core/template.ts";

/** A text with placeholders; only some keys accept it. */
export class TemplateText {
  readonly template: Template;

  constructor(template: Template) {
    this.template = template;
  }

  toString(): string {
    return formatTemplate(this.template);
  }
}

/** A value of the document as a template; a plain text has no placeholders. Undefined for other values. */
export function asTemplate(input: unknown): Template | undefined {
  if (input instanceof TemplateText) return input.template;
  return typeof input === "string" ? { parts: [input] } : undefined;
}

/** Replaces the path of a file in a document, once the file was read. */
export class FileText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}
