import { formatTemplate, type Template } from "../core/template.ts";

/** A text of the document that has gaps: only keys that say so take it. */
export class TemplateText {
  readonly template: Template;

  constructor(template: Template) {
    this.template = template;
  }

  toString(): string {
    return formatTemplate(this.template);
  }
}

/** The template that a value of the document is; a text is one without gaps. Undefined for anything else. */
export function asTemplate(input: unknown): Template | undefined {
  if (input instanceof TemplateText) return input.template;
  return typeof input === "string" ? { parts: [input] } : undefined;
}
