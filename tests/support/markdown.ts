const FENCED_CODE = /^ *(`{3,})[^\n]*\n.*?^ *\1$/gms;
const INLINE_CODE = /(?<!`)(`+)(?!`)(?:(?!\n\n).)*?(?<!`)\1(?!`)/gs;
const HEADING = /^#{1,6} (.*)$/gm;
const LINK = /\]\(([^)\s]+)\)/g;

/** The anchors of a page's headings, in GitHub's form. */
export function anchorsOf(page: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of withoutCode(page, FENCED_CODE).matchAll(HEADING)) {
    const anchor = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").trim().toLowerCase()
      .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "").replaceAll(" ", "-");
    let unique = anchor;
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`;
    anchors.add(unique);
  }
  return anchors;
}

/** Where the links of a page lead, as they are written; those to other sites are left out. */
export function relativeLinksOf(page: string): readonly string[] {
  const text = withoutCode(withoutCode(page, FENCED_CODE), INLINE_CODE);
  return [...text.matchAll(LINK)].map(([, target = ""]) => target)
    .filter((target) => !/^[a-z][a-z+.-]*:/i.test(target));
}

function withoutCode(page: string, code: RegExp): string {
  return page.replaceAll(code, "");
}
